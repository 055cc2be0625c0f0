"""The group: per sample and per window, with bootstrap bands over participants and the synchrony of expressions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emorec.analysis.engagement import LEVELS
from emorec.analysis.synchrony import synchrony
from emorec.analysis.windows import Grid, Windows, group_means
from emorec.settings.analysis import AnalysisSettings
from emorec.types import STATES, Columns, Float32, Float64, Samples, Timeline

__all__ = ["Group", "GroupWindows", "bootstrap_band", "dense", "group", "group_windows"]

SEED = 20190925
BAND = (0.025, 0.975)
COLUMNS_AT_ONCE = 4096
LEAST_FOR_BAND = 2

VISIBLE, ABSENT = STATES.index("visible"), STATES.index("absent")


@dataclass(frozen=True)
class Group(Columns):
    """One row per sample (or window): participants present and visible, means over those who have a value, NaN where
    there is none; ``visible_share``: visible ones of those present; ``synchrony_lo`` and ``_hi``: the band of chance;
    ``compared``: participants that synchrony is of."""

    present: NDArray[np.int64]
    visible: NDArray[np.int64]
    visible_share: Float64
    emotions: Float64
    attention: Float64
    attention_lo: Float64
    attention_hi: Float64
    synchrony: Float64
    synchrony_lo: Float64
    synchrony_hi: Float64
    compared: NDArray[np.int64]


@dataclass(frozen=True)
class GroupWindows(Columns):
    """One row per window. ``people_…`` count different participants: who were there, were seen, and have a value of
    attention, of emotions, of engagement; ``means`` are over those, synchrony over the samples of the window, and
    ``compared`` is the least of them that has a synchrony (0 if none has)."""

    present: Float64
    visible: Float64
    engagement: Float64
    engagement_lo: Float64
    engagement_hi: Float64
    shares: Float64
    means: Group
    people_present: NDArray[np.int64]
    people_visible: NDArray[np.int64]
    people_attention: NDArray[np.int64]
    people_emotions: NDArray[np.int64]
    people_engaged: NDArray[np.int64]


def dense(timeline: Timeline, values: Float32 | Float64, n_samples: int) -> Float32:
    """Values of the timeline's rows as [participants, samples] (or [.., .., k]), NaN elsewhere."""
    n = int(timeline.participant.max(initial=-1)) + 1
    table = np.full((n, n_samples, *values.shape[1:]), np.nan, np.float32)
    table[timeline.participant, timeline.sample] = values
    return table


def bootstrap_band(values: Float64 | Float32, resamples: int) -> tuple[Float64, Float64]:
    """The 95 % percentile band of the mean over rows of values [people, columns], resampling people; NaN for columns
    with fewer than two known values. Seeded: the same values give the same band."""
    n, n_columns = values.shape
    low, high = np.full(n_columns, np.nan), np.full(n_columns, np.nan)
    if n < LEAST_FOR_BAND:
        return low, high
    weights = np.random.default_rng(SEED).multinomial(n, np.full(n, 1 / n), size=resamples).astype(np.float32)
    for first in range(0, n_columns, COLUMNS_AT_ONCE):
        part = slice(first, first + COLUMNS_AT_ONCE)
        known = np.isfinite(values[:, part])
        count = weights @ known.astype(np.float32)
        total = weights @ np.where(known, values[:, part], 0).astype(np.float32)
        means = np.sort(np.where(count > 0, total / np.maximum(count, 1), np.inf), axis=0)
        # Resamples that hold nobody with a value are sorted to the end and do not count.
        valid = (count > 0).sum(axis=0)
        wide = known.sum(axis=0) >= LEAST_FOR_BAND
        columns = np.arange(means.shape[1])
        for bound, share in ((low, BAND[0]), (high, BAND[1])):
            position = np.round(share * np.maximum(valid - 1, 0)).astype(np.int64)
            bound[part] = np.where(wide, means[position, columns], np.nan)
    return low, high


