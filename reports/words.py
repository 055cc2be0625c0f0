"""Numbers and times as a person reads them. What is not known is said in words, never as 0."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from emorec.types import EMOTIONS, STATES

__all__ = [
    "EMOTION_WORDS",
    "LEVELS",
    "NOT_ENOUGH",
    "STATE_WORDS",
    "clock",
    "date_in_words",
    "duration",
    "joined",
    "known",
    "people",
    "score",
    "share",
    "when",
]

NOT_ENOUGH: Final = "not enough data"
LEVELS: Final = ("low", "medium", "high")
EMOTION_WORDS: Final = dict(
    zip(EMOTIONS, ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"), strict=True)
)
"""What an expression is called in running text."""
STATE_WORDS: Final = dict(zip(STATES, ("face visible", "camera off or no face", "not in the picture"), strict=True))

# Not from the locale: the same session gives the same report everywhere.
_FIRST_HALF = ("January", "February", "March", "April", "May", "June")
_MONTHS = (*_FIRST_HALF, "July", "August", "September", "October", "November", "December")
_MINUTES_UP_TO_S = 2 * 3600
"""Longer recordings are spoken of in hours and minutes, as players show them."""


def known(value: float | None) -> bool:
    """Whether there is a number."""
    return value is not None and not math.isnan(value)


def score(value: float | None) -> str:
    """A value of 0–1 with the two digits that the measurement carries at most."""
    return f"{value:.2f}" if value is not None and known(value) else NOT_ENOUGH


def share(value: float | None) -> str:
    """A share of 0–1 in whole per cent; ``<1%`` for what is small but there."""
    if value is None or not known(value):
        return NOT_ENOUGH
    if 0 < value < 0.005:
        return "<1%"
    return f"{value * 100:.0f}%"


def clock(t_s: float | None) -> str:
    """A time in the recording as a player shows it: 4:05 or 1:04:05."""
    if t_s is None or not known(t_s):
        return "–"
    hours, rest = divmod(round(t_s), 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def when(t_s: float, duration_s: float) -> str:
    """A time in the recording in running text: minute 34, or 1:34:00 in a long recording, 2:05 in a short one."""
    if 600 <= duration_s <= _MINUTES_UP_TO_S:
        return f"minute {round(t_s / 60)}"
    return clock(t_s)


def duration(seconds: float | None) -> str:
    """A length of time: 45 s, 5 min, 1 h 30 min."""
    if seconds is None or not known(seconds):
        return NOT_ENOUGH
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 600 and round(seconds) % 60:
        return f"{int(seconds // 60)} min {round(seconds) % 60} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def people(count: float) -> str:
    """1 person, 25 people."""
    return "1 person" if round(count) == 1 else f"{count:.0f} people"


def joined(parts: Sequence[str]) -> str:
    """a, b and c."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def date_in_words(iso: str | None) -> str:
    """3 November 2026, of an ISO date; whatever else is given stays as it is."""
    parts = (iso or "").split("-")
    if len(parts) == 3 and all(part.isdigit() for part in parts) and 1 <= int(parts[1]) <= 12:
        return f"{int(parts[2])} {_MONTHS[int(parts[1]) - 1]} {int(parts[0])}"
    return iso or ""
