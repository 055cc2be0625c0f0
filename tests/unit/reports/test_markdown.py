"""A session's figures as Prefect's pages show them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emorec.store import Session
from reports import markdown
from reports.session import headline

Build = Callable[..., Session]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("| Figure | | |", "| People | ", "[Open the report](http://host/report.html)", "Analysed in 12 s.")),
        ("es", ("| Dato | | |", "| Personas | ", "[Abrir el reporte](http://host/report.html)", "Analizada en 12 s.")),
    ],
)
def test_it_tells_the_headline_and_where_the_report_is_in_the_reports_language(
    build: Build, language: str, words: tuple[str, ...]
) -> None:
    session = build()
    text = markdown.render(session, language, link="http://host/report.html", seconds=12.4)
    for figure in headline(session, language):
        assert f"| {figure.label} | {figure.text} | {figure.note} |" in text.splitlines()
    for word in words:
        assert word in text
    assert f"`{session.report}`" in text
    assert f"`{session.folder}`" in text


def test_of_a_session_that_was_there_it_says_so(build: Build) -> None:
    text = markdown.render(build())
    assert "Analysed before" in text
    assert "Open the report" not in text


@pytest.mark.parametrize(
    ("title", "heading"),
    [
        pytest.param("<img src=x>", "## `<img src=x>`", id="HTML"),
        pytest.param("[here](http://host)", "## `[here](http://host)`", id="a link"),
        pytest.param("a\n# b", "## `a # b`", id="a new line"),
        pytest.param("`<b>`", "## `` `<b>` ``", id="the end of code"),
    ],
)
def test_a_hostile_title_is_shown_and_not_obeyed(build: Build, title: str, heading: str) -> None:
    assert markdown.render(build(metadata={"title": title})).splitlines()[0] == heading
