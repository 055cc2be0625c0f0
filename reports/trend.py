"""The trend of a course: attention, high engagement and people of its sessions, in order, and what it tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from reports.entries import Entry
from reports.words import Words, known

__all__ = ["Panel", "Trend", "path_of", "sentence_of", "trend_of"]

Float = NDArray[np.float64]

LEAST_SESSIONS: Final = 6
"""Of fewer points no order is unlikely enough to speak of a trend: five in a row happen by chance once in sixty."""
ALPHA: Final = 0.01
"""A trend is told when chance orders sessions so only once in a hundred courses."""
SMALLEST_CHANGE: Final = 0.04
"""A rise or fall of attention below this is not worth a sentence, however regular."""
LABELS: Final = 5


@dataclass(frozen=True)
class Panel:
    """One measure over the sessions of a course, in a square of 100 × 100 with y downwards.

    ``dots``: (x, y, text) of each session that has a value; ``ranges``: (x, y0, y1) of the middle half of its windows;
    ``line``: an SVG path through the dots, broken where values are missing; ``ticks``: (y, text).
    """

    key: str
    title: str
    dots: list[tuple[float, float, str]]
    ranges: list[tuple[float, float, float]]
    line: str
    ticks: list[tuple[float, str]]


@dataclass(frozen=True)
class Trend:
    """The sessions of a course in order; ``labels``: (x, text, whether it may be left out on a small screen)."""

    course: str
    sentence: str
    panels: list[Panel]
    labels: list[tuple[float, str, bool]]
    count: int


def trend_of(course: str, entries: Sequence[Entry], words: Words) -> Trend | None:
    """The trend of a course's sessions, in whatever order they come; None where fewer than two have attention."""
    ordered = sorted(entries, key=lambda entry: entry.order)
    attention = np.array([entry.attention for entry in ordered])
    if np.isfinite(attention).sum() < 2:
        return None
    x = (np.arange(len(ordered)) + 0.5) / len(ordered) * 100
    high = np.array([entry.high for entry in ordered])
    people = np.array([np.nan if entry.people is None else entry.people for entry in ordered], float)
    most = _round_up(float(np.nanmax(people)) if np.isfinite(people).any() else 1)
    panels = [
        _panel("attention", words.gettext("Attention"), x, attention, 1.0, ordered, words.score, words, halves=True),
        _panel("high", words.gettext("High engagement"), x, high, 1.0, ordered, words.share, words),
        _panel("people", words.gettext("People"), x, people, most, ordered, lambda n: words.number(n or 0), words),
    ]
    panels = [panel for panel in panels if panel.dots]
    chosen = np.unique(np.linspace(0, len(ordered) - 1, min(LABELS, len(ordered))).round().astype(int)).tolist()
    labels = [
        (round(float(x[i]), 2), words.date(ordered[i].date, "medium"), i not in (chosen[0], chosen[-1])) for i in chosen
    ]
    return Trend(course, sentence_of(attention, words), panels, labels, len(ordered))


def sentence_of(attention: Float, words: Words) -> str:
    """What may be said of attention over sessions in order [sessions], NaN where there is none.

    A trend is told where Kendall's test finds the order too regular for chance, with the ends of the Theil–Sen line.
    """
    from scipy.stats import kendalltau, theilslopes

    there = np.flatnonzero(np.isfinite(attention))
    values = attention[there]
    n = len(values)
    if n < 2:
        return ""
    low, high = words.score(float(values.min())), words.score(float(values.max()))
    spread = words.gettext("Attention lay between %(low)s and %(high)s.", low=low, high=high)
    if n < LEAST_SESSIONS:
        too_few = words.gettext("%(count)s sessions are too few to speak of a trend.", count=words.number(n))
        return f"{spread} {too_few}"
    test = kendalltau(there, values) if np.ptp(values) else None
    line = theilslopes(values, there)
    start, end = (float(line.intercept + line.slope * there[i]) for i in (0, -1))
    if test is None or not test.pvalue < ALPHA or abs(end - start) < SMALLEST_CHANGE:
        return words.gettext(
            "Over %(count)s sessions attention shows no clear trend; it lay between %(low)s and %(high)s.",
            count=words.number(n),
            low=low,
            high=high,
        )
    values_said = {"count": words.number(n), "start": words.score(start), "end": words.score(end)}
    if end > start:
        return words.gettext(
            "Over %(count)s sessions attention rose, from about %(start)s to about %(end)s.", **values_said
        )
    return words.gettext(
        "Over %(count)s sessions attention fell, from about %(start)s to about %(end)s.", **values_said
    )


def path_of(x: Float, y: Float) -> str:
    """An SVG path through points, broken where y is NaN; a single point between gaps is a dot."""
    parts, fresh = [], True
    for a, b in zip(x, y, strict=True):
        if not np.isfinite(b):
            fresh = True
            continue
        parts.append(f"{'M' if fresh else 'L'}{a:.4g} {b:.4g}" + ("h0" if fresh else ""))
        fresh = False
    return "".join(parts)


def _panel(
    key: str,
    title: str,
    x: Float,
    values: Float,
    top: float,
    entries: Sequence[Entry],
    text: Callable[[float | None], str],
    words: Words,
    halves: bool = False,
) -> Panel:
    y = (1 - values / top) * 100
    dots = [
        (round(float(x[i]), 2), round(float(y[i]), 2), f"{entry.title}, {words.date(entry.date)}: {text(values[i])}")
        for i, entry in enumerate(entries)
        if np.isfinite(y[i])
    ]
    ranges = [
        (round(float(x[i]), 2), round((1 - entry.high_half) * 100, 2), round((1 - entry.low_half) * 100, 2))
        for i, entry in enumerate(entries)
        if halves and known(entry.low_half)
    ]
    ticks = [(0.0, text(top)), (50.0, text(top / 2)), (100.0, text(0))]
    return Panel(key, title, dots, ranges, path_of(x, y), ticks)


def _round_up(most: float) -> float:
    """The least round even number that is not under ``most``."""
    for scale in (1, 10, 100, 1000):
        for step in (2, 4, 6, 10):
            if step * scale >= most:
                return float(step * scale)
    return most
