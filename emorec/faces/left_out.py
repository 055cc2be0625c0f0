"""Which tracks are no participants: posters, slides, textures. A single ground is never enough.

Stillness proves nothing by itself (a frozen camera, a recording of stills), nor does a low score or a small face; a
person is left out when grounds come together whose weights reach the setting ``grounds``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emorec.faces.shown import SMALL_IN_TILE, shown
from emorec.faces.summaries import Summaries, group_median
from emorec.settings.analysis import IdentitySettings
from emorec.types import Bool, Float64, Int64, Observations

__all__ = ["RECOGNISABLE_S", "doubts", "reasons_to_leave_out"]

GLANCE_S = 1.0
GLIMPSE_S = 2.5
"""Somebody never in sight for longer at a time: the length of a title, of a shot in a film."""
BRIEF_S = 5.0
LONG_SHARE = 5.0
"""Being seen for BRIEF_S at most counts where the typical other one is seen for so many times as long."""
TINY_SHARE = 0.45
TINY_PX = 16.0
LOW_SCORE = 0.6
LOW_PRESENCE, UNSURE_PRESENCE = 0.5, 0.9
"""Of faces that are not turned away half have a probability of 1.00, nearly all above .9."""
STILL = 0.012
MOVING = 0.03
"""Mean absolute change of grey level (0–1) below which a region stands still, and from which it moves."""
STILL_SHARE = 0.25
"""A face whose change is this share of its surroundings' is still while they move."""
FROZEN_DEG, FROZEN_MOUTH, FROZEN_SHARE = 1.5, 0.008, 0.8
"""Usual departures from a track's median pose (degrees) and mouth opening (ratio) below which a face shows no life of
its own, and the share of its surroundings' change that its own is then: what a filmed still or a calm listener leaves.
People who talk reach 2 to 10 degrees."""
UNLIKE_SPREAD = 0.5
"""Crops of one track that differ from each other like this show no stable face."""
OUTSIDE_SHARE = 0.8
RECOGNISABLE_S = 10.0
"""Who is seen for longer than this without a single frontal crop rather is somebody in profile than nobody."""


@dataclass(frozen=True)
class _Ground:
    """Whom it holds for, how much it weighs, and how to say it (with the person's number in braces)."""

    holds: Bool
    weight: float
    text: str
    value: Float64
    brief: bool = False
    """Whether it says only for how short a time somebody is seen."""


def reasons_to_leave_out(
    observations: Observations,
    summaries: Summaries,
    track_of_face: Int64,
    person: Int64,
    settings: IdentitySettings,
) -> NDArray[np.str_]:
    """For each track of the summaries why its person is none, "" where it is one.

    Args:
        observations: of the whole recording.
        summaries: of its n tracks.
        track_of_face: [faces] rows of the summaries.
        person: [n], from 0 on.
        settings: the weight that grounds must reach.
    """
    grounds = _grounds(observations, summaries, track_of_face, person)
    weight = sum((np.where(g.holds, g.weight, 0.0) for g in grounds), np.zeros(1))
    reasons = [
        "; ".join(g.text.format(g.value[k]) for g in grounds if g.holds[k]) if weight[k] >= settings.grounds else ""
        for k in range(int(person.max(initial=-1)) + 1)
    ]
    return np.asarray(reasons, np.str_)[person]


def doubts(observations: Observations, summaries: Summaries, track_of_face: Int64, person: Int64) -> Float64:
    """For each person the weight of all grounds but those of time."""
    grounds = _grounds(observations, summaries, track_of_face, person)
    return sum((np.where(g.holds, g.weight, 0.0) for g in grounds if not g.brief), np.zeros(1))


