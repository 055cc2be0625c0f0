"""Two sessions side by side: what is said to differ, and what chance can make."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from emorec.store import Session
from reports.compare import difference, render, sentences_of
from reports.context import context_of
from tests.unit.reports.prose import prose

Build = Callable[..., Session]


def series(mean: float, seed: int, n: int = 120) -> Any:
    """Attention of windows that resemble their neighbours."""
    rng = np.random.default_rng(seed)
    slow = np.convolve(rng.normal(0, 0.1, n + 5), np.ones(6) / 6, mode="valid")
    return mean + slow


def test_a_large_difference_is_clear_and_has_a_range_around_it() -> None:
    found = difference(series(0.75, 1), series(0.60, 2))

    assert found.low < found.value < found.high < 0
    assert found.clear


def test_the_same_audience_twice_is_rarely_told_apart() -> None:
    clear = sum(difference(series(0.7, 2 * k), series(0.7, 2 * k + 1)).clear for k in range(60))

    assert clear <= 9  # 5 % in theory; blocks of a minute are short for a slow drift


def test_gaps_are_passed_over_and_nothing_known_is_no_difference() -> None:
    gappy = series(0.75, 1)
    gappy[::3] = np.nan

    assert difference(gappy, series(0.6, 2)).clear
    assert not difference(np.full(9, np.nan), series(0.6, 2)).clear
    assert difference(np.array([0.5]), np.array([0.7])).value == pytest.approx(0.2)


def test_a_page_of_two_sessions_has_the_figures_charts_and_moments_of_both(build: Build) -> None:
    first = build(participants=6, minutes=10, rate_hz=0.5)
    second = build(participants=9, minutes=5, rate_hz=0.5, seed=2, metadata={"title": "The other"})

    page = render(first, second)

    for figure in ("both", "attention-a", "attention-b", "emotions-a", "emotions-b", "levels-a", "levels-b"):
        assert page.count(f'data-figure="{figure}"') == 1
    text = prose(page)
    assert "A: Lecture 7: sampling" in text
    assert "B: The other" in text
    assert re.search(r"People 6 (at most \d at once )?9", text)
    assert page == render(first, second)


def test_what_only_one_session_has_stands_on_its_side_alone(build: Build) -> None:
    first = build(participants=6, minutes=5, rate_hz=0.5, emotions=False)
    second = build(participants=3, minutes=5, rate_hz=0.5, seed=2, mode="aggregate")

    page = render(first, second)

    assert 'data-figure="attention-a"' in page
    assert "attention-b" not in page
    assert 'data-figure="both"' not in page
    assert "Attention is not known of both sessions" in prose(page)
    assert "too few to tell" in prose(page)


def test_hostile_titles_stay_text_and_nobody_is_named(build: Build) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    first = build(participants=6, minutes=5, rate_hz=0.5, labels=[hostile] * 6, metadata={"title": hostile})

    page = render(first, first)

    assert "<img" not in page.split("<body>")[1].split("<script")[0]
    assert not re.search(r"\bP\d\d\b", prose(page))


def test_a_comparison_in_spanish_is_spanish(build: Build) -> None:
    session = build(participants=6, minutes=5, rate_hz=0.5, metadata={"title": "Clase", "course": "álgebra"})

    text = prose(render(session, session, "es"))

    assert "La atención fue de" in text
    assert not re.search(r"\b(the|and|of|sessions|people|attention|engagement|moments)\b", text, re.IGNORECASE)


def test_sentences_say_whether_the_difference_means_anything(build: Build) -> None:
    context = context_of(build(participants=6, minutes=10, rate_hz=0.5))

    assert "ups and downs within the sessions alone can make" in sentences_of(context, context)[0]
    assert sentences_of(context, replace(context))[1].startswith("Engagement was high in")
