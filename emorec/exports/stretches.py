"""Tables of samples and windows as stretches with a begin and an end, which annotators and event files want."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emorec.store import Session

__all__ = ["Stretch", "chapter_title", "levels", "runs", "states"]

Stretch = tuple[float, float, str]
"""Begin and end in s, and what holds."""


def runs(rows: list[tuple[float, float, Any]]) -> Iterator[Stretch]:
    """Neighbouring rows of the same value as one stretch; rows without a value are left out."""
    begin, end, value = 0.0, 0.0, None
    for t0_s, t1_s, now in rows:
        if now == value and abs(t0_s - end) < 1e-3:
            end = t1_s
            continue
        if value is not None and end > begin:
            yield begin, end, str(value)
        begin, end, value = t0_s, t1_s, now
    if value is not None and end > begin:
        yield begin, end, str(value)


def states(session: Session) -> dict[str, list[Stretch]]:
    """Each participant's states: visible, camera_off, absent."""
    frame = session.timeline
    found: dict[str, list[Stretch]] = {}
    for participant, own in frame.groupby("participant", sort=True):
        t_s = own["t"].tolist()
        step_s = min((b - a for a, b in pairwise(t_s)), default=0.5)
        ends = [*t_s[1:], t_s[-1] + step_s] if t_s else []
        found[str(participant)] = list(runs(list(zip(t_s, ends, own["state"].tolist(), strict=True))))
    return found


def levels(session: Session) -> dict[str, list[Stretch]]:
    """Each participant's levels of engagement: low, medium, high."""
    found: dict[str, list[Stretch]] = {}
    for participant, own in session.windows.groupby("participant", sort=True):
        values = [value if isinstance(value, str) else None for value in own["level"].tolist()]
        rows = list(zip(own["t0"].tolist(), own["t1"].tolist(), values, strict=True))
        found[str(participant)] = list(runs(rows))
    return found


def chapter_title(row: dict[str, Any]) -> str:
    """A chapter's title, or its number where no file gave one."""
    return str(row["title"] or f"{row['chapter']}")
