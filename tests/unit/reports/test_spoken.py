"""What a report says of speech, chat and chapters."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emorec.amend import Additions, amend
from emorec.settings.sidecars import SidecarsSettings
from emorec.store import Session
from reports.context import context_of
from reports.session import parts_of, render
from reports.spoken import asked, talk_of
from tests.builders import write_session
from tests.unit.reports.prose import prose

KEEP = SidecarsSettings(keep_text=True, keep_names=True)

# Attention falls at minute 12 of 20.
TRANSCRIPT = """WEBVTT

00:00:10.000 --> 00:01:40.000
Ana Lima: Good morning. Today it is sampling.

00:11:40.000 --> 00:11:50.000
Ana Lima: Who can say what a sample is <b>not</b>?

00:11:52.000 --> 00:12:02.000
Tom Roe: It is not the population.
"""
CHAT = "00:11:55\t Eve Moss:\tWhich page?\n"
CHAPTERS = "0:00 Welcome\n10:00 What a <i>sample</i> is\n15:00 Exercise\n"


@pytest.fixture
def spoken(tmp_path: Path) -> Callable[..., Session]:
    """Commits a session of 20 minutes and adds transcript, chat and chapters."""

    def built(settings: SidecarsSettings = KEEP, instructor: str | None = None, **wanted: Any) -> Session:
        for name, text in (("t.vtt", TRANSCRIPT), ("c.txt", CHAT), ("s.txt", CHAPTERS)):
            (tmp_path / name).write_text(text)
        files: Any = {"transcript": tmp_path / "t.vtt", "chat": tmp_path / "c.txt", "chapters": tmp_path / "s.txt"}
        if wanted.get("mode") == "aggregate":
            files = {"chapters": files["chapters"]}
        made = write_session(tmp_path / "store", minutes=20, **{"participants": 6, **wanted})
        return amend(made, Additions(files=files, instructor=instructor), settings)

    return built


def test_the_strongest_moment_is_told_with_its_chapter_and_its_question(spoken: Callable[..., Session]) -> None:
    text = prose(render(spoken()))
    assert "It lies in “What a <i>sample</i> is”." in text
    assert "Ana Lima had asked at 11:40: “Who can say what a sample is not?”" in text
    assert "Then spoke: Ana Lima and Tom Roe." in text
    assert "It is not the population." in text


def test_without_texts_and_names_the_report_has_neither(spoken: Callable[..., Session]) -> None:
    page = render(spoken(SidecarsSettings()))
    for hidden in ("Ana Lima", "Tom Roe", "Eve Moss", "population", "Which page"):
        assert hidden not in page
    assert "S01 had asked a question at 11:40." in prose(page)


def test_who_leads_is_told_apart_from_the_others(spoken: Callable[..., Session]) -> None:
    session = spoken(instructor="Ana Lima")
    assert talk_of(session) == [("Ana Lima", 100.0), ("Tom Roe", 10.0)]
    text = prose(render(session))
    assert "Ana Lima, who leads, spoke 91% of the time in which somebody spoke, the others 9%." in text
    assert "Ana Lima spoke most: 91%" in prose(render(spoken()))


def test_a_question_is_told_with_attention_before_and_after_and_who_answered(spoken: Callable[..., Session]) -> None:
    session = spoken()
    first, second = asked(session)
    assert (first.t_s, first.who, first.others, first.chat) == (700, "Ana Lima", 2, False)
    assert (second.t_s, second.who, second.chat) == (715, "Eve Moss", True)
    group = session.group
    after = group.attention[(group.t >= 710) & (group.t < 740)].mean()
    before = group.attention[(group.t >= 670) & (group.t < 700)].mean()
    assert (first.before, first.after) == (pytest.approx(before, abs=1e-5), pytest.approx(after, abs=1e-5))
    assert "2 questions were asked." in prose(render(session))


def test_chapters_lie_under_every_chart_of_time_and_in_a_table(spoken: Callable[..., Session]) -> None:
    session = spoken()
    found = 0
    for part in parts_of(context_of(session)):
        for chart in part.charts.values():
            layout = chart.figure["layout"]
            ribbon = [shape for shape in layout.get("shapes", []) if shape.get("ysizemode") == "pixel"]
            assert len(ribbon) == (3 if layout.get("xaxis", {}).get("type") == "date" else 0), chart.id
            found += bool(ribbon)
    assert found >= 4
    (spoken_part,) = [part for part in parts_of(context_of(session)) if part.template == "speech.html"]
    chapters = spoken_part.values["chapters"]
    assert [row[0] for row in chapters.rows] == ["1. Welcome", "2. What a <i>sample</i> is", "3. Exercise"]
    group = session.group
    first = group.attention[group.t < 600]
    assert float(chapters.rows[0][3]) == pytest.approx(first.mean(), abs=0.02)
    assert [row[-1] for row in chapters.rows] == ["0", "2", "0"]


def test_titles_are_never_taken_for_tags(spoken: Callable[..., Session]) -> None:
    page = render(spoken())
    # In the page's script "<" is written \u003c; Plotly reads its own tags, so a title is escaped for it before.
    assert "What a <i>sample</i>" not in re.sub(r"<[^>]*json[^>]*>.*?</script>", "", page, flags=re.DOTALL)


def test_slides_of_the_picture_are_numbered(tmp_path: Path) -> None:
    session = amend(write_session(tmp_path, minutes=20), Additions(title="x"), SidecarsSettings())
    assert "slide 2" in prose(render(session))
    assert "diapositiva 2" in prose(render(session, "es"))


def test_an_aggregate_session_has_its_chapters(spoken: Callable[..., Session]) -> None:
    session = spoken(mode="aggregate", participants=12)
    text = prose(render(session))
    assert "By chapter" in text
    assert "Exercise" in text


def test_a_session_without_any_of_it_has_no_such_part(tmp_path: Path) -> None:
    text = prose(render(write_session(tmp_path, minutes=5)))
    assert "Said and asked" not in text
