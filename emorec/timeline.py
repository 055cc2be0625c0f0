"""Participants × samples: who was in the picture when, and in which state.

``visible``: a face. ``camera_off``: the participant's tile is there without a face. ``absent``: neither. A face that
the detector missed for up to ``gap_s`` between two samples that show it, without a cut in between, was there all the
same: such samples are ``visible`` without a face, so that attendance does not flicker and no value is made up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emorec.types import STATES, Bool, Columns, Float64, Identities, Int32, Int64, Observations, Samples

__all__ = ["Presence", "durations", "presence"]

VISIBLE, CAMERA_OFF, ABSENT = (STATES.index(state) for state in STATES)


@dataclass(frozen=True)
class Presence(Columns):
    """One row per participant × sample from the first to the last time that they were in the picture.

    By participant, then time; ``participant`` from 0 by first appearance, ``person`` their number in Identities,
    ``sample`` and ``face`` rows of Samples and Faces (face −1: none), ``state`` an index into STATES.
    """

    participant: Int32
    person: Int32
    sample: Int64
    state: NDArray[np.int8]
    face: Int64


def durations(samples: Samples) -> Float64:
    """For each sample the time until the next, s; for the last one the usual step."""
    return np.append(np.diff(samples.t_s), samples.step_s) if len(samples) else np.zeros(0)


def presence(observations: Observations, identities: Identities, has_tile: Bool, gap_s: float) -> Presence:
    """Each participant's state at every sample from the first to the last that shows their tile or face.

    Of two showings of one person in a sample the larger face counts.

    Args:
        has_tile: [people, samples] whether a tile of theirs is there, with or without a face.
        gap_s: for how long a missed face was there all the same, s.
    """
    samples, faces = observations.samples, observations.faces
    n, n_samples = identities.people, len(samples)
    if n == 0:
        none = np.zeros(0, np.int32)
        return Presence(none, none, none.astype(np.int64), none.astype(np.int8), none.astype(np.int64))
    person, row = identities.of_faces(faces), samples.rows_at(faces.t_s)
    face = np.full((n, n_samples), -1, np.int64)
    smallest_first = np.argsort(faces.box_px[:, 2] * faces.box_px[:, 3], kind="stable")
    smallest_first = smallest_first[person[smallest_first] >= 0]
    face[person[smallest_first], row[smallest_first]] = smallest_first
    seen = face >= 0
    there = seen | _missed(seen, samples, gap_s + samples.step_s)
    state = np.where(there, VISIBLE, np.where(has_tile, CAMERA_OFF, ABSENT)).astype(np.int8)
    present = state != ABSENT
    first = present.argmax(axis=1)
    last = n_samples - 1 - present[:, ::-1].argmax(axis=1)
    # People are numbered by their first face; a tile may have been there before.
    order = np.argsort(first, kind="stable")
    length = (last - first + 1)[order]
    who = np.repeat(order, length)
    column = np.arange(len(who)) - np.repeat(np.cumsum(length) - length, length) + first[who]
    return Presence(
        np.repeat(np.arange(n), length).astype(np.int32),
        who.astype(np.int32),
        column,
        state[who, column],
        face[who, column],
    )


def _missed(seen: Bool, samples: Samples, longest_s: float) -> Bool:
    """Samples without a face between two with one that are at most ``longest_s`` apart, without a cut in between."""
    n_samples = seen.shape[1]
    column = np.arange(n_samples)
    before = np.maximum.accumulate(np.where(seen, column, -1), axis=1)
    after = np.minimum.accumulate(np.where(seen, column, n_samples)[:, ::-1], axis=1)[:, ::-1]
    inside: Bool = ~seen & (before >= 0) & (after < n_samples)
    b, a = np.where(inside, before, 0), np.where(inside, after, 0)
    cuts = np.cumsum(samples.cut)
    short: Bool = (samples.t_s[a] - samples.t_s[b] <= longest_s + 1e-6) & (cuts[a] == cuts[b])
    return inside & short
