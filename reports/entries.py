"""What the index says of a session: a few figures and a small curve, read from one table and session.json."""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from emorec.errors import StoreError
from reports.facts import seen_share, weighted
from reports.series import Bins, mean_in_bins
from reports.words import LEVELS, known

if TYPE_CHECKING:
    from emorec.store import Session, Store

__all__ = ["Entry", "entries_of", "entry_of"]

Float = NDArray[np.float64]

POINTS: Final = 24
"""Points of the small curve: what a hundred pixels can show."""
AT_ONCE: Final = 16
"""Sessions read at the same time where each costs a round trip to another machine."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Entry:
    """A session in the index; a number that is not known is NaN.

    ``people`` is None where they are too few to be told of; ``attention``, ``seen``, ``high`` (time with high
    engagement) are shares of 0–1, as in the session's report; ``low_half`` and ``high_half`` bound the middle half of
    the attention of its windows; ``curve`` is attention over equal parts of the recording.
    """

    id: str
    title: str
    course: str
    date: str
    duration_s: float
    people: int | None
    seen: float
    attention: float
    low_half: float
    high_half: float
    high: float
    curve: tuple[float, ...]
    aggregate: bool
    has_report: bool

    @property
    def order(self) -> tuple[str, str, str]:
        """By date, then title: how sessions of a course follow one another."""
        return (self.date if _DATE.fullmatch(self.date) else "", self.title, self.id)


def entry_of(session: Session) -> Entry:
    """A session's entry.

    Raises:
        StoreError: its table cannot be read, or its session.json lacks what every session has.
    """
    try:
        metadata = session.metadata
        table = session.table("group_windows", ["t0", "present", "visible", "attention", *LEVELS])
        columns: dict[str, Float] = {
            name: table[name].to_numpy().astype(np.float64, copy=False) for name in table.column_names
        }
        duration_s = float(metadata["recording"]["duration_s"])
        counts = metadata["counts"]
        attention, visible = columns["attention"], columns["visible"]
        levels = {level: weighted(columns[level], visible) for level in LEVELS}
        told = counts.get("seen_percent")
        seen = attention[np.isfinite(attention)]
        low, high = np.quantile(seen, [0.25, 0.75]) if len(seen) else (np.nan, np.nan)
        # No more points than windows: a short session's curve would fall apart into dots.
        points = max(1, min(POINTS, len(attention)))
        bins = Bins(max(duration_s, 1e-3) / points, points)
        return Entry(
            id=session.id,
            title=str(metadata["title"]),
            course=str(metadata["course"]),
            date=str(metadata["date"]),
            duration_s=duration_s,
            people=None if counts["participants"] is None else int(counts["participants"]),
            seen=seen_share(visible, columns["present"]) if told is None else told / 100,
            attention=weighted(attention, visible),
            low_half=float(low),
            high_half=float(high),
            high=levels["high"] if all(known(value) for value in levels.values()) else float("nan"),
            curve=tuple(mean_in_bins(columns["t0"], attention, bins).round(2).tolist()),
            aggregate=metadata["privacy"]["mode"] == "aggregate",
            has_report=session.has_report,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(f"session {session.id} cannot be told of: {error!r}") from error


def entries_of(store: Store) -> tuple[list[Entry], int]:
    """The entries of all sessions, the latest first; and how many sessions could not be read."""
    ids = store.ids()
    if store.is_local:
        found = [_tried(store, session) for session in ids]
    else:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = list(pool.map(lambda session: _tried(store, session), ids))
    entries = [entry for entry in found if entry is not None]
    return _latest_first(entries), len(found) - len(entries)


def _latest_first(entries: Sequence[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: entry.order, reverse=True)


def _tried(store: Store, session: str) -> Entry | None:
    """One damaged session shall not cost the index of all others."""
    try:
        return entry_of(store.open(session))
    except StoreError:
        return None
