"""Which tracks are no participants: posters, slides, textures. A single ground is never enough.

Stillness proves nothing by itself (a frozen camera, a recording of stills), nor does a low score or a small face; a
person is left out when grounds come together whose weights reach the setting ``grounds``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emorec.faces.summaries import Summaries, group_median
from emorec.settings.analysis import IdentitySettings
from emorec.types import Bool, Float64, Int64, Observations

__all__ = ["reasons_to_leave_out"]

FEW_SAMPLES = 2
SHORT_SAMPLES = 6
LONG_SHARE = 10.0
"""Seen briefly counts as a ground where the typical other one is seen for so many times as long."""
TINY_SHARE = 0.45
TINY_PX = 16.0
LOW_SCORE = 0.6
LOW_PRESENCE = 0.5
MOVING = 0.02
"""Mean absolute change of grey level (0–1) from which a region moves."""
STILL_SHARE = 0.25
"""A face whose change is this share of its surroundings' is still while they move."""
UNLIKE_SPREAD = 0.5
"""Crops of one track that differ from each other like this show no stable face."""
OUTSIDE_SHARE = 0.8


@dataclass(frozen=True)
class _Ground:
    """Whom it holds for, how much it weighs, and how to say it (with the person's number in braces)."""

    holds: Bool
    weight: float
    text: str
    value: Float64


def reasons_to_leave_out(
    observations: Observations,
    summaries: Summaries,
    track_of_face: Int64,
    person: Int64,
    settings: IdentitySettings,
) -> NDArray[np.str_]:
    """For each track of the summaries why its person is none, "" where it is one.

    Args:
        track_of_face: [faces] rows of the summaries.
        person: [tracks], from 0 on.
    """
    n = int(person.max(initial=-1)) + 1
    faces, owner = observations.faces, person[track_of_face]
    samples = np.bincount(owner, minlength=n).astype(np.float64)
    width = group_median(faces.box_px[:, 2], owner, n)
    typical = _typical_of_others(samples)
    score = group_median(faces.score, owner, n)
    presence = group_median(faces.presence, owner, n)
    motion = group_median(faces.motion, owner, n)
    around = group_median(faces.motion_around, owner, n)
    outside = np.bincount(person, summaries.outside * summaries.faces, n) / np.maximum(samples, 1)
    spread = group_median(summaries.spread, person, n)
    nameless = np.bincount(person, np.isfinite(summaries.embedding[:, 0]), n) == 0
    grounds = [
        _Ground(samples <= FEW_SAMPLES, 1.0, "seen in only {:.0f} samples", samples),
        _Ground(
            (samples <= SHORT_SAMPLES) & (samples * LONG_SHARE <= typical), 1.0, "others are seen far longer", samples
        ),
        _Ground(width < TINY_SHARE * _typical_of_others(width), 0.75, "tiny beside the other faces ({:.0f} px)", width),
        _Ground(width < TINY_PX, 0.75, "only {:.0f} px wide", width),
        _Ground(score < LOW_SCORE, 0.75, "found with a low score ({:.2f})", score),
        _Ground(presence < LOW_PRESENCE, 1.0, "no face mesh fits ({:.2f})", presence),
        _Ground((around > MOVING) & (motion < STILL_SHARE * around), 1.0, "still while its surroundings move", motion),
        _Ground(
            (motion > MOVING) & (around < STILL_SHARE * motion), 0.5, "moves while its surroundings are still", motion
        ),
        _Ground(outside > OUTSIDE_SHARE, 1.0, "outside every tile", outside),
        _Ground(nameless, 0.5, "without one crop good enough to recognise", samples),
        _Ground(spread > UNLIKE_SPREAD, 0.75, "its crops do not look like one face ({:.2f})", spread),
    ]
    weight = sum((np.where(g.holds, g.weight, 0.0) for g in grounds), np.zeros(n))
    reasons = [
        "; ".join(g.text.format(g.value[k]) for g in grounds if g.holds[k]) if weight[k] >= settings.grounds else ""
        for k in range(n)
    ]
    return np.asarray(reasons, np.str_)[person] if n else np.zeros(0, np.str_)


def _typical_of_others(values: Float64) -> Float64:
    """For each value the median of the others; NaN where there are none."""
    n = len(values)
    if n < 2:
        return np.full(n, np.nan)
    ordered = np.sort(values)
    rank = np.argsort(np.argsort(values, kind="stable"), kind="stable")

    def other(position: int) -> Float64:
        # The value at a position once one's own is taken out.
        return ordered[np.where(rank <= position, position + 1, position)]

    return (other((n - 2) // 2) + other((n - 1) // 2)) / 2
