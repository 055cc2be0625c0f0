"""What is known of each track in one row: when, where, how well seen, and how it looks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emorec.types import Columns, Float32, Float64, Int32, Int64, Observations

__all__ = ["Summaries", "group_median", "summarize"]

LEAST_PRESENCE = 0.3
"""Median probability of a face mesh below which a track's few crops are accidents."""


@dataclass(frozen=True)
class Summaries(Columns):
    """One row per track that has a face, by time of its first face, then place.

    ``first`` and ``last`` are rows of Samples, ``first_box_px`` and ``last_box_px`` the boxes there, ``box_px`` [n, 4]
    and the numbers after it medians over the track's faces (NaN: not known in any). ``tile``: where most of its faces
    were, −1 for none. ``outside``: share of its faces outside tiles while there were some. ``segment`` of its first
    sample. ``embedding`` is NaN where there was no good crop, or the mesh hardly ever fitted: what is cut out of a head
    in profile looks like nobody.
    """

    track: Int32
    first: Int64
    last: Int64
    faces: Int64
    first_box_px: Float32
    last_box_px: Float32
    box_px: Float32
    score: Float64
    presence: Float64
    motion: Float64
    motion_around: Float64
    tile: Int64
    outside: Float64
    segment: Int64
    embedding: Float64
    crops: Float64
    spread: Float64


def group_median(values: NDArray[np.floating], group: Int64, n_groups: int) -> Float64:
    """The median of the values of each group, NaN left out; NaN for a group without any."""
    known = np.isfinite(values)
    order = np.lexsort((values[known], group[known]))
    ordered = values[known][order].astype(np.float64)
    counts = np.bincount(group[known], minlength=n_groups)
    start = np.cumsum(counts) - counts
    median = np.full(n_groups, np.nan)
    some = counts > 0
    low, high = start[some] + (counts[some] - 1) // 2, start[some] + counts[some] // 2
    median[some] = (ordered[low] + ordered[high]) / 2
    return median


def summarize(observations: Observations) -> tuple[Summaries, Int64]:
    """The summaries, and for every row of Faces the row of its track among them."""
    samples, faces = observations.samples, observations.faces
    ids, group = np.unique(faces.track, return_inverse=True)
    n, row = len(ids), samples.rows_at(faces.t_s)
    order = np.lexsort((row, group))
    counts = np.bincount(group, minlength=n)
    ends = np.cumsum(counts)
    first, last = order[ends - counts], order[ends - 1]
    box_px = np.stack([group_median(faces.box_px[:, k], group, n) for k in range(4)], axis=1)
    presence = group_median(faces.presence, group, n)
    embedding, crops, spread = _appearance(ids, observations)
    embedding[presence < LEAST_PRESENCE] = np.nan
    outside = np.bincount(group[(faces.tile < 0) & (samples.layout[row] >= 0)], minlength=n) / np.maximum(counts, 1)
    summaries = Summaries(
        track=ids.astype(np.int32),
        first=row[first],
        last=row[last],
        faces=counts.astype(np.int64),
        first_box_px=faces.box_px[first],
        last_box_px=faces.box_px[last],
        box_px=box_px.astype(np.float32),
        score=group_median(faces.score, group, n),
        presence=presence,
        motion=group_median(faces.motion, group, n),
        motion_around=group_median(faces.motion_around, group, n),
        tile=_most_common(faces.tile, group, n),
        outside=outside,
        segment=samples.segments()[row[first]],
        embedding=embedding,
        crops=crops,
        spread=spread,
    )
    # An order that does not depend on how tracks are numbered: by time, then as one reads, then anything that differs.
    height = max(float(np.median(summaries.box_px[:, 3])), 1.0) if n else 1.0
    line = np.round((summaries.first_box_px[:, 1] + summaries.first_box_px[:, 3] / 2) / height)
    by_time = np.lexsort(
        (*summaries.first_box_px.T, summaries.last, summaries.first_box_px[:, 0], line, summaries.first)
    )
    place = np.empty(n, np.int64)
    place[by_time] = np.arange(n)
    return summaries[by_time], place[group]


def _appearance(ids: Int32, observations: Observations) -> tuple[Float64, Float64, Float64]:
    """Embedding, crops and spread of each track; NaN, 0, NaN where it has none."""
    tracks = observations.tracks
    size = tracks.embedding.shape[1]
    embedding, crops, spread = np.full((len(ids), size), np.nan), np.zeros(len(ids)), np.full(len(ids), np.nan)
    known = np.isin(tracks.track, ids) & np.isfinite(tracks.embedding).all(axis=1) & (tracks.crops > 0)
    at = np.searchsorted(ids, tracks.track[known])
    embedding[at], crops[at], spread[at] = tracks.embedding[known], tracks.crops[known], tracks.spread[known]
    return embedding, crops, spread


def _most_common(values: Int32, group: Int64, n_groups: int) -> Int64:
    """The most common value of each group, the lowest of several."""
    span = int(values.max(initial=-1)) + 2
    keys, counts = np.unique(group * span + values + 1, return_counts=True)
    owner, value = keys // span, keys % span - 1
    order = np.lexsort((value, -counts, owner))
    common = np.full(n_groups, -1, np.int64)
    owners, first = np.unique(owner[order], return_index=True)
    common[owners] = value[order][first]
    return common
