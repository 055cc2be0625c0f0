"""Bring the catalogs up to date with the texts in code and templates: ``python -m reports.i18n.messages``.

Texts that are new stand in each catalog without a translation, which the tests refuse; texts that are gone are removed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

from reports.i18n import LANGUAGES

__all__ = ["catalogs", "extracted"]

HERE: Final = Path(__file__).parent
TEMPLATES: Final = {
    "extensions": "jinja2.ext.i18n",
    "trim_blocks": "true",
    "lstrip_blocks": "true",
    "trimmed": "true",
    "newstyle_gettext": "true",
}
"""As :mod:`reports.document` reads them."""


def extracted() -> Catalog:
    """Every text that reports say, of code and templates."""
    found = extract_from_dir(
        HERE.parent,
        method_map=[("**.py", "python"), ("**.html", "jinja2")],
        options_map={"**.html": TEMPLATES},
        keywords={**DEFAULT_KEYWORDS, "mark": None},
    )
    catalog = Catalog(project="emorec", charset="utf-8")
    for _file, _line, message, _comments, context in found:
        catalog.add(message, context=context)
    return catalog


def catalogs() -> list[tuple[str, Path]]:
    """Each language that has a catalog, and its file."""
    return [(language, HERE / f"{language}.po") for language in LANGUAGES if language != "en"]


def _update(language: str, file: Path, texts: Catalog) -> None:
    old = read_po(file.open("rb"), locale=LANGUAGES[language]) if file.exists() else Catalog()
    # Not Catalog.update, which guesses: a translation belongs to its text or is missing.
    new = Catalog(locale=LANGUAGES[language], project="emorec", charset="utf-8", fuzzy=False)
    for message in texts:
        if message.id:
            before = old.get(message.id, message.context)
            new.add(message.id, before.string if before else None, flags=message.flags, context=message.context)
    with file.open("wb") as out:
        write_po(out, new, width=110, sort_output=True, omit_header=True, no_location=True)


def main() -> None:
    """Rewrite every catalog."""
    texts = extracted()
    for language, file in catalogs():
        _update(language, file, texts)


if __name__ == "__main__":
    main()
