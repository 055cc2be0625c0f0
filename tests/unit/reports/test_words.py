"""Numbers and times as a person reads them."""

from __future__ import annotations

import math

import pytest

from reports.words import words_in

ENGLISH, SPANISH = words_in("en"), words_in("es")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (45, "45 s"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (300, "5 min"),
        (2725, "45 min"),
        (3600, "1 h"),
        (5400, "1 h 30 min"),
        (14400, "4 h"),
        (None, ENGLISH.not_enough),
    ],
)
def test_a_length_of_time_is_told_as_finely_as_it_matters(seconds: float | None, text: str) -> None:
    assert ENGLISH.duration(seconds) == text


@pytest.mark.parametrize(("t_s", "text"), [(0, "0:00"), (65.4, "1:05"), (3599.6, "1:00:00"), (8045, "2:14:05")])
def test_a_time_is_told_as_a_player_shows_it(t_s: float, text: str) -> None:
    assert ENGLISH.clock(t_s) == text


@pytest.mark.parametrize(
    ("t_s", "duration_s", "text"), [(125, 300, "2:05"), (2040, 3600, "minute 34"), (8045, 14400, "2:14:05")]
)
def test_a_sentence_tells_times_in_the_measure_of_the_recording(t_s: float, duration_s: float, text: str) -> None:
    assert ENGLISH.when(t_s, duration_s) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0%"),
        (0.003, "<1%"),
        (0.415, "42%"),
        (1.0, "100%"),
        (None, ENGLISH.not_enough),
        (math.nan, ENGLISH.not_enough),
    ],
)
def test_a_share_is_in_whole_per_cent_and_small_is_not_nothing(value: float | None, text: str) -> None:
    assert ENGLISH.share(value) == text


def test_what_is_not_known_is_said_and_never_0() -> None:
    assert ENGLISH.score(None) == ENGLISH.score(math.nan) == ENGLISH.not_enough


@pytest.mark.parametrize(
    ("iso", "text"), [("2026-11-03", "3 November 2026"), ("week 4", "week 4"), ("2026-13-01", "2026-13-01"), (None, "")]
)
def test_a_date_is_in_words_and_anything_else_stays_as_it_is(iso: str | None, text: str) -> None:
    assert ENGLISH.date(iso) == text
