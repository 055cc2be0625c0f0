"""What a run shows when it is done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from emorec.app import AnalysisResult
from flows.artifacts import summary
from reports.session import Headline

RESULT = AnalysisResult(
    session="0123456789abcdef",
    folder="/store/sessions/0123456789abcdef",
    report="/store/sessions/0123456789abcdef/report.html",
    participants=3,
    duration_s=60.0,
    seconds=12.4,
    reused=False,
)
FIGURES = [Headline("people", "People", "3", "2 to 3 | at once", 3.0)]


def test_a_summary_gives_the_figures_and_where_the_report_is() -> None:
    text = summary(RESULT, "Algebra", FIGURES)

    assert "| People | 3 | 2 to 3 \\| at once |" in text.splitlines()
    assert f"Report: `{RESULT.report}`" in text.splitlines()
    assert "Analysed in 12 s." in text


def test_a_summary_of_a_session_that_was_there_says_so() -> None:
    assert "Analysed before" in summary(replace(RESULT, reused=True), "Algebra", FIGURES)


@pytest.mark.parametrize(
    ("title", "heading"),
    [
        pytest.param("<img src=x>", "## `<img src=x>`", id="HTML"),
        pytest.param("[here](http://host)", "## `[here](http://host)`", id="a link"),
        pytest.param("a\n# b", "## `a # b`", id="a new line"),
        pytest.param("`<b>`", "## `` `<b>` ``", id="the end of code"),
    ],
)
def test_a_hostile_title_is_shown_and_not_obeyed(title: str, heading: str) -> None:
    assert summary(RESULT, title, FIGURES).splitlines()[0] == heading
