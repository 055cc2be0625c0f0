"""From a file's own clock to the time of the recording."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Final

from emorec.errors import InputError
from emorec.sidecars.rows import Chapter, Message, Row, Sidecar, Stay, Utterance
from emorec.sidecars.times import DAY_S, clock_seconds

__all__ = ["Placed", "Start", "given_start", "place", "start_of_name"]

QUARTER_S: Final = 900.0
"""Time zones differ by multiples of a quarter of an hour."""
FARTHEST_ZONE_S: Final = 14 * 3600.0
EARLY_S: Final = 900.0
"""People may be in a meeting for so long before its recording begins."""

_NAME_TIME = re.compile(
    r"(?<!\d)(20\d{2})[-_.]?(\d{2})[-_.]?(\d{2})[ T_-]+(\d{2})[-.:_h]?(\d{2})(?:[-.:_m]?(\d{2}))?(?!\d)"
    r"\s*(UTC|GMT|Z)?"
)


@dataclass(frozen=True, slots=True)
class Start:
    """When a recording began: seconds since midnight, or since 1970 where ``dated``; ``utc``: of UTC and not of the
    place; ``how`` it is known, as a phrase."""

    seconds: float
    dated: bool
    utc: bool
    how: str


@dataclass(frozen=True)
class Placed:
    """A sidecar's rows in the time of the recording, clipped to it; ``offset_s`` was added to their times, found as
    ``how`` says; ``outside`` rows were not within it. ``notes``: what a person should know, a sentence each."""

    rows: tuple[Row, ...]
    offset_s: float
    how: str
    outside: int
    notes: tuple[str, ...]


def given_start(text: str) -> Start:
    """When a recording began, as a user says it: ``10:00:05`` or ``2024-01-05 10:00:05``.

    Raises:
        InputError: it is no such time.
    """
    moment = clock_seconds(text, day_first=False)
    if moment is None:
        raise InputError(
            f"{text!r} is no time of day; write when the recording began as 10:00:05 or 2024-01-05 10:00:05"
        )
    day, seconds = moment
    if day is None:
        return Start(seconds, dated=False, utc=False, how="as given")
    return Start(calendar.timegm(day.timetuple()) + seconds, dated=True, utc=False, how="as given")


def start_of_name(path: str) -> Start | None:
    """When a recording began, as its name or its folder's say (GMT20240105-100003_Recording.mp4,
    2024-01-05 10.00.03 Meeting/video.mp4); None where they do not."""
    pure = PurePath(path)
    for name in (pure.stem, pure.parent.name):
        match = _NAME_TIME.search(name)
        if match is None:
            continue
        try:
            moment = dt.datetime(*(int(part) for part in match.groups(default="0")[:6]))  # type: ignore[arg-type]
        except ValueError:
            continue
        utc = bool(match[7]) or name.startswith("GMT")
        how = "as the recording's name says"
        return Start(calendar.timegm(moment.timetuple()), dated=True, utc=utc, how=how)
    return None


def place(sidecar: Sidecar, duration_s: float, start: Start | None, shift_s: float = 0.0) -> Placed:
    """Bring a sidecar's rows to the time of the recording.

    Args:
        start: when the recording began, if that is known; only files with times of day need it.
        shift_s: added to every time, as a user found it.
    """
    notes: list[str] = []
    offset_s, how = 0.0, "from the recording's start"
    if sidecar.clock != "recording":
        offset_s, how = _offset(sidecar, duration_s, start)
        if start is None:
            notes.append(f"when the recording began on its clock is not known; taken to be {how}")
    offset_s += shift_s
    if shift_s:
        how += f", moved by {shift_s:+g} s as given"
    rows = [_moved(row, offset_s, duration_s) for row in sidecar.rows]
    kept = tuple(row for row in rows if row is not None)
    outside = len(rows) - len(kept)
    if outside and not kept:
        notes.append("no entry lies within the recording; it may be of another one")
    elif outside:
        notes.append(f"{outside} of {len(rows)} entries lie outside the recording")
    if sidecar.bad:
        lines = ", ".join(str(line.number) for line in sidecar.bad[:5]) + (", …" if len(sidecar.bad) > 5 else "")
        notes.append(f"{len(sidecar.bad)} of {sidecar.lines} lines could not be used ({lines})")
    return Placed(kept, offset_s, how, outside, tuple(notes))


def _offset(sidecar: Sidecar, duration_s: float, start: Start | None) -> tuple[float, str]:
    times_s = _times(sidecar.rows)
    if start is not None:
        began_s = start.seconds
        if start.dated and sidecar.clock == "day":
            began_s %= DAY_S
            if start.utc or not start.dated:
                began_s += _zone(times_s, began_s, duration_s)
            elif times_s and times_s[0] < began_s - DAY_S / 2:
                began_s -= DAY_S
        elif start.dated and start.utc:
            began_s += _zone(times_s, began_s, duration_s)
        elif not start.dated and sidecar.clock == "date" and times_s:
            day = min(times_s) // DAY_S * DAY_S
            began_s += day
        return -began_s, start.how
    if sidecar.started_s is not None:
        return -sidecar.started_s, "when the meeting began, as the file says"
    return (-min(times_s) if times_s else 0.0), "at the first entry of the file"


def _zone(times_s: Sequence[float], began_s: float, duration_s: float) -> float:
    """How far a file's local clock is ahead of UTC, s: so that most of its times lie within the recording; of equals
    the zone of this machine, then whole hours, then the nearest."""
    here = dt.datetime.fromtimestamp(max(began_s, DAY_S), dt.UTC).astimezone().utcoffset()
    here_s = here.total_seconds() if here is not None else 0.0
    steps = int(FARTHEST_ZONE_S // QUARTER_S)
    zones = [step * QUARTER_S for step in range(-steps, steps + 1)]

    def fit(zone_s: float) -> tuple[int, int, bool, bool, float]:
        at = [t_s - began_s - zone_s for t_s in times_s]
        inside = sum(0 <= t_s <= duration_s for t_s in at)
        near = sum(-EARLY_S <= t_s <= duration_s + EARLY_S for t_s in at)
        return inside, near, zone_s == here_s, zone_s % 3600 == 0, -abs(zone_s)

    return max(zones, key=fit)


def _times(rows: Sequence[Row]) -> list[float]:
    found: list[float] = []
    for row in rows:
        if isinstance(row, Message):
            found.append(row.t_s)
        elif isinstance(row, Stay):
            found += [t_s for t_s in (row.t0_s, row.t1_s) if t_s is not None]
        else:
            found.append(row.t0_s)
    return found


def _moved(row: Row, offset_s: float, duration_s: float) -> Row | None:
    """A row in the recording's time, clipped to it; None where it lies outside."""
    if isinstance(row, Message):
        t_s = row.t_s + offset_s
        return replace(row, t_s=t_s) if 0 <= t_s <= duration_s else None
    if isinstance(row, Utterance):
        t0_s, t1_s = row.t0_s + offset_s, row.t1_s + offset_s
        inside = t1_s >= 0 and t0_s <= duration_s
        return replace(row, t0_s=max(t0_s, 0.0), t1_s=min(t1_s, duration_s)) if inside else None
    if isinstance(row, Chapter):
        end_s = duration_s if row.t1_s is None else row.t1_s + offset_s
        start_s = row.t0_s + offset_s
        inside = end_s > 0 and start_s < duration_s
        return (
            replace(row, t0_s=max(start_s, 0.0), t1_s=None if row.t1_s is None else min(end_s, duration_s))
            if inside
            else None
        )
    came_s = 0.0 if row.t0_s is None else row.t0_s + offset_s
    left_s = duration_s if row.t1_s is None else row.t1_s + offset_s
    if left_s <= 0 or came_s >= duration_s:
        return None
    return replace(row, t0_s=max(came_s, 0.0), t1_s=min(left_s, duration_s))
