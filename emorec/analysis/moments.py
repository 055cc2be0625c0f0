"""Moments: stretches in which the group did something that chance does not explain.

The test: each participant's signal, less their own mean, is shifted in a circle by a random time of their own. That
keeps every person's ups and downs, and destroys only that they happen together. Of many such shuffled sessions the
highest peak of the group is noted; a stretch of the real session is a moment where it exceeds what all but a share
``alpha`` of shuffled sessions reach anywhere. So a session in which nothing is shared has a moment of one kind with
probability ``alpha``, however long it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from emorec.analysis.group import SEED, dense
from emorec.analysis.windows import Grid, Windows
from emorec.settings.analysis import MomentSettings
from emorec.types import EMOTIONS, STATES, Bool, Float32, Float64, Int64, Samples, Timeline

__all__ = ["Moment", "find_moments"]

HOP_S = 1.0
"""Distance of the times at which the group is looked at, s; signals are averaged over longer stretches anyway."""
LEAST_SPREAD = 1e-6
ABSENT = STATES.index("absent")


@dataclass(frozen=True)
class Moment:
    """A stretch [t0_s, t1_s] of a ``kind``.

    ``strength``: how far beyond chance, in standard deviations of chance (NaN where there is no chance to compare
    with); ``participants``: who took part, from 0 on, empty where that cannot be said; ``detail``: a sentence.
    """

    t0_s: float
    t1_s: float
    kind: str
    strength: float
    participants: tuple[int, ...]
    detail: str


def find_moments(
    timeline: Timeline, samples: Samples, windows: Windows, windows_grid: Grid, settings: MomentSettings
) -> list[Moment]:
    """All moments of a session, by time."""
    n = len(samples)
    if not n or not len(timeline):
        return []
    found = _absences(timeline, settings)
    if samples.t_s[-1] - samples.t_s[0] + samples.step_s < settings.least_length * settings.smooth_s:
        return found
    attention = _averaged(dense(timeline, timeline.attention, n), samples, settings.smooth_s)
    changes = _extremes("attention", attention, _times(samples), settings)
    engagement = np.full((attention.shape[0], len(windows_grid)), np.nan)
    engagement[windows.participant, windows.window] = windows.engagement
    middles = (windows_grid.t0_s + windows_grid.t1_s) / 2
    for change in _extremes("engagement", engagement, middles, settings):
        # Attention is most of engagement: what both show is said once.
        same = [m for m in changes if m.kind.split("_")[1] == change.kind.split("_")[1]]
        if not any(m.t0_s < change.t1_s and change.t0_s < m.t1_s for m in same):
            found.append(change)
    found += changes
    happy = dense(timeline, timeline.emotions[:, EMOTIONS.index("happy")], n)
    found += _laughter(_averaged(happy, samples, settings.laughter_s), _times(samples), settings)
    return sorted(found, key=lambda m: (m.t0_s, m.t1_s, m.kind, m.participants))


def _times(samples: Samples) -> Float64:
    """A regular grid of times over the recording."""
    return np.arange(samples.t_s[0], samples.t_s[-1] + HOP_S / 2, HOP_S)


def _averaged(values: Float32, samples: Samples, length_s: float) -> Float64:
    """Running means over ``length_s`` of values [people, samples] at the times of the grid; NaN where under half of the
    samples around are known."""
    known = np.isfinite(values)
    zero = np.zeros((len(values), 1))
    total = np.hstack([zero, np.cumsum(np.where(known, values, 0), axis=1, dtype=np.float64)])
    count = np.hstack([zero, np.cumsum(known, axis=1)])
    t_s = _times(samples)
    low = np.searchsorted(samples.t_s, t_s - length_s / 2)
    high = np.searchsorted(samples.t_s, t_s + length_s / 2, side="right")
    of = count[:, high] - count[:, low]
    enough = (of > 0) & (of * 2 >= high - low)
    return np.where(enough, (total[:, high] - total[:, low]) / np.maximum(of, 1), np.nan)


@dataclass(frozen=True)
class _Shared:
    """How much the group does together at each time, and how much chance does.

    ``statistic`` [times] has mean 0 and is in units of what independent people would scatter; the limits are what
    chance hardly ever exceeds anywhere, ``scale`` is the standard deviation of chance.
    """

    statistic: Float64
    limit_high: float
    limit_low: float
    scale: float


def _shared(values: Float64, settings: MomentSettings) -> _Shared | None:
    """Test the group's signal, of values [people, times], against circular shifts; None where too few have one."""
    known = np.isfinite(values)
    values, known = values[known.any(axis=1)], known[known.any(axis=1)]
    if len(values) < settings.least_people or values.shape[1] < 2:
        return None
    count = known.sum(axis=1, keepdims=True)
    own = np.where(known, values, 0).sum(axis=1, keepdims=True) / count
    centred = np.where(known, values - own, 0)
    variance = (centred**2).sum(axis=1, keepdims=True) / count
    if not (variance > LEAST_SPREAD).any():
        return None
    # Per person and time: the signal, how much it would scatter, whether it is known.
    planes = np.stack([centred, np.where(known, variance, 0), known], axis=1)
    real = _together(planes.sum(axis=0), settings.least_people)
    # Twice in a row, so that a shift in a circle is a slice.
    twice = np.concatenate([planes, planes], axis=2)
    n_people, n_times = values.shape
    rng = np.random.default_rng(SEED)
    high, low, square = np.empty(settings.shifts), np.empty(settings.shifts), 0.0
    for k in range(settings.shifts):
        total = np.zeros((3, n_times))
        shifts: Int64 = rng.integers(0, n_times, size=(n_people,))
        for person, shift in enumerate(shifts):
            total += twice[person, :, shift : shift + n_times]
        chance = _together(total, settings.least_people)
        high[k], low[k] = chance.max(), chance.min()
        square += float((chance**2).mean())
    return _Shared(
        real,
        float(np.quantile(high, 1 - settings.alpha, method="higher")),
        float(np.quantile(low, settings.alpha, method="lower")),
        float(np.sqrt(max(square / settings.shifts, 1e-12))),
    )


