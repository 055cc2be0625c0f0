"""Engagement and synchrony of the group stand in the report with their bands, and only where there is one to read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from emorec.schemas import SCHEMAS
from emorec.store import Session, Store
from reports.context import context_of
from reports.figures import Chart
from reports.session import parts_of, render
from tests.unit.reports.prose import prose

Build = Callable[..., Session]


def _charts(session: Session) -> dict[str, Chart]:
    return {name: chart for part in parts_of(context_of(session)) for name, chart in part.charts.items()}


def _trace(chart: Chart, name: str) -> dict[str, Any]:
    return next(trace for trace in chart.figure["data"] if trace["name"] == name)


def _with(session: Session, table: str, **columns: Any) -> Session:
    """The session with other values in some columns of a table."""
    kept = ("group_windows", "moments") if session.metadata["privacy"]["mode"] == "aggregate" else SCHEMAS
    tables = {name: session.table(name) for name in kept}
    for name, values in columns.items():
        place = SCHEMAS[table].get_field_index(name)
        column = pa.array(values, SCHEMAS[table].field(name).type, from_pandas=True)
        tables[table] = tables[table].set_column(place, SCHEMAS[table].field(name), column)
    return Store(session.folder.rsplit("/sessions/", 1)[0]).commit(tables, session.metadata)


def test_the_group_s_engagement_is_drawn_with_the_stored_band(build: Build) -> None:
    session = build(participants=6, minutes=10)
    chart, stored = _charts(session)["engagement"], session.group_windows

    assert _trace(chart, "engagement")["y"] == pytest.approx(stored["engagement"], abs=0.006)
    band, n = _trace(chart, "likely range"), len(stored)
    assert band["y"][:n] == pytest.approx(stored["engagement_hi"], abs=0.006)
    assert band["y"][n : 2 * n][::-1] == pytest.approx(stored["engagement_lo"], abs=0.006)


def test_synchrony_is_marked_where_it_is_above_what_chance_makes_and_nowhere_else(build: Build) -> None:
    session = build(participants=4, minutes=10)
    t_s = session.group["t"].to_numpy()
    together = (t_s >= 300) & (t_s < 360)
    session = _with(
        session,
        "group",
        synchrony=np.where(together, 0.5, 0.05),
        synchrony_lo=np.full(len(t_s), -0.2),
        synchrony_hi=np.full(len(t_s), 0.2),
    )

    chart = _charts(session)["synchrony"]

    marks = _trace(chart, "more than chance")
    at_s = (marks["x0"] - chart.figure["layout"]["xaxis"]["range"][0]) / 1000 + np.arange(len(marks["y"])) * (
        marks["dx"] / 1000
    )
    shown = np.array([value is not None for value in marks["y"]])
    assert list(at_s[shown]) == [s for s in at_s if 300 <= s < 360]
    assert "10% of the time, where chance alone makes 2 to 3%" in chart.note


def test_synchrony_within_what_chance_makes_has_no_mark(build: Build) -> None:
    session = build(participants=4, minutes=10)
    n = len(session.group)
    session = _with(
        session, "group", synchrony=np.full(n, 0.1), synchrony_lo=np.full(n, -0.2), synchrony_hi=np.full(n, 0.2)
    )

    chart = _charts(session)["synchrony"]

    assert [trace["name"] for trace in chart.figure["data"]] == ["what chance makes", "synchrony", "screen change"]
    assert "never clearly above" in chart.note


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param({"participants": 1, "minutes": 10}, id="one person"),
        pytest.param({"participants": 5, "minutes": 1}, id="too short for a band"),
        pytest.param({"participants": 5, "minutes": 10, "emotions": False}, id="without emotions"),
    ],
)
def test_synchrony_without_a_band_to_read_it_by_is_not_drawn(build: Build, wanted: dict[str, Any]) -> None:
    assert "synchrony" not in _charts(build(**wanted))


def test_windows_that_an_aggregate_session_keeps_silent_about_stay_empty_in_curves_and_tables(build: Build) -> None:
    session = build(participants=8, minutes=5, mode="aggregate")
    names = ("engagement", "engagement_lo", "engagement_hi", "synchrony", "synchrony_lo", "synchrony_hi")
    silent = {name: session.group_windows[name].where(session.group_windows.index != 10) for name in names}
    session = _with(session, "group_windows", **silent)

    charts = _charts(session)

    for name in ("engagement", "synchrony"):
        assert [i for i, value in enumerate(_trace(charts[name], name)["y"]) if value is None] == [10]
        assert charts[name].table.rows[10][1:] == ["–", "–", "–"]
    for name, band in (("engagement", "likely range"), ("synchrony", "what chance makes")):
        # A polygon before the gap, and one after it.
        assert _trace(charts[name], band)["x"].count(None) == 2


def test_an_aggregate_session_without_a_whole_cell_says_so_and_not_that_few_faces_were_seen(build: Build) -> None:
    session = build(participants=8, minutes=5, mode="aggregate")
    measured = [n for n in SCHEMAS["group_windows"].names if n not in ("session", "t0", "t1", "present", "visible")]
    session = _with(
        session, "group_windows", **{name: np.full(len(session.group_windows), np.nan) for name in measured}
    )

    text = prose(render(session))

    assert "at no time could all faces of such a group be measured" in text
    assert "fixed groups of at least 5 people" in text
    assert "were visible at a time" not in text
