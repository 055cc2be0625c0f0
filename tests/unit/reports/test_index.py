"""The index of a store: what it lists, in which order, and that it follows the sessions."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emorec.app import update_index
from emorec.errors import StoreError
from emorec.store import Session, Store
from reports.entries import Entry, entries_of, entry_of
from reports.index import course_page, render
from reports.session import headline
from reports.trend import path_of, sentence_of, trend_of
from reports.words import words_in
from tests.builders import write_session
from tests.unit.reports.prose import prose

ENGLISH = words_in("en")
Build = Callable[..., Session]
Add = Callable[..., Session]


@pytest.fixture
def add(tmp_path: Path) -> Iterator[Add]:
    """Adds a session with the given metadata to one store; each has another id."""
    number = iter(range(100))

    def added(**wanted: Any) -> Session:
        metadata = {"title": "Lecture", "course": "algebra", "date": "2026-11-03", **wanted.pop("metadata", {})}
        small = {"participants": 6, "minutes": 2, "rate_hz": 0.5, "seed": next(number)}
        return write_session(tmp_path, **{**small, **wanted}, metadata=metadata)

    return added


def listed(tmp_path: Path, name: str = "index.html") -> list[str]:
    """The titles on a page of the index, from top to bottom."""
    page = (tmp_path / name).read_text("utf-8")
    return re.findall(r'<a href="sessions/[0-9a-f]{16}/report.html">(.*?)</a>', page)


def entry(number: int = 0, **more: Any) -> Entry:
    usual = Entry(
        id=f"{number:016x}",
        title=f"Lecture {number}",
        course="algebra",
        date=f"2026-09-{number + 1:02d}",
        duration_s=3000.0,
        people=20,
        seen=0.9,
        attention=0.7,
        low_half=0.6,
        high_half=0.8,
        high=0.4,
        curve=(0.7, float("nan"), 0.6),
        aggregate=False,
        has_report=True,
    )
    return replace(usual, **more)


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param({"participants": 8}, id="a group"),
        pytest.param({"participants": 8, "mode": "aggregate"}, id="aggregate"),
        pytest.param({"participants": 8, "emotions": False}, id="without emotions"),
        pytest.param({"participants": 3, "cameras": False}, id="cameras off"),
        pytest.param({"participants": 0}, id="nobody"),
    ],
)
def test_the_index_says_the_same_figures_as_the_report(add: Add, wanted: dict[str, Any]) -> None:
    session = add(minutes=5, **wanted)
    figures = {figure.key: figure.value for figure in headline(session)}
    told = entry_of(session)

    known = {
        name: None if not np.isfinite(value) else round(value, 4)
        for name, value in (("seen", told.seen), ("attention", told.attention), ("engagement", told.high))
    }
    assert known == {name: figures[name] and round(figures[name], 4) for name in known}
    assert told.people == figures["people"]


def test_the_small_curve_of_a_short_session_is_one_line(add: Add) -> None:
    curve = np.array(entry_of(add(minutes=1)).curve)

    assert len(curve) == 6
    assert np.isfinite(curve).all()


def test_sessions_stand_with_the_latest_first(add: Add, tmp_path: Path) -> None:
    for date, title in [("2026-11-03", "b"), ("2026-11-10", "c"), ("2025-12-31", "a")]:
        add(metadata={"date": date, "title": title}).write_report("<html>")

    update_index(tmp_path)

    assert listed(tmp_path) == ["c", "b", "a"]


def test_the_index_follows_what_is_deleted(add: Add, tmp_path: Path) -> None:
    first, second = add(metadata={"title": "gone"}), add(metadata={"title": "stays"})
    update_index(tmp_path, course="algebra")
    assert "gone" in (tmp_path / course_page("algebra")).read_text("utf-8")

    Store(tmp_path).delete(first.id)
    update_index(tmp_path)

    for page in tmp_path.glob("*.html"):
        assert "gone" not in page.read_text("utf-8")
        assert first.id not in page.read_text("utf-8")
        assert second.id in page.read_text("utf-8")


def test_a_course_s_own_page_has_that_course_alone_and_goes_with_it(add: Add, tmp_path: Path) -> None:
    add(metadata={"course": "Física <1>", "title": "mechanics"}).write_report("<html>")
    other = add(metadata={"course": "algebra", "title": "vectors"})

    where = update_index(tmp_path, course="Física <1>")

    assert Path(where).name == course_page("Física <1>")
    assert re.fullmatch(r"index-fisica-1-[0-9a-f]{6}\.html", Path(where).name)
    assert listed(tmp_path, Path(where).name) == ["mechanics"]
    assert "vectors" not in Path(where).read_text("utf-8")

    for session in Store(tmp_path).ids():
        if session != other.id:
            Store(tmp_path).delete(session)
    update_index(tmp_path)
    assert not Path(where).exists()


def test_a_course_without_sessions_has_no_page(add: Add, tmp_path: Path) -> None:
    add()

    with pytest.raises(StoreError, match="no session of course 'chemistry'"):
        update_index(tmp_path, course="chemistry")


def test_a_damaged_session_is_counted_and_the_others_are_listed(add: Add, tmp_path: Path) -> None:
    damaged, half = add(), add()
    (Path(damaged.folder) / "group_windows.parquet").write_bytes(b"PAR1 and then nothing")
    (Path(half.folder) / "session.json").write_text('{"session": "0123456789abcdef"}')
    add(metadata={"title": "whole"}).write_report("<html>")

    page = prose(Path(update_index(tmp_path)).read_text("utf-8"))

    assert listed(tmp_path) == ["whole"]
    assert "2 sessions could not be read and are not listed." in page


def test_an_empty_store_has_an_index_that_says_what_to_do(tmp_path: Path) -> None:
    page = prose(Path(update_index(tmp_path / "new")).read_text("utf-8"))

    assert "There is no session yet." in page


def test_the_same_sessions_give_the_same_index(add: Add, tmp_path: Path) -> None:
    add(), add()

    first, again = (Path(update_index(tmp_path)).read_bytes() for _ in range(2))

    assert first == again


def test_a_hostile_title_or_course_stays_text(add: Add, tmp_path: Path) -> None:
    hostile = '</script><script>alert("x")</script>'
    add(metadata={"title": hostile, "course": hostile}), add(metadata={"title": "a"})

    page = Path(update_index(tmp_path)).read_text("utf-8")

    assert "<script>alert" not in page
    assert page.count("<script") == 2  # the data and ours
    assert "default-src 'none'" in html.unescape(page)
    assert "http" not in page.replace("http-equiv", "")


def test_nothing_of_single_people_or_of_small_groups_is_in_the_index(add: Add, tmp_path: Path) -> None:
    for people in (2, 4):
        add(participants=people, mode="aggregate")

    page = Path(update_index(tmp_path)).read_text("utf-8")

    assert prose(page).count("too few to tell") == 4  # in its own column, and on small screens
    assert not re.search(r"\bP\d\d\b", page)
    rows = json.loads(re.search(r'id="report-data">(.*?)</script>', page)[1])["rows"]
    assert [row[4] for row in rows] == [None, None]


def test_a_session_without_a_report_has_no_link(add: Add, tmp_path: Path) -> None:
    add(metadata={"title": "bare"})

    page = Path(update_index(tmp_path)).read_text("utf-8")

    assert ">bare<" in page
    assert "report.html" not in page


def test_the_index_speaks_spanish(add: Add, tmp_path: Path) -> None:
    for k in range(7):
        add(metadata={"date": f"2026-11-{k + 1:02d}"})

    text = prose(Path(update_index(tmp_path, "es")).read_text("utf-8"))

    assert "7 sesiones · 1 nov 2026 – 7 nov 2026" in text
    assert not re.search(r"\b(the|and|of|session|sessions|people|attention|engagement|search)\b", text)


@pytest.mark.parametrize(
    ("attention", "said"),
    [
        pytest.param([0.5, 0.6], "Attention lay between 0.50 and 0.60. 2 sessions are too few", id="two"),
        pytest.param(np.linspace(0.55, 0.72, 8), "rose, from about 0.55 to about 0.72", id="a rise"),
        pytest.param(np.linspace(0.72, 0.55, 8), "fell, from about 0.72 to about 0.55", id="a fall"),
        pytest.param([0.6, 0.7, 0.61, 0.69, 0.6, 0.7, 0.62], "no clear trend", id="up and down"),
        pytest.param([0.65] * 9, "no clear trend; it lay between 0.65 and 0.65", id="always the same"),
        pytest.param(np.linspace(0.60, 0.62, 9), "no clear trend", id="regular, but nothing that matters"),
        pytest.param([np.nan, 0.6, np.nan], "", id="one that is known"),
    ],
)
def test_a_trend_is_told_only_where_chance_does_not_explain_it(attention: Any, said: str) -> None:
    text = sentence_of(np.asarray(attention, float), ENGLISH)

    assert said in text if said else text == ""


def test_chance_makes_a_trend_in_one_course_of_a_hundred() -> None:
    rng = np.random.default_rng(5)
    told = [sentence_of(rng.uniform(0.4, 0.9, 12), ENGLISH) for _ in range(400)]

    assert sum("no clear trend" not in text for text in told) <= 9


def test_sessions_of_a_trend_stand_in_order_of_date_and_gaps_stay_gaps() -> None:
    entries = [entry(2), entry(0, attention=0.5), entry(1, attention=float("nan"), low_half=float("nan"))]

    trend = trend_of("algebra", entries, ENGLISH)

    attention = trend.panels[0]
    assert [text.split(",")[0] for _, _, text in attention.dots] == ["Lecture 0", "Lecture 2"]
    assert attention.line.count("M") == 2
    assert len(attention.ranges) == 2


def test_a_path_breaks_where_nothing_is_known() -> None:
    assert path_of(np.array([0.0, 1, 2, 3]), np.array([5.0, np.nan, 6, 7])) == "M0 5h0M2 6h0L3 7"


def test_a_thousand_sessions_make_a_page_of_under_two_megabytes() -> None:
    entries = [entry(k, course=f"course {k % 12}", curve=(0.61,) * 24) for k in range(1000)]

    assert len(render(entries, ENGLISH).encode()) < 2_000_000


def test_a_store_without_sessions_has_no_entries(tmp_path: Path) -> None:
    assert entries_of(Store(tmp_path)) == ([], 0)
