"""Each figure is one that Plotly accepts, and shows what the session says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from emorec.store import Session
from reports.context import context_of
from reports.figures import at_ms
from reports.moments import MOMENTS_MARKED
from reports.session import parts_of
from reports.states import MOST_RUNS
from reports.theme import RELEASED

Build = Callable[..., Session]


def _figures(session: Session) -> dict[str, dict[str, Any]]:
    parts = parts_of(context_of(session))
    charts = {chart.id: chart.figure for part in parts for chart in part.charts.values()}
    cards = {f"card {i}": figure for part in parts for i, figure in enumerate(part.data.get("cards", []))}
    return charts | cards


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param({"participants": 4, "minutes": 5}, id="participants"),
        pytest.param({"participants": 1, "minutes": 1}, id="one participant"),
        pytest.param({"participants": 6, "minutes": 5, "mode": "aggregate"}, id="aggregate"),
        pytest.param({"participants": 4, "minutes": 5, "emotions": False}, id="without emotions"),
        pytest.param({"participants": 4, "minutes": 5, "cameras": False}, id="cameras off"),
    ],
)
def test_plotly_accepts_every_figure(build: Build, wanted: dict[str, Any]) -> None:
    import plotly.graph_objects as go

    figures = _figures(build(**wanted))

    assert figures
    for figure in figures.values():
        go.Figure(figure)  # raises on a property or a value that Plotly does not know


def test_plotly_accepts_the_template() -> None:
    import plotly.graph_objects as go

    go.layout.Template(RELEASED.plotly_template)


def test_no_figure_of_an_aggregate_session_is_of_a_person(build: Build) -> None:
    assert set(_figures(build(participants=8, minutes=5, mode="aggregate"))) == {
        "attention",
        "emotions",
        "synchrony",
        "engagement",
        "levels",
        "distribution",
    }


def test_times_are_never_so_small_that_plotly_reads_them_as_years(build: Build) -> None:
    for figure in _figures(build(participants=3, minutes=1)).values():
        for trace in figure["data"]:
            if "x0" in trace:
                assert trace["x0"] >= at_ms(0)


def test_shares_of_emotions_add_up_to_the_whole_where_there_is_data(build: Build) -> None:
    figure = _figures(build(participants=5, minutes=10))["emotions"]

    bars = [np.array(trace["y"], float) for trace in figure["data"] if trace["type"] == "bar"]
    total = np.nansum(bars, axis=0)

    assert total[total > 0] == pytest.approx(1, abs=0.01)


def test_attendance_shows_each_state_for_as_long_as_it_lasted(build: Build) -> None:
    session = build(participants=12, minutes=30)
    figure = _figures(session)["attendance"]

    shown_s = [sum(trace["x"]) / 1000 for trace in figure["data"]]

    table = session.participants
    stored_s = [float(table[name].sum()) for name in ("visible_s", "camera_off_s", "absent_s")]
    assert shown_s == pytest.approx(stored_s, rel=0.03, abs=60)


def test_faces_that_come_and_go_all_the_time_stay_within_what_a_browser_draws(build: Build) -> None:
    session = build(participants=30, minutes=60, rate_hz=0.5)
    session.timeline["state"] = np.where(np.arange(len(session.timeline)) % 17 < 9, "visible", "camera_off")

    figure = _figures(session)["attendance"]

    assert sum(len(trace["x"]) for trace in figure["data"]) <= MOST_RUNS


def test_rows_are_in_the_order_of_the_participants_whatever_their_attention(build: Build) -> None:
    session = build(participants=9, minutes=5)

    assert _figures(session)["heat-map"]["layout"]["yaxis"]["ticktext"] == list(session.participants["participant"])


def test_a_window_with_little_of_a_face_is_empty_in_every_view(build: Build) -> None:
    session = build(participants=5, minutes=10)
    little = session.windows["coverage"] < 0.5
    assert (little & session.windows["attention"].notna()).any()

    heat = _figures(session)["heat-map"]

    judged = int((~little).sum())
    assert [sum(cell is not None for row in trace["z"] for cell in row) for trace in heat["data"]] == [judged] * 3


def test_only_the_strongest_of_many_moments_are_marked(build: Build) -> None:
    import pyarrow as pa

    from emorec.schemas import SCHEMAS
    from emorec.store import Store

    session = build(participants=6, minutes=20)
    rows = [
        {"session": session.id, "t0": 30.0 * i, "t1": 30.0 * i + 10, "kind": "laughter", "strength": float(i % 20)}
        for i in range(30)
    ]
    rows.append({"session": session.id, "t0": 5.0, "t1": 9.0, "kind": "long_absence", "participants": ["P02"]})
    tables = {name: session.table(name) for name in SCHEMAS}
    tables["moments"] = pa.Table.from_pylist(rows, SCHEMAS["moments"])
    crowded = Store(session.folder.rsplit("/sessions/", 1)[0]).commit(tables, session.metadata)

    marks = _figures(crowded)["attention"]["layout"]["annotations"]

    assert [mark["text"] for mark in marks] == [f"<b>{i}</b>" for i in range(1, MOMENTS_MARKED + 1)]
    assert [mark["x"] for mark in marks] == sorted(mark["x"] for mark in marks)
