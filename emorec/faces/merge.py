"""Many looks at a picture, made into one list of faces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from emorec.faces.boxes import centers, contains, iou, overlap_of_smaller
from emorec.types import Columns, Detections, Float32

__all__ = ["Sightings", "merge_sightings", "unopposed", "without_known"]

# Two sightings of one face overlap at least so much; neighbours in a gallery never do.
SAME_FACE_IOU = 0.35
# Half a face at a tile's border lies within the whole face, and is not much smaller.
PART_OVERLAP = 0.7
PART_AREA_RATIO = 4.0
# A sighting that lies in a larger one contradicts it: one of the two is false.
NESTED_OVERLAP = 0.6


@dataclass(frozen=True)
class Sightings(Columns):
    """Single looks at faces: as :class:`Detections`, plus the side in px of the tile that was looked at."""

    box_px: Float32
    score: Float32
    points_px: Float32
    side_px: Float32

    @classmethod
    def empty(cls) -> Self:
        """No sighting."""
        nothing = Detections.empty()
        return cls(nothing.box_px, nothing.score, nothing.points_px, np.zeros(0, np.float32))


def merge_sightings(sightings: Sightings, lowest_score: float) -> Detections:
    """One detection per face, by falling score, those below ``lowest_score`` left out.

    Sightings that overlap are one face; its score is 1 − Π(1 − score) over the two best of them, so that a face that
    two looks agree on stands far above one that only a single look reports.
    """
    left = sightings[np.argsort(-sightings.score, kind="stable")]
    area = left.box_px[:, 2] * left.box_px[:, 3]
    ratio = np.maximum(area[:, None], area[None]) / np.maximum(np.minimum(area[:, None], area[None]), 1e-6)
    part = (overlap_of_smaller(left.box_px, left.box_px) >= PART_OVERLAP) & (ratio <= PART_AREA_RATIO)
    same = (iou(left.box_px, left.box_px) >= SAME_FACE_IOU) | part
    free = np.ones(len(left), bool)
    heads: list[int] = []
    scores: list[float] = []
    for row in range(len(left)):
        if not free[row]:
            continue
        members = np.flatnonzero(free & same[row])
        free[members] = False
        heads.append(row)
        scores.append(1.0 - float(np.prod(1.0 - left.score[members[:2]])))
    merged = Detections(left.box_px[heads], np.asarray(scores, np.float32), left.points_px[heads])
    merged = merged[np.argsort(-merged.score, kind="stable")]
    return merged[merged.score >= lowest_score]


def without_known(known: Detections, found: Detections) -> Detections:
    """Known faces, followed by those found that are none of them nor of the found ones before, by falling score."""
    found = found[np.argsort(-found.score, kind="stable")]
    both = Detections.concatenate([known, found])
    same = (iou(both.box_px, both.box_px) >= SAME_FACE_IOU) | (
        overlap_of_smaller(both.box_px, both.box_px) >= NESTED_OVERLAP
    )
    kept = list(range(len(known)))
    for row in range(len(known), len(both)):
        if not same[row, kept].any():
            kept.append(row)
    return both[kept]


def unopposed(merged: Detections) -> Detections:
    """The detections that no other one explains better.

    A large face around several sure small ones (a mosaic of tiles that looks like a face) gives way to them; of a large
    and a single small one the surer stays.
    """
    n = len(merged)
    area = merged.box_px[:, 2] * merged.box_px[:, 3]
    nested = overlap_of_smaller(merged.box_px, merged.box_px) >= NESTED_OVERLAP
    middle_inside = contains(merged.box_px, centers(merged.box_px))
    kept = np.ones(n, bool)
    for big in np.argsort(-area, kind="stable"):
        inside = [i for i in range(n) if i != big and kept[i] and area[i] < area[big] and nested[big, i]]
        sure = [i for i in inside if middle_inside[big, i] and merged.score[i] >= 0.5 * merged.score[big]]
        if len(sure) >= 2:
            kept[big] = False
            continue
        for i in inside:
            if merged.score[i] > merged.score[big]:
                kept[big] = False
            else:
                kept[i] = False
    return merged[kept]
