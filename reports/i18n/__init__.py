"""The languages of reports: a gettext catalog for each but English, which the code itself is written in.

Catalogs are read as they are written (``LANGUAGE.po``), so there is nothing to compile and nothing to be stale.
``make messages`` brings them up to date with the code; a test sees to it that each is complete.
"""

from __future__ import annotations

import gettext
import io
from functools import cache
from importlib import resources
from typing import Final

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

__all__ = ["LANGUAGES", "catalog", "locale"]

LANGUAGES: Final = {"en": "en_GB", "es": "es_MX"}
"""Each language with the country whose way of writing numbers and dates it follows."""


@cache
def locale(language: str) -> Locale:
    """How numbers, dates and lists are written."""
    return Locale.parse(LANGUAGES[language])


@cache
def catalog(language: str) -> gettext.NullTranslations:
    """The translations into a language."""
    if language == "en":
        return gettext.NullTranslations()
    source = resources.files(__name__).joinpath(f"{language}.po").read_bytes()
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(source), locale=LANGUAGES[language]))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
