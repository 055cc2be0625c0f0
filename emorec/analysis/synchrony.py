"""Synchrony: how far displayed expressions of participants go together, and how far by chance alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from emorec.settings.analysis import AnalysisSettings
from emorec.types import Bool, Float32, Float64, Int64, Samples

__all__ = ["Synchrony", "synchrony"]

SEED = 19091213
LEAST_PEOPLE = 2
NUMBERS_AT_ONCE = 1_000_000
NUMBERS_OF_CHANCE = 8_000_000
"""Numbers in hand, of windows in turn and of those that chance is drawn from: memory stays the same for long
recordings."""
LEAST_WINDOWS_APART = 4
"""Recordings that do not hold so many windows side by side are too short to tell chance from."""
BAND = (0.025, 0.975)


@dataclass(frozen=True)
class Synchrony:
    """At each sample the inter-subject correlation [n], −1…1, the 95 % band [n] of what chance makes of the same
    people, and how many people were compared; NaN where there are fewer than two, or nothing to tell chance from."""

    value: Float64
    chance_lo: Float64
    chance_hi: Float64
    compared: NDArray[np.int64]


def synchrony(emotions: Float64 | Float32, samples: Samples, settings: AnalysisSettings) -> Synchrony:
    """Inter-subject correlation of displayed expressions around each sample: the mean over pairs of participants of
    the correlation of their seven probabilities over a window.

    Chance: each participant's windows are shifted in a circle by a random number of their own, which keeps everybody's
    expressions and destroys only that they happen together. The band is of all windows of the recording, for as many
    people as are compared here.

    Source: Hasson et al. 2004; Nastase et al. 2019 (pairwise form, circular shifts). The mean over pairs follows from
    the length of the sum of all participants' normalised signals, |Σu|² = k + k(k − 1)·r.

    Args:
        emotions: [participants, samples, 7], NaN where not known.
    """
    n_people, n_samples, n_emotions = emotions.shape
    unknown = np.full(n_samples, np.nan)
    nothing = Synchrony(unknown, unknown, unknown, np.zeros(n_samples, np.int64))
    if n_people < LEAST_PEOPLE or n_samples < 2 or samples.step_s <= 0:
        return nothing
    length = max(4, round(settings.synchrony_window_s / samples.step_s))
    if n_samples < length:
        return nothing
    step = max(1, round(settings.synchrony_step_s / samples.step_s))
    starts = np.arange(0, n_samples - length + 1, step)
    views: Float64 = sliding_window_view(emotions, length, axis=1)
    value, compared = np.full(len(starts), np.nan), np.zeros(len(starts), np.int64)
    at_once = max(1, NUMBERS_AT_ONCE // max(1, n_people * n_emotions * length))
    for first in range(0, len(starts), at_once):
        part = slice(first, first + at_once)
        value[part], compared[part] = _correlation(_unit(views[:, starts[part]], settings))
    low, high = np.full(len(starts), np.nan), np.full(len(starts), np.nan)
    if n_samples >= LEAST_WINDOWS_APART * length:
        most = max(LEAST_WINDOWS_APART, NUMBERS_OF_CHANCE // (n_people * n_emotions * length))
        drawn = starts[np.unique(np.linspace(0, len(starts) - 1, min(most, len(starts))).astype(np.int64))]
        parts = np.array_split(drawn, -(-len(drawn) // at_once))
        unit = np.concatenate([_unit(views[:, part], settings) for part in parts], axis=1)
        bounds = _chance(unit, settings.synchrony_draws)
        low, high = (np.where(compared >= LEAST_PEOPLE, bound / _scale(compared), np.nan) for bound in bounds)
    # Every sample has the value of the window whose middle is nearest; at the ends that of the first and last.
    nearest = np.clip(np.round((np.arange(n_samples) - (length - 1) / 2) / step), 0, len(starts) - 1).astype(np.int64)
    return Synchrony(value[nearest], low[nearest], high[nearest], compared[nearest])


def _unit(windows: NDArray[np.floating], settings: AnalysisSettings) -> Float32:
    """Each participant's expressions in each window [people, windows, 7, length], less their mean and of length one;
    all 0 for who was not seen for long enough, or showed nothing that changes."""
    n_emotions, length = windows.shape[2:]
    known = np.isfinite(windows)
    count = known.sum(axis=-1)
    mean = np.where(known, windows, 0).sum(axis=-1) / np.maximum(count, 1)
    centred = np.where(known, windows - mean[..., None], 0)
    norm = np.sqrt((centred**2).sum(axis=(2, 3)))
    counted = count[:, :, 0] >= settings.synchrony_coverage * length
    counted &= norm >= settings.synchrony_flat * np.sqrt(n_emotions * length)
    scale = np.where(counted, 1 / np.maximum(norm, 1e-12), 0)
    return (centred * scale[..., None, None]).astype(np.float32)


def _correlation(unit: Float32) -> tuple[Float64, Int64]:
    """The mean correlation of pairs in each window, NaN where there is none; and how many people that is of."""
    return _of_sums(unit.sum(axis=0), unit.any(axis=(2, 3)).sum(axis=0))


def _of_sums(total: Float32, k: Int64) -> tuple[Float64, Int64]:
    """The mean correlation of pairs, from the sums [windows, 7, length] of k [windows] people's normalised signals."""
    together = (total.astype(np.float64) ** 2).sum(axis=(1, 2))
    value = np.where(k >= LEAST_PEOPLE, (together - k) / np.maximum(k * (k - 1), 1), np.nan)
    return value, k.astype(np.int64)


def _scale(k: Int64) -> Float64:
    """By how much the mean over the pairs of k independent people scatters less than a single pair."""
    return np.asarray(np.sqrt(np.maximum(k * (k - 1) / 2, 1)))


def _chance(unit: Float32, draws: int) -> tuple[float, float]:
    """The band of chance for a single pair, from at least ``draws`` values; NaN where there is none."""
    rng = np.random.default_rng(SEED)
    n_people, n_windows = unit.shape[:2]
    there: Bool = np.asarray(unit.any(axis=(2, 3)))
    values: list[Float64] = []
    for _ in range(-(-draws // n_windows)):
        total, k = np.zeros(unit.shape[1:], np.float32), np.zeros(n_windows, np.int64)
        shifts: Int64 = rng.integers(0, n_windows, size=(n_people,))
        for person, shift in enumerate(shifts):
            # A shift in a circle: what falls off at the end goes on at the beginning.
            total[: n_windows - shift] += unit[person, shift:]
            total[n_windows - shift :] += unit[person, :shift]
            k += np.roll(there[person], -shift)
        value, k = _of_sums(total, k)
        values.append(value[np.isfinite(value)] * _scale(k[np.isfinite(value)]))
    pooled = np.concatenate(values)
    if not len(pooled):
        return float("nan"), float("nan")
    low, high = np.quantile(pooled, BAND)
    return float(low), float(high)
