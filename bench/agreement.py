"""How far two results of one recording agree: the same faces, people, emotions, attention and lids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from emorec.types import EMOTIONS

__all__ = ["Agreement", "Apart", "compare", "idf1"]

SAME_FACE_IOU = 0.3


class Apart(NamedTuple):
    """Absolute differences: their mean, and what 99 % of them are below."""

    mean: float
    high: float

    @classmethod
    def of(cls, one: NDArray[np.floating], other: NDArray[np.floating]) -> Apart:
        """Of values [n] or [n, k], where both are known; 0 where none are."""
        apart = np.abs(one - other)
        known = apart[np.isfinite(apart)]
        return cls(float(known.mean()), float(np.quantile(known, 0.99))) if len(known) else cls(0.0, 0.0)


@dataclass(frozen=True)
class Agreement:
    """How far two timelines agree; ``idf1`` takes the first one's participants for the truth.

    ``emotions``: of the probabilities; ``attention``, 0–1; ``lids``: of their opening, eye widths.
    """

    faces: float
    idf1: float
    emotions: Apart
    attention: Apart
    lids: Apart


def compare(one: pd.DataFrame, other: pd.DataFrame) -> Agreement:
    """How far the visible faces of two timelines (as stored) agree."""
    keys = ["t", "participant", "x", "y", "w", "h", "attention", "eyes_open", *EMOTIONS]
    a, b = (
        frame.loc[(frame["state"] == "visible") & frame["x"].notna(), keys].reset_index(drop=True)
        for frame in (one, other)
    )
    by_time = dict(list(b.groupby("t")))
    pairs = []
    for t_s, rows in a.groupby("t"):
        if t_s in by_time:
            pairs += _matched(rows, by_time[t_s])
    if not pairs:
        return Agreement(float(not len(a)), float(not len(a)), *[Apart(0.0, 0.0)] * 3)
    left, right = (np.array(side) for side in zip(*pairs, strict=True))
    names, who = a["participant"].to_numpy().astype(str), b["participant"].to_numpy().astype(str)
    same_people = idf1(names[left], who[right], len(a) + len(b))
    emotions, attention, lids = (
        Apart.of(a[columns].to_numpy(float)[left], b[columns].to_numpy(float)[right])
        for columns in (list(EMOTIONS), ["attention"], ["eyes_open"])
    )
    return Agreement(len(pairs) / max(1, len(a)), same_people, emotions, attention, lids)


def idf1(people: NDArray[Any], participants: NDArray[Any], faces: int) -> float:
    """IDF1 (Ristani et al. 2016) of matched faces.

    Args:
        people: who each matched face [n] truly is.
        participants: for whom it was taken [n].
        faces: all of the truth and all that were found, matched or not.
    """
    together = pd.crosstab(people, participants).to_numpy()
    rows, columns = linear_sum_assignment(-together)
    return float(2 * together[rows, columns].sum() / faces)


def _matched(a: pd.DataFrame, b: pd.DataFrame) -> list[tuple[int, int]]:
    """Rows of both that show one face, one to one."""
    from emorec.faces.boxes import iou

    boxes = (frame[["x", "y", "w", "h"]].to_numpy(np.float32) for frame in (a, b))
    overlap = iou(*boxes)
    rows, columns = linear_sum_assignment(-overlap)
    hits = overlap[rows, columns] >= SAME_FACE_IOU
    return list(zip(a.index[rows[hits]].tolist(), b.index[columns[hits]].tolist(), strict=True))
