"""Windows: ten seconds of one participant, the unit of levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emorec.analysis.engagement import index_of
from emorec.settings.analysis import AnalysisSettings
from emorec.types import EMOTIONS, Columns, Float32, Float64, Int32, Int64, Samples, Timeline

__all__ = ["Grid", "Windows", "grid", "group_means", "windows"]


@dataclass(frozen=True)
class Grid:
    """The windows of a recording: ``t0_s`` and ``t1_s`` [w], and the window [samples] that each sample lies in."""

    t0_s: Float64
    t1_s: Float64
    of_sample: Int64

    def __len__(self) -> int:
        return len(self.t0_s)


@dataclass(frozen=True)
class Windows(Columns):
    """One row per participant × window from first to last seen, by participant, then time.

    ``window`` is a row of the grid; ``coverage`` the share of the window's samples with a face; means are over those
    and NaN where there is none; ``engagement`` NaN and ``level`` −1 where a face, or attention, is known of too small a
    share of the samples (else 0, 1, 2).
    """

    participant: Int32
    window: Int64
    coverage: Float64
    emotions: Float64
    valence: Float64
    attention: Float64
    perclos: Float64
    speaking: Float64
    engagement: Float64
    level: NDArray[np.int8]


def grid(samples: Samples, duration_s: float, window_s: float) -> Grid:
    """Windows of ``window_s`` from 0 to the end of the recording; the last one may be shorter."""
    last_s = float(samples.t_s[-1]) if len(samples) else 0.0
    end_s = duration_s if duration_s > last_s else last_s + samples.step_s
    # A last window that would be no more than a rounding of the duration is none.
    n = max(1, int(np.ceil(end_s / window_s - 1e-3))) if len(samples) else 0
    t0_s: Float64 = np.arange(n, dtype=np.float64) * window_s
    return Grid(t0_s, np.minimum(t0_s + window_s, end_s), np.minimum(samples.t_s // window_s, n - 1).astype(np.int64))


def group_means(values: Float64 | Float32, group: Int64, n_groups: int) -> Float64:
    """The mean of the values [n] or [n, k] of each group, NaN left out; NaN for a group without any."""
    columns = values.reshape(len(values), int(np.prod(values.shape[1:]))).astype(np.float64)
    known = np.isfinite(columns)
    means = np.full((n_groups, columns.shape[1]), np.nan)
    for k in range(columns.shape[1]):
        count = np.bincount(group[known[:, k]], minlength=n_groups)
        total = np.bincount(group[known[:, k]], columns[known[:, k], k], n_groups)
        np.divide(total, count, out=means[:, k], where=count > 0)
    return means.reshape(n_groups, *values.shape[1:])


def windows(timeline: Timeline, windows_grid: Grid, perclos: Float32 | Float64, settings: AnalysisSettings) -> Windows:
    """The windows of every participant.

    Args:
        perclos: [timeline] share of the minute before with the eyes closed, 0–1, NaN where it cannot be measured.

    Raises:
        SettingsError: the settings name an engagement index that does not exist.
    """
    n_windows = len(windows_grid)
    key = timeline.participant.astype(np.int64) * n_windows + windows_grid.of_sample[timeline.sample]
    keys, group = np.unique(key, return_inverse=True)
    n, window = len(keys), keys % max(n_windows, 1)
    in_window = np.bincount(windows_grid.of_sample, minlength=n_windows)
    coverage = np.bincount(group, timeline.face >= 0, n) / np.maximum(in_window[window], 1)
    emotions = group_means(timeline.emotions, group, n)
    attention = group_means(timeline.attention, group, n)
    index = index_of(settings.engagement)
    # A face that no mesh fits is seen, but says nothing.
    measured = np.bincount(group, np.isfinite(timeline.attention), n) / np.maximum(in_window[window], 1)
    enough = np.minimum(coverage, measured) >= settings.least_coverage - 1e-9
    engagement = np.where(enough, index.score(attention, emotions, settings.engagement), np.nan)
    # The last sample of a window has seen the whole minute that ends there.
    last_known = np.full(n, -1, np.int64)
    known = np.flatnonzero(np.isfinite(perclos))
    np.maximum.at(last_known, group[known], known)
    return Windows(
        participant=(keys // max(n_windows, 1)).astype(np.int32),
        window=window,
        coverage=coverage,
        emotions=emotions,
        valence=emotions @ np.array([settings.valence[name] for name in EMOTIONS]),
        attention=attention,
        perclos=np.where(last_known >= 0, perclos[last_known] if len(perclos) else np.nan, np.nan),
        speaking=group_means(timeline.speaking, group, n),
        engagement=engagement,
        level=index.level(engagement, settings.engagement),
    )
