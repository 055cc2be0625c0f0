"""Reports in every language: nothing is left in English, and stored sentences are said again."""

from __future__ import annotations

import ast
import inspect
import io
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po

import reports
from emorec import resolve
from emorec.analysis import moments
from emorec.faces import left_out
from emorec.settings.report import ReportSettings
from emorec.store import Session
from reports.i18n import LANGUAGES
from reports.i18n.messages import catalogs, extracted
from reports.session import render
from reports.stored import FORMS, said
from reports.words import words_in
from tests.unit.reports.prose import prose

Build = Callable[..., Session]
SPANISH = words_in("es")


@pytest.mark.parametrize(("language", "file"), catalogs())
def test_a_catalog_translates_every_text_and_no_other(language: str, file: Path) -> None:
    catalog = read_po(io.BytesIO(file.read_bytes()), locale=LANGUAGES[language])

    texts = {(message.id, message.context) for message in extracted() if message.id}

    assert len(texts) > 200
    assert {(message.id, message.context) for message in catalog if message.id} == texts, "make messages"
    assert [message.id for message in catalog if message.id and not _translated(message)] == []


@pytest.mark.parametrize(("language", "file"), catalogs())
def test_translations_hold_the_values_of_their_texts(language: str, file: Path) -> None:
    catalog = read_po(io.BytesIO(file.read_bytes()), locale=LANGUAGES[language])

    for message in catalog:
        for text in message.string if isinstance(message.string, tuple) else [message.string]:
            if message.id:
                one = message.id if isinstance(message.id, str) else message.id[1]
                assert _values(text) == _values(one), message.id


def test_no_text_is_where_extraction_does_not_look() -> None:
    inside = [
        f"{file.name}:{call.lineno}"
        for file in Path(reports.__file__).parent.rglob("*.py")
        for string in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(string, ast.JoinedStr)
        for call in ast.walk(string)
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith(("gettext", "_"))
    ]

    assert inside == []


def test_the_setting_offers_every_language() -> None:
    assert set(get_args(ReportSettings.model_fields["language"].annotation)) == set(LANGUAGES)


def test_a_spanish_report_says_what_happened_with_its_dates_and_numbers(build: Build) -> None:
    text = prose(render(build(participants=25, minutes=60), "es"))

    assert "3 de noviembre de 2026 · 1 h · 25 personas" in text
    assert re.search(
        r"La atención se mantuvo cerca de 0\.7\d hasta el minuto 3[567], cuando bajó a cerca de 0\.5\d\.", text
    )
    assert not re.search(r"\b(the|and|of|was|faces|people|attention|engagement)\b", text)


def test_a_report_names_its_language(build: Build) -> None:
    session = build(participants=2, minutes=5)

    assert '<html lang="es">' in render(session, "es")
    assert '<html lang="en">' in render(session)


def test_a_stored_sentence_is_said_in_the_reader_s_language() -> None:
    assert said("3 of 8 visible participants smiled or laughed at once.", SPANISH) == (
        "3 de 8 participantes visibles sonrieron o rieron a la vez."
    )
    assert said("seen for 0.5 s only; outside every tile", SPANISH) == "visto solo 0.5 s; fuera de todo recuadro"


def test_a_stored_sentence_stays_as_it_is_in_english_and_where_it_is_not_known() -> None:
    assert said("seen for 0.5 s only", words_in("en")) == "seen for 0.5 s only"
    assert said("an unheard-of reason", SPANISH) == "an unheard-of reason"


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_stored_sentence_is_recognised(form: str) -> None:
    stored = re.sub(r"%\(\w+\)s", "0.25", form)

    assert said(stored, SPANISH) != stored


@pytest.mark.parametrize(
    ("module", "inside"),
    [
        pytest.param(left_out, "_Ground", id="why a track is left out"),
        pytest.param(resolve, "append", id="warnings"),
        pytest.param(moments, "Moment", id="moments"),
    ],
)
def test_what_the_analysis_says_in_english_is_known_here(module: ModuleType, inside: str) -> None:
    texts = [
        text
        for call in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith(inside)
        for text in map(_stored, call.args)
        if text.count(" ") > 1
    ]

    assert texts
    assert [text for text in texts if said(text, SPANISH) == text] == []


def _stored(node: ast.AST) -> str:
    """A text of the code as it would be stored: each of its values is 0.25."""
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "0.25" for part in node.values)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"\{[^}]*\}", "0.25", node.value)
    return ""


def _translated(message: Message) -> bool:
    texts = message.string if isinstance(message.string, tuple) else (message.string,)
    return all(texts) and not message.fuzzy


def _values(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)s|%%", text))