def _grounds(observations: Observations, summaries: Summaries, track_of_face: Int64, person: Int64) -> list[_Ground]:
    """All grounds, for every person."""
    n = int(person.max(initial=-1)) + 1
    faces, owner = observations.faces, person[track_of_face]
    count = np.bincount(owner, minlength=n).astype(np.float64)
    seen_s = count * observations.samples.step_s
    at_a_time_s = _longest_sighting_s(observations, owner, n)
    width = group_median(faces.box_px[:, 2], owner, n)
    score = group_median(faces.score, owner, n)
    presence = group_median(faces.presence, owner, n)
    motion = group_median(faces.motion, owner, n)
    around = group_median(faces.motion_around, owner, n)
    outside = np.bincount(person, summaries.outside * summaries.faces, n) / np.maximum(count, 1)
    spread = group_median(summaries.spread, person, n)
    nameless = np.bincount(person, np.isfinite(summaries.embedding[:, 0]), n) == 0
    others_longer = (seen_s <= BRIEF_S) & (seen_s * LONG_SHARE <= _typical_of_others(seen_s, count))
    still = (around > MOVING) & (motion < STILL_SHARE * around)
    still |= _is_frozen(observations, summaries, track_of_face, person)
    known = shown(observations, owner, n)
    avatar = known.quiet & (known.of_tile < SMALL_IN_TILE)
    return [
        _Ground(seen_s <= GLANCE_S, 1.0, "seen for {:.1f} s only", seen_s, brief=True),
        _Ground(
            (seen_s > GLANCE_S) & (at_a_time_s <= GLIMPSE_S),
            1.0,
            "never seen for longer than {:.1f} s",
            at_a_time_s,
            brief=True,
        ),
        _Ground(others_longer, 1.0, "others are seen far longer", seen_s, brief=True),
        _Ground(
            width < TINY_SHARE * _typical_of_others(width, count),
            0.75,
            "tiny beside the other faces ({:.0f} px)",
            width,
        ),
        _Ground(width < TINY_PX, 0.75, "only {:.0f} px wide", width),
        _Ground(score < LOW_SCORE, 0.75, "found with a low score ({:.2f})", score),
        _Ground(presence < LOW_PRESENCE, 1.0, "no face mesh fits ({:.2f})", presence),
        _Ground(
            (presence >= LOW_PRESENCE) & (presence < UNSURE_PRESENCE), 0.5, "a face mesh hardly fits ({:.2f})", presence
        ),
        _Ground(still, 1.0, "still while its surroundings move", motion),
        _Ground((around <= STILL) & (motion <= STILL), 0.5, "a still picture", motion),
        _Ground((motion > MOVING) & (around < STILL_SHARE * motion), 0.5, "moves in still surroundings", motion),
        # Two sides of one thing, that count less than two.
        _Ground(known.quiet & ~still, 1.0, "never moves, while others do ({:.3f})", known.change),
        _Ground(known.quiet & still, 0.5, "never moves, while others do ({:.3f})", known.change),
        _Ground(known.quiet & known.beside, 1.0, "in one picture with somebody who moves", known.change),
        _Ground(avatar, 0.5, "small in its tile ({:.2f} of its height)", known.of_tile),
        _Ground(known.large_only, 1.0, "only ever in a tile far larger than the others", count),
        _Ground(known.not_in_gallery, 1.0, "not among the tiles when the gallery shows everybody", count),
        _Ground(outside > OUTSIDE_SHARE, 1.0, "outside every tile", outside),
        _Ground(nameless, 0.5, "without one crop good enough to recognise", count),
        _Ground(nameless & (seen_s < RECOGNISABLE_S), 0.5, "too briefly to tell who it is", count, brief=True),
        _Ground(spread > UNLIKE_SPREAD, 0.75, "its crops do not look like one face ({:.2f})", spread),
    ]


def _longest_sighting_s(observations: Observations, owner: Int64, n: int) -> Float64:
    """How long each person was in sight at a time, at most, s; a single missed sample does not end a sighting."""
    samples = observations.samples
    rows = samples.rows_at(observations.faces.t_s)
    order = np.lexsort((rows, owner))
    who, row = owner[order], rows[order]
    new = np.ones(len(row), bool)
    new[1:] = (who[1:] != who[:-1]) | (row[1:] - row[:-1] > 2)
    start = np.flatnonzero(new)
    length = samples.t_s[row[np.append(start[1:], len(row))[: len(start)] - 1]] - samples.t_s[row[start]]
    longest = np.zeros(n)
    np.maximum.at(longest, who[start], length + samples.step_s)
    return longest


def _is_frozen(observations: Observations, summaries: Summaries, track_of_face: Int64, person: Int64) -> Bool:
    """Whether in most of each person's tracks pose and mouth hardly change while the surroundings do, and do more."""
    faces, n, n_tracks = observations.faces, int(person.max(initial=-1)) + 1, len(summaries)
    # One face is its own median: only tracks of three and more say something.
    counted = np.where(summaries.faces >= 3, summaries.faces, 0)
    frozen = (summaries.motion_around > MOVING) & (summaries.motion < FROZEN_SHARE * summaries.motion_around)
    for values, least in ((faces.yaw, FROZEN_DEG), (faces.pitch, FROZEN_DEG), (faces.mouth_open, FROZEN_MOUTH)):
        usual = group_median(values, track_of_face, n_tracks)
        frozen &= group_median(np.abs(values - usual[track_of_face]), track_of_face, n_tracks) < least
    return np.bincount(person, counted * frozen, n) > 0.5 * np.maximum(np.bincount(person, counted, n), 1)


def _typical_of_others(values: Float64, weight: Float64) -> Float64:
    """For each value the weighted median of the others; NaN where there are none."""
    if len(values) < 2:
        return np.full(len(values), np.nan)
    order = np.argsort(values, kind="stable")
    rank = np.empty(len(values), np.int64)
    rank[order] = np.arange(len(values))
    total = np.cumsum(weight[order])
    half = (total[-1] - weight) / 2
    with_own = np.searchsorted(total, half)
    # Where one's own weight lies before the middle, the middle lies so much farther.
    position = np.where(rank <= with_own, np.searchsorted(total, half + weight), with_own)
    position = np.minimum(position, len(values) - 1)
    # Rounding may end at one's own place.
    position = np.where(position == rank, np.where(rank > 0, rank - 1, rank + 1), position)
    return np.asarray(values[order][position])