def group(timeline: Timeline, samples: Samples, settings: AnalysisSettings) -> Group:
    """The group at every sample of the recording."""
    n = len(samples)
    attention = dense(timeline, timeline.attention, n)
    low, high = bootstrap_band(attention, settings.bootstrap)
    together = synchrony(dense(timeline, timeline.emotions, n), samples, settings)
    present = np.bincount(timeline.sample, timeline.state != ABSENT, n).astype(np.int64)
    visible = np.bincount(timeline.sample, timeline.state == VISIBLE, n).astype(np.int64)
    return Group(
        present=present,
        visible=visible,
        visible_share=np.where(present > 0, visible / np.maximum(present, 1), np.nan),
        emotions=group_means(timeline.emotions, timeline.sample.astype(np.int64), n),
        attention=group_means(timeline.attention, timeline.sample.astype(np.int64), n),
        attention_lo=low,
        attention_hi=high,
        synchrony=together.value,
        synchrony_lo=together.chance_lo,
        synchrony_hi=together.chance_hi,
        compared=together.compared,
    )


def group_windows(
    timeline: Timeline, group_rows: Group, windows: Windows, windows_grid: Grid, settings: AnalysisSettings
) -> GroupWindows:
    """The group in every window; means over participants who have a value, each counting once."""
    n = len(windows_grid)
    n_people = int(timeline.participant.max(initial=-1)) + 1

    def table(values: Float64) -> Float64:
        result = np.full((n_people, n), np.nan)
        result[windows.participant, windows.window] = values
        return result

    low, high = bootstrap_band(table(windows.engagement), settings.bootstrap)
    attention_low, attention_high = bootstrap_band(table(windows.attention), settings.bootstrap)
    engaged = np.bincount(windows.window[windows.level >= 0], minlength=n)
    shares = np.full((n, len(LEVELS)), np.nan)
    for level in range(len(LEVELS)):
        count = np.bincount(windows.window[windows.level == level], minlength=n)
        np.divide(count, engaged, out=shares[:, level], where=engaged > 0)
    of_sample = windows_grid.of_sample
    compared = np.full(n, n_people, np.int64)
    has_synchrony = np.isfinite(group_rows.synchrony)
    np.minimum.at(compared, of_sample[has_synchrony], group_rows.compared[has_synchrony])
    compared[np.bincount(of_sample[has_synchrony], minlength=n) == 0] = 0
    return GroupWindows(
        present=group_means(group_rows.present.astype(np.float64), of_sample, n),
        visible=group_means(group_rows.visible.astype(np.float64), of_sample, n),
        engagement=group_means(windows.engagement, windows.window, n),
        engagement_lo=low,
        engagement_hi=high,
        shares=shares,
        means=Group(
            present=np.zeros(n, np.int64),
            visible=np.zeros(n, np.int64),
            visible_share=group_means(group_rows.visible_share, of_sample, n),
            emotions=group_means(windows.emotions, windows.window, n),
            attention=group_means(windows.attention, windows.window, n),
            attention_lo=attention_low,
            attention_hi=attention_high,
            synchrony=group_means(group_rows.synchrony, of_sample, n),
            synchrony_lo=group_means(group_rows.synchrony_lo, of_sample, n),
            synchrony_hi=group_means(group_rows.synchrony_hi, of_sample, n),
            compared=compared,
        ),
        people_present=_people(timeline, timeline.state != ABSENT, windows_grid),
        people_visible=_people(timeline, timeline.face >= 0, windows_grid),
        people_attention=np.bincount(windows.window[np.isfinite(windows.attention)], minlength=n),
        people_emotions=np.bincount(windows.window[np.isfinite(windows.emotions).all(axis=1)], minlength=n),
        people_engaged=engaged,
    )


def _people(timeline: Timeline, holds: NDArray[np.bool_], windows_grid: Grid) -> NDArray[np.int64]:
    """How many different participants something holds for in each window."""
    n = len(windows_grid)
    pairs = np.unique(timeline.participant[holds].astype(np.int64) * n + windows_grid.of_sample[timeline.sample[holds]])
    return np.bincount(pairs % max(n, 1), minlength=n)