def _together(planes: Float64, least_people: int) -> Float64:
    """The group's signal [times] in units of its scatter, of the sums over people [3, times] of signal, variance and
    presence; 0 where too few are there."""
    signal, variance, there = planes
    enough = (there >= least_people) & (variance > LEAST_SPREAD)
    return np.where(enough, signal / np.sqrt(np.maximum(variance, LEAST_SPREAD)), 0.0)


def _stretches(beyond: Bool, around: Bool) -> Iterable[tuple[int, int]]:
    """Runs [first, last] of ``around`` that hold at least one of ``beyond``."""
    edges = np.diff(np.concatenate([[0], around.astype(np.int8), [0]]))
    for first, stop in zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True):
        if beyond[first:stop].any():
            yield first, stop - 1


def _extremes(name: str, values: Float64, t_s: Float64, settings: MomentSettings) -> list[Moment]:
    """Peaks and drops of the group's mean of one signal."""
    shared = _shared(values, settings)
    if shared is None:
        return []
    known = np.isfinite(values)
    mean = np.where(known, values, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    usual = float(mean[known.any(axis=0)].mean())
    found = []
    for word, verb, statistic, limit in (
        ("peak", "rose", shared.statistic, shared.limit_high),
        ("drop", "fell", -shared.statistic, -shared.limit_low),
    ):
        for first, last in _stretches(statistic > limit, statistic > settings.edge_share * limit):
            top = first + int(np.argmax(statistic[first : last + 1]))
            if abs(mean[top] - usual) < settings.least_change:
                continue
            detail = (
                f"The group's {name} {verb} to {mean[top]:.2f} (usually {usual:.2f}), "
                f"{int(known[:, top].sum())} participants together."
            )
            strength = float(statistic[top] / shared.scale)
            found.append(Moment(float(t_s[first]), float(t_s[last]), f"{name}_{word}", strength, (), detail))
    return found


def _laughter(happy: Float64, t_s: Float64, settings: MomentSettings) -> list[Moment]:
    """Stretches in which more participants smile or laugh at once than chance makes them."""
    laughing = np.where(np.isfinite(happy), (happy >= settings.laughter_happy).astype(np.float64), np.nan)
    shared = _shared(laughing, settings)
    if shared is None:
        return []
    found = []
    at_once = (laughing == 1).sum(axis=0)
    beyond = (shared.statistic > shared.limit_high) & (at_once >= settings.least_people)
    for first, last in _stretches(beyond, shared.statistic > settings.edge_share * shared.limit_high):
        top = first + int(np.argmax(np.where(beyond[first : last + 1], shared.statistic[first : last + 1], -np.inf)))
        who: Int64 = np.flatnonzero((laughing[:, first : last + 1] == 1).any(axis=1))
        seen = int(np.isfinite(laughing[:, top]).sum())
        found.append(
            Moment(
                float(t_s[first]),
                float(t_s[last]),
                "shared_laughter",
                float(shared.statistic[top] / shared.scale),
                tuple(who.tolist()),
                f"{int(at_once[top])} of {seen} visible participants smiled or laughed at once.",
            )
        )
    return found


def _absences(timeline: Timeline, settings: MomentSettings) -> list[Moment]:
    """Participants who were away for long and came back."""
    away = timeline.state == ABSENT
    same = np.zeros(len(timeline), bool)
    same[1:] = timeline.participant[1:] == timeline.participant[:-1]
    starts = np.flatnonzero(away & ~(same & np.roll(away, 1)))
    follows = np.append(same[1:], False) & np.append(away[1:], False)
    ends = np.flatnonzero(away & ~follows)
    found = []
    for first, last in zip(starts.tolist(), ends.tolist(), strict=True):
        # A participant's rows begin and end with their presence, so that there is one after.
        t0_s, t1_s = float(timeline.t_s[first]), float(timeline.t_s[min(last + 1, len(timeline) - 1)])
        if t1_s - t0_s >= settings.long_absence_s:
            who = int(timeline.participant[first])
            detail = f"Not in the picture for {(t1_s - t0_s) / 60:.0f} minutes, then back."
            found.append(Moment(t0_s, t1_s, "long_absence", float("nan"), (who,), detail))
    return found
