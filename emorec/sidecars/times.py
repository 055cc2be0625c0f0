"""Times as people and platforms write them: positions in a recording, times of day, dates, lengths."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

__all__ = ["DAY_S", "Moment", "clock_seconds", "day_comes_first", "length_seconds", "position_seconds", "unrolled"]

DAY_S: Final = 86_400.0

_POSITION = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):(\d{2})(?:[.,](\d{1,9}))?")
_DATE = re.compile(r"(?<!\d)(\d{1,4})\s?[./\-年]\s?(\d{1,2})\s?[./\-月]\s?(\d{1,4})日?(?!\d)")
_TIME = re.compile(
    r"(?<![\d.])(?:(午前|午後|上午|下午|오전|오후)\s*)?(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:[.,]\d+)?)?(?!\d)"
    r"\s*(?:([ap])\.?\s?m\b\.?)?",
    re.IGNORECASE,
)
_AFTERNOON: Final = ("午後", "下午", "오후")
_UNITS: Final = (
    (r"h|hrs?|hours?|std\.?|stunden?|horas?|heures?|ore|ora|uur|u|時間|小时|ч", 3600),
    (r"m|mins?\.?|minutes?|minuten?|minutos?|minuti|分钟|分|мин", 60),
    (r"s|secs?\.?|seconds?|sek\.?|sekunden?|segundos?|secondes?|secondi|seconden|秒|с", 1),
)
_LENGTH = [(re.compile(rf"(\d+(?:[.,]\d+)?)\s*(?:{unit})(?![^\W\d_])", re.IGNORECASE), size) for unit, size in _UNITS]

Moment = tuple[dt.date | None, float]
"""A day, where it is known, and the seconds since its midnight."""


def position_seconds(text: str) -> float | None:
    """A position in a recording, s: 1:02:03.5, 02:03,500 or 2:03; None for anything else."""
    match = _POSITION.fullmatch(text.strip())
    if match is None or int(match[3]) > 59 or (match[1] and int(match[2]) > 59):
        return None
    fraction = float(f"0.{match[4]}") if match[4] else 0.0
    return int(match[1] or 0) * 3600 + int(match[2]) * 60 + int(match[3]) + fraction


def clock_seconds(text: str, *, day_first: bool) -> Moment | None:
    """A date and time of day, or a time of day alone; None for anything else.

    Args:
        day_first: whether 5/1/2024 is in January; dates that begin with the year, or have a number over 12, say it.
    """
    # Teams puts narrow no-break spaces before AM and PM, some systems direction marks around digits.
    text = re.sub(r"[\u200e\u200f\u202a-\u202e]", "", text).replace("T", " ")
    text = re.sub(r"\s", " ", text)
    day: dt.date | None = None
    match = _DATE.search(text)
    if match is not None:
        day = _date(int(match[1]), int(match[2]), int(match[3]), len(match[1]) > 2, day_first)
        if day is None:
            return None
        text = text[: match.start()] + " " + text[match.end() :]
    time = _TIME.search(text)
    if time is None:
        return None
    hour, minute, second = int(time[2]), int(time[3]), int(time[4] or 0)
    half = (time[5] or "").lower()
    if half or time[1]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" or time[1] in _AFTERNOON else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    return day, hour * 3600.0 + minute * 60 + second


def _date(a: int, b: int, c: int, year_first: bool, day_first: bool) -> dt.date | None:
    if year_first:
        year, month, day = a, b, c
    else:
        year = c + 2000 if c < 100 else c
        day, month = (a, b) if (day_first or a > 12) and b <= 12 else (b, a)
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def day_comes_first(texts: list[str], default: bool) -> bool:
    """Whether dates of one file put the day before the month, as far as a number over 12 tells."""
    for text in texts:
        match = _DATE.search(text)
        if match is None or len(match[1]) > 2:
            continue
        if int(match[1]) > 12:
            return True
        if int(match[2]) > 12:
            return False
        if "." in match[0]:
            return True
    return default


def length_seconds(text: str) -> float | None:
    """A length of time, s: 1h 2m 3s, 1 Std. 2 Min., 01:02:03, or plain minutes; None for anything else."""
    text = text.strip()
    if re.fullmatch(r"\d+(?:[.,]\d+)?", text):
        return float(text.replace(",", ".")) * 60
    position = position_seconds(text)
    if position is not None:
        return position
    parts = [(match, size) for unit, size in _LENGTH for match in unit.finditer(text)]
    if not parts:
        return None
    return sum(float(match[1].replace(",", ".")) * size for match, size in parts)


def unrolled(times_s: list[float]) -> list[float]:
    """Times of day in order of writing, with a day added wherever midnight has passed."""
    days, before, out = 0.0, None, []
    for time_s in times_s:
        if before is not None and before - time_s > DAY_S / 2:
            days += DAY_S
        before = time_s
        out.append(time_s + days)
    return out
