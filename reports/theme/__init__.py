"""The look of reports: a style sheet, a script, a Plotly template, a palette; an institution may replace each.

A folder with any of these files is laid over the released theme (the setting ``report.theme``):

- ``logo.svg`` or ``logo.png``: stands at the head of every page;
- ``theme.json``: ``{"institution": "…"}``, the name that stands beside it and in the footer;
- ``theme.css``: read after the released style sheet, whose variables it may set anew;
- ``palette.json``, ``plotly.json``: laid over the released ones, entry by entry;
- ``templates/…``: read instead of the released templates of the same name, which remain reachable as ``emorec/…``.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Final

import jinja2

from emorec.errors import SettingsError

__all__ = ["RELEASED", "Theme"]

LOGOS: Final = {"logo.svg": "image/svg+xml", "logo.png": "image/png"}
LARGEST_LOGO_BYTES: Final = 500_000
"""A report goes by mail; a logo is not what makes it heavy."""


@dataclass(frozen=True)
class Theme:
    """The released theme, with the files of an institution's folder laid over it.

    Raises:
        SettingsError: the folder is missing, or a file in it cannot be used; on first use.
    """

    folder: Path | None = None

    def __post_init__(self) -> None:
        if self.folder is not None and not self.folder.is_dir():
            raise SettingsError(f"setting report.theme: {self.folder} is not a folder")

    def text(self, name: str) -> str:
        """A file of the released theme."""
        return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")

    @cached_property
    def style(self) -> str:
        """What the institution's style sheet adds."""
        css = self._own("theme.css")
        if css is None:
            return ""
        if "</" in css:
            raise SettingsError(f"{self.folder}/theme.css: a style sheet does not hold </")
        return css

    @cached_property
    def palette(self) -> Any:
        """Colours and patterns by what they stand for: with a pattern each, so that neither is needed alone."""
        return self._laid_over("palette.json")

    @cached_property
    def plotly_template(self) -> Any:
        """The template of every figure."""
        return self._laid_over("plotly.json")

    @cached_property
    def institution(self) -> str:
        """The institution's name; empty where none is given."""
        return str(self._parsed("theme.json").get("institution", ""))

    @cached_property
    def logo(self) -> str:
        """The institution's logo as a data URL; empty where there is none."""
        for name, kind in LOGOS.items():
            if self.folder is not None and (self.folder / name).is_file():
                content = (self.folder / name).read_bytes()
                if len(content) > LARGEST_LOGO_BYTES:
                    raise SettingsError(f"{self.folder / name}: a logo has {LARGEST_LOGO_BYTES // 1000} kB at most")
                return f"data:{kind};base64,{base64.b64encode(content).decode()}"
        return ""

    def loader(self) -> jinja2.BaseLoader:
        """Where templates are read from."""
        released = jinja2.PackageLoader("reports")
        own = [] if self.folder is None else [jinja2.FileSystemLoader(self.folder / "templates")]
        return jinja2.ChoiceLoader([*own, released, jinja2.PrefixLoader({"emorec": released})])

    def _laid_over(self, name: str) -> Any:
        return _merged(json.loads(self.text(name)), self._parsed(name))

    def _parsed(self, name: str) -> dict[str, Any]:
        text = self._own(name)
        if text is None:
            return {}
        try:
            values = json.loads(text)
        except ValueError as error:
            raise SettingsError(f"{self.folder}/{name} is not JSON: {error}") from error
        if not isinstance(values, dict):
            raise SettingsError(f"{self.folder}/{name} is not an object in JSON")
        return values

    def _own(self, name: str) -> str | None:
        if self.folder is None or not (self.folder / name).is_file():
            return None
        return (self.folder / name).read_text(encoding="utf-8")


RELEASED: Final = Theme()
"""The theme as released."""


def _merged(below: Any, above: Mapping[str, Any]) -> Any:
    """Nested objects, entry by entry."""
    merged = dict(below)
    for name, value in above.items():
        inner = merged.get(name)
        merged[name] = _merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return merged
