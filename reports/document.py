"""One self-contained HTML file: Plotly, style, script and data inlined, and a policy that forbids the network."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

import jinja2
from markupsafe import Markup

from reports.theme import RELEASED, Theme
from reports.words import Words

__all__ = ["document"]


def document(
    template: str,
    data: Any,
    words: Words,
    *,
    theme: Theme = RELEASED,
    script: str = "report.js",
    styles: Sequence[str] = ("report.css",),
    plotly: bool = True,
    **context: Any,
) -> str:
    """Render a template as a whole page.

    Args:
        template: name of a file in templates/, escaped by Jinja throughout.
        data: what the page's script reads (figures), JSON.
        words: of the page's language.
        theme: the look.
        script: the page's own script, a file of the theme.
        styles: files of the theme, in order.
        plotly: whether the page draws with Plotly; without it the page is small.
        context: what the template reads.

    Returns:
        HTML; the same arguments give the same text.

    Raises:
        SettingsError: a file of an institution's theme cannot be used.
    """
    # Ours, from the package: nothing of a session is in them.
    scripts = {"plotly": Markup(_plotly() if plotly else ""), "script": Markup(theme.text(script))}  # noqa: S704
    style = "\n".join([*(theme.text(name) for name in styles), theme.style])
    return (
        _environment(words, theme)
        .get_template(template)
        .render(
            policy=_policy([text for text in scripts.values() if text]),
            style=Markup(style),  # noqa: S704 - ours, and an institution's own, which cannot end its element
            data=_json(data),
            plotly_template=_json(theme.plotly_template),
            plotly_locale=_json(words.plotly_locale()),
            words=words,
            logo=theme.logo,
            institution=theme.institution,
            **scripts,
            **context,
        )
    )


@lru_cache(maxsize=8)
def _environment(words: Words, theme: Theme) -> jinja2.Environment:
    environment = jinja2.Environment(
        extensions=["jinja2.ext.i18n"],
        loader=theme.loader(),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_translations(words.catalog, newstyle=True)  # type: ignore[attr-defined]
    return environment


@cache
def _plotly() -> str:
    """Plotly.js as the installed package carries it, with line ends as a browser hashes them."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs()).replace("\r\n", "\n").replace("\r", "\n")


def _policy(scripts: Sequence[str]) -> str:
    """Only our own scripts, by their hash; no network for anything. Plotly sets styles itself, images are data."""
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _json(data: Any) -> Markup:
    """JSON that cannot end its script element or open a comment, whatever names are in it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - escaped in the line above
