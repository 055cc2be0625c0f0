"""Faces of one person, followed by position and size through neighbouring samples; in seconds, never in frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emorec.faces.boxes import centers
from emorec.types import Float32, Int32

__all__ = ["Tracker"]

# How far a face may lie from where it is expected, in widths: at once, and more for every second that it was not seen.
REACH, REACH_PER_S = 0.7, 0.6
# Sizes of one face in neighbouring samples differ by less than this factor.
SIZE_CHANGE = 1.8
# Heads turn back: only this share of the last speed is expected to last, and none beyond half a second.
SPEED_KEPT, SPEED_LASTS_S = 0.5, 0.5


@dataclass(slots=True)
class _Track:
    number: int
    box_px: Float32
    t_s: float
    speed_px_s: Float32


class Tracker:
    """Gives faces their track numbers, sample by sample; numbers count up from 0 and are never used twice."""

    def __init__(self, max_gap_s: float) -> None:
        """``max_gap_s``: higher bridges longer gaps, but may join two people who sat in one place."""
        self._max_gap_s = max_gap_s
        self._open: list[_Track] = []
        self._next = 0

    def expected(self, t_s: float, shift_px: tuple[float, float] = (0.0, 0.0)) -> tuple[Int32, Float32]:
        """The open tracks' numbers [n] and where their faces should be now, boxes [n, 4].

        ``shift_px``: how far a panning camera has moved the picture since the last sample.
        """
        numbers = np.array([track.number for track in self._open], np.int32)
        boxes = [_ahead(track, t_s, shift_px) for track in self._open]
        return numbers, np.array(boxes, np.float32).reshape(-1, 4)

    def update(self, t_s: float, box_px: Float32, shift_px: tuple[float, float] = (0.0, 0.0)) -> Int32:
        """Assign the faces of a sample, all at once, to open tracks or to new ones.

        Args:
            t_s: time of the sample, later than any before.
            box_px: [n, 4].
            shift_px: as in :meth:`expected`.

        Returns:
            Track numbers [n].
        """
        self.expire(t_s)
        _, expected = self.expected(t_s, shift_px)
        numbers = np.full(len(box_px), -1, np.int32)
        for row, column in self._pairs(t_s, expected, box_px):
            track = self._open[row]
            passed = max(t_s - track.t_s, 1e-3)
            track.speed_px_s = (centers(box_px[column : column + 1])[0] - centers(track.box_px[None])[0]) / passed
            track.box_px, track.t_s = box_px[column], t_s
            numbers[column] = track.number
        for column in np.flatnonzero(numbers < 0).tolist():
            numbers[column] = self._begin(t_s, box_px[int(column)])
        return numbers

    def expire(self, t_s: float) -> None:
        """End the tracks that were not seen for longer than the gap allowed."""
        self._open = [track for track in self._open if t_s - track.t_s <= self._max_gap_s]

    def end(self, numbers: Int32 | None = None) -> None:
        """End the given tracks, or all: at a cut, a face in the same place may be another person's."""
        ended = {track.number for track in self._open} if numbers is None else {int(number) for number in numbers}
        self._open = [track for track in self._open if track.number not in ended]

    def numbers(self) -> set[int]:
        """The open tracks."""
        return {track.number for track in self._open}

    def _begin(self, t_s: float, box_px: Float32) -> int:
        self._open.append(_Track(self._next, box_px, t_s, np.zeros(2, np.float32)))
        self._next += 1
        return self._next - 1

    def _pairs(self, t_s: float, expected: Float32, box_px: Float32) -> list[tuple[int, int]]:
        """Rows of open tracks and of faces that belong together, with the least distance overall (Hungarian method)."""
        if not len(expected) or not len(box_px):
            return []
        size = np.sqrt(expected[:, None, 2] * box_px[None, :, 2])
        apart = np.linalg.norm(centers(expected)[:, None] - centers(box_px)[None], axis=2) / np.maximum(size, 1)
        change = np.abs(np.log(np.maximum(expected[:, None, 2], 1) / np.maximum(box_px[None, :, 2], 1)))
        gap = np.array([t_s - track.t_s for track in self._open])[:, None]
        possible = (apart <= REACH + REACH_PER_S * gap) & (change <= np.log(SIZE_CHANGE))
        if (possible.sum(axis=0) <= 1).all() and (possible.sum(axis=1) <= 1).all():
            # Nobody has a choice, which is nearly always so: loading what chooses takes longer than a short chunk.
            return [(int(r), int(c)) for r, c in np.argwhere(possible)]
        from scipy.optimize import linear_sum_assignment

        # Impossible pairs cost more than any sum of possible ones, so they never displace one.
        cost = np.where(possible, apart + 0.5 * change, 1e4)
        rows, columns = linear_sum_assignment(cost)
        return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if possible[r, c]]


def _ahead(track: _Track, t_s: float, shift_px: tuple[float, float]) -> Float32:
    """Where a track's face should be at ``t_s``."""
    lasting = min(max(t_s - track.t_s, 0.0), SPEED_LASTS_S)
    # A face's speed holds the camera's already.
    moved = np.asarray(shift_px, np.float32) if any(shift_px) else track.speed_px_s * (SPEED_KEPT * lasting)
    return np.concatenate([track.box_px[:2] + moved, track.box_px[2:]]).astype(np.float32)
