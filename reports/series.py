"""Series brought to what a screen can show: time in bins, states in runs, curves in steps. Pure functions of arrays."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Bins", "Step", "Steps", "bins_for", "matrix", "mean_in_bins", "plain", "runs", "steps_of"]

Float = NDArray[np.float64]
Int = NDArray[np.int64]

_WIDTHS_S: Final = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)
"""Widths that a person can name; windows of 10 s fit into those from 10 s on."""


@dataclass(frozen=True)
class Bins:
    """``count`` bins of ``width_s`` from 0 on."""

    width_s: float
    count: int

    @property
    def starts_s(self) -> Float:
        """Where each begins, [count]."""
        return np.arange(self.count, dtype=np.float64) * self.width_s

    def index(self, t_s: Float) -> Int:
        """The bin of each time, clipped to those that there are."""
        return np.clip(np.floor(np.asarray(t_s, float) / self.width_s), 0, self.count - 1).astype(np.int64)


def bins_for(duration_s: float, most: int, at_least_s: float = 1) -> Bins:
    """The finest bins of which at most ``most`` cover the recording, and that are not under ``at_least_s``."""
    for width in _WIDTHS_S:
        if width >= at_least_s and width * most >= duration_s:
            break
    return Bins(float(width), max(1, int(np.ceil(duration_s / width))))


def mean_in_bins(t_s: Float, values: Float, bins: Bins) -> Float:
    """Mean of the values of each bin, [count]; NaN where there is none."""
    values = np.asarray(values, float)
    there = np.isfinite(values)
    index = bins.index(t_s)[there]
    total = np.bincount(index, values[there], bins.count)
    count = np.bincount(index, minlength=bins.count)
    return _quotient(total, count)


def matrix(frame: pd.DataFrame, names: list[str], time: str, value: str, bins: Bins) -> Float:
    """Mean of a column for each participant and bin, [participants, count]; NaN where there is none."""
    rows = {name: i for i, name in enumerate(names)}
    who = frame["participant"].map(rows).to_numpy(float)
    values = frame[value].to_numpy(float, na_value=np.nan)
    there = np.isfinite(values) & np.isfinite(who)
    shape = (len(names), bins.count)
    flat = who[there].astype(np.int64) * bins.count + bins.index(frame[time].to_numpy(float)[there])
    total = np.bincount(flat, values[there], len(names) * bins.count)
    count = np.bincount(flat, minlength=len(names) * bins.count)
    return _quotient(total, count).reshape(shape)


def _quotient(total: NDArray[Any], count: Int) -> Float:
    """Mean where there is anything to take it of; NaN elsewhere."""
    mean = np.full(total.shape, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean


def runs(codes: Int) -> list[tuple[int, int, int]]:
    """Stretches of equal codes as (code, first, one after last)."""
    if not len(codes):
        return []
    edges = np.flatnonzero(np.diff(codes)) + 1
    starts, ends = np.r_[0, edges], np.r_[edges, len(codes)]
    return [(int(codes[a]), int(a), int(b)) for a, b in zip(starts, ends, strict=True)]


def plain(values: Float, digits: int = 2) -> list[Any]:
    """Rounded numbers for JSON; None where there is none."""
    return [round(float(v), digits) if np.isfinite(v) else None for v in values]


@dataclass(frozen=True)
class Step:
    """A stretch of bins [first, last) in which a curve stays near ``mean``."""

    first: int
    last: int
    mean: float


@dataclass(frozen=True)
class Steps:
    """A curve as few level stretches; ``slope`` is its change from start to end where a line describes it better."""

    stretches: tuple[Step, ...]
    slope: float | None


MOST_STEPS: Final = 4
SMALLEST_JUMP: Final = 0.06
"""A change of attention below this is not worth a sentence."""


def steps_of(values: Float, shortest: int) -> Steps:
    """The fewest level stretches that describe a curve, by optimal partition (least squares) with a BIC penalty.

    Args:
        values: the curve, [n]; NaN is passed over.
        shortest: fewest bins of a stretch.

    Returns:
        Steps whose neighbours differ by :data:`SMALLEST_JUMP` at least; no stretch where there is no value.
    """
    there = np.flatnonzero(np.isfinite(values))
    if not len(there):
        return Steps((), None)
    curve = values[there]
    n = len(curve)
    best: tuple[float, list[int]] | None = None
    for count in range(1, min(MOST_STEPS, max(1, n // max(shortest, 1))) + 1):
        edges, error = _partition(curve, count, shortest)
        means = [curve[a:b].mean() for a, b in itertools.pairwise(edges)]
        if any(abs(b - a) < SMALLEST_JUMP for a, b in itertools.pairwise(means)):
            continue
        # Neighbouring bins resemble each other: each counts as half an observation, so that drifts are no steps.
        cost = 0.5 * n * np.log(error / n + 1e-6) + 2 * count * np.log(n + 1)
        if best is None or cost < best[0]:
            best = (float(cost), edges)
    edges = best[1] if best else [0, n]
    stretches = tuple(
        Step(int(there[a]), int(there[b - 1]) + 1, float(curve[a:b].mean())) for a, b in itertools.pairwise(edges)
    )
    return Steps(stretches, _slope(curve, edges))


def _partition(curve: Float, count: int, shortest: int) -> tuple[list[int], float]:
    """Edges of the partition into ``count`` stretches with the least squared error, and that error."""
    n = len(curve)
    s1, s2 = np.r_[0, np.cumsum(curve)], np.r_[0, np.cumsum(curve**2)]

    def cost(a: Int, b: int) -> Float:
        error: Float = s2[b] - s2[a] - (s1[b] - s1[a]) ** 2 / np.maximum(b - a, 1)
        return error

    total = np.full((count + 1, n + 1), np.inf)
    total[0, 0] = 0
    back = np.zeros((count + 1, n + 1), int)
    for k in range(1, count + 1):
        for b in range(shortest * k if count > 1 else n, n + 1):
            starts = np.arange(0, max(b - shortest, 0) + 1)
            errors = total[k - 1, starts] + cost(starts, b)
            back[k, b] = int(np.argmin(errors))
            total[k, b] = errors[back[k, b]]
    edges = [n]
    for k in range(count, 0, -1):
        edges.append(int(back[k, edges[-1]]))
    return edges[::-1], float(total[count, n])


def _slope(curve: Float, edges: list[int]) -> float | None:
    """The change from start to end, where one line describes the curve better than the steps do."""
    if len(edges) < 3:
        return None
    x = np.linspace(0, 1, len(curve))
    slope, start = np.polyfit(x, curve, 1)
    stepped = sum(float(((curve[a:b] - curve[a:b].mean()) ** 2).sum()) for a, b in itertools.pairwise(edges))
    straight = float(((curve - start - slope * x) ** 2).sum())
    return float(slope) if straight < stepped and abs(slope) >= SMALLEST_JUMP else None
