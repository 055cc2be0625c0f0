"""What a report in privacy mode aggregate, or without emotions, must not hold, in any of its bytes."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from emorec.store import Session
from reports.context import context_of
from reports.i18n import LANGUAGES
from reports.session import parts_of, render

Build = Callable[..., Session]

WINDOW_MS = 10_000


def _numbers_in_time(figure: dict[str, Any]) -> Iterator[int]:
    """How far apart, in ms, the values of each trace are."""
    for trace in figure["data"]:
        if "dx" in trace:
            yield trace["dx"]
        elif trace.get("fill") == "toself":
            times = sorted({x for x in trace["x"] if x is not None})
            yield min(b - a for a, b in itertools.pairwise(times))


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_aggregate_report_has_nothing_of_single_people_in_any_byte(build: Build, language: str) -> None:
    session = build(participants=25, minutes=20, mode="aggregate")

    page = render(session, language)

    own = page.replace(max(re.findall(r"<script>.*?</script>", page, flags=re.DOTALL), key=len), "")
    assert not re.search(r"\bP\d\d\b|heatmap|data-card=|\bcards\b.{0,3}\[|heat-map", own.split("<script>")[0])
    data = json.loads(re.search(r'id="report-data">(.*?)</script>', page, flags=re.DOTALL)[1])
    assert set(data) == {"figures"}
    assert set(data["figures"]) == {"attention", "emotions", "synchrony", "engagement", "levels", "distribution"}


def test_an_aggregate_report_has_no_value_finer_than_a_window(build: Build) -> None:
    parts = parts_of(context_of(build(participants=25, minutes=5, mode="aggregate")))

    steps = [step for part in parts for chart in part.charts.values() for step in _numbers_in_time(chart.figure)]

    assert len(steps) > 10
    assert min(steps) >= WINDOW_MS


def test_a_report_of_a_small_aggregate_group_has_no_figure_at_all(build: Build) -> None:
    parts = parts_of(context_of(build(participants=4, minutes=20, mode="aggregate")))

    assert [chart.id for part in parts for chart in part.charts.values()] == []


@pytest.mark.parametrize("mode", ["participant", "aggregate"])
def test_a_report_without_emotions_holds_no_expression_in_any_figure(build: Build, mode: str) -> None:
    parts = parts_of(context_of(build(participants=8, minutes=20, mode=mode, emotions=False)))

    figures = json.dumps([chart.figure for part in parts for chart in part.charts.values()])
    cards = json.dumps([part.data.get("cards") for part in parts])

    assert len(figures) > 1000
    assert not re.search("happiness|anger|sadness|surprise|disgust|expression|synchrony", figures + cards)


def test_nobody_is_ranked_people_stand_by_their_first_appearance_everywhere(build: Build) -> None:
    session = build(participants=12, minutes=20)
    by_appearance = list(session.participants.sort_values("first_seen", kind="stable")["label"])

    parts = {part.template: part for part in parts_of(context_of(session))}

    people = parts["people.html"]
    assert [card["label"] for card in people.values["cards"]] == by_appearance
    assert [row[0] for row in people.charts["attendance"].table.rows] == by_appearance
    assert people.charts["heat-map"].figure["layout"]["yaxis"]["ticktext"] == by_appearance
