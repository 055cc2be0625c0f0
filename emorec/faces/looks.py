"""Single calls of MediaPipe's face detector: at one square of a picture, or at the surroundings of several faces."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from emorec.faces.boxes import centers
from emorec.faces.halves import halved
from emorec.faces.merge import Sightings
from emorec.faces.network import ShortRangeNetwork
from emorec.types import Detections, Float32, UInt8

__all__ = ["MOSAIC_FACES", "DetectorModel", "Square"]

# Pictures are halved down to between this and its double: the model looks at 128 px.
LEAST_INPUT_PX = 200
# A tile that is looked into alone is continued by this share of its height on all sides.
TILE_MARGIN = 0.4
# Side of a mosaic, px.
MOSAIC_PX = 256
# A box that touches an inner border of its square (within this share of the side) may be half a face.
BORDER_SHARE = 0.015
BORDER_PENALTY = 0.65
# Faces per side of a mosaic, and the extent of its cells in widths of the face: more of either loses faces.
MOSAIC_CELLS = 2
MOSAIC_FACES = MOSAIC_CELLS**2
MOSAIC_EXTENT = 2.1
# But cells of large faces are not larger than this share of the picture's shorter side, nor smaller than so many faces.
PICTURE_EXTENT, LEAST_EXTENT = 1.2, 1.2
# A face found in a cell is the expected one if its size changed by less than this factor.
SIZE_CHANGE = 2.0


class Square(NamedTuple):
    """A square part of a picture, px; it may reach beyond the picture, where it is black."""

    x: int
    y: int
    side: int


class DetectorModel:
    """Looks at parts of a picture through one instance of the network; not for two threads at a time."""

    def __init__(self, path: Path, lowest_score: float) -> None:
        """Load the model; faces below ``lowest_score`` are never reported.

        Raises:
            AssetError: LiteRT cannot read the file.
        """
        self._network = ShortRangeNetwork(path, lowest_score)

    def look(self, rgb: UInt8, square: Square) -> Sightings:
        """Faces in one square of the picture [H, W, 3], in px of the picture."""
        height, width = rgb.shape[:2]
        x, y, side = square
        left, top, right, bottom = max(x, 0), max(y, 0), min(x + side, width), min(y + side, height)
        # Reduced first, since MediaPipe's own reduction aliases.
        crop, factor = halved(rgb[top:bottom, left:right], LEAST_INPUT_PX)
        if right - left < side or bottom - top < side:
            canvas = np.zeros((-(-side // factor),) * 2 + (3,), np.uint8)
            ox, oy = (left - x) // factor, (top - y) // factor
            canvas[oy : oy + crop.shape[0], ox : ox + crop.shape[1]] = crop
            crop = canvas
        found = self._network.detect(crop)
        box = np.asarray(found.box_px * factor + (x, y, 0, 0), np.float32)
        points = np.asarray(found.points_px * factor + (x, y), np.float32)
        score = np.where(_cut_off(box, square, width, height), found.score * BORDER_PENALTY, found.score)
        return Sightings(box, score.astype(np.float32), points, np.full(len(found), side, np.float32))

    def look_into(self, rgb: UInt8, box_px: Float32) -> Detections:
        """Faces in a box [4] of the picture, whose edges are continued outwards: heads that a tile cuts off, alone."""
        height, width = rgb.shape[:2]
        x, y, w, h = (int(v) for v in box_px)
        left, top = max(x, 0), max(y, 0)
        crop = rgb[top : min(y + h, height), left : min(x + w, width)]
        if not crop.size:
            return Detections.empty()
        crop, factor = halved(crop, LEAST_INPUT_PX)
        margin = round(TILE_MARGIN * crop.shape[0])
        crop = np.asarray(cv2.copyMakeBorder(crop, *(margin,) * 4, cv2.BORDER_REPLICATE), np.uint8)
        found = self._network.detect(crop)
        corner = np.array([left, top], np.float32) - margin * factor
        box = np.asarray(found.box_px * factor + (*corner, 0, 0), np.float32)
        return Detections(box, found.score, np.asarray(found.points_px * factor + corner, np.float32))

    def look_at_mosaic(self, rgb: UInt8, boxes_px: Float32) -> Detections:
        """The faces near up to ``MOSAIC_FACES`` boxes: one row per box, score 0 and NaN where none was found."""
        n = len(boxes_px)
        cell = MOSAIC_PX // MOSAIC_CELLS
        # Whole pixels, so that cells are plain crops.
        face = boxes_px[:, 2:].max(axis=1, initial=1.0)
        # What is continued beyond the picture hides a face that fills it.
        most = np.maximum(PICTURE_EXTENT * min(rgb.shape[:2]), LEAST_EXTENT * face)
        side = np.ceil(np.minimum(MOSAIC_EXTENT * face, most)).astype(int)
        corner = np.round(centers(boxes_px) - side[:, None] / 2).astype(int)
        scale = cell / side
        at = np.array([divmod(i, MOSAIC_CELLS)[::-1] for i in range(n)], int).reshape(-1, 2) * cell
        mosaic = np.zeros((MOSAIC_PX, MOSAIC_PX, 3), np.uint8)
        for i in range(n):
            ox, oy = at[i]
            mosaic[oy : oy + cell, ox : ox + cell] = _cell_picture(
                rgb, Square(int(corner[i, 0]), int(corner[i, 1]), int(side[i])), cell
            )
        seen = self._network.detect(mosaic)
        found = Detections(
            np.full((n, 4), np.nan, np.float32), np.zeros(n, np.float32), np.full((n, 6, 2), np.nan, np.float32)
        )
        cell_of = (centers(seen.box_px) // cell).astype(int)
        for i in range(n):
            ox, oy = at[i]
            inside = (cell_of == at[i] // cell).all(axis=1)
            box = np.asarray((seen.box_px[inside] - (ox, oy, 0, 0)) / scale[i] + (*corner[i], 0, 0), np.float32)
            best = _nearest(box, seen.score[inside], boxes_px[i])
            if best is None:
                continue
            found.box_px[i], found.score[i] = box[best], seen.score[inside][best]
            found.points_px[i] = (seen.points_px[inside][best] - at[i]) / scale[i] + corner[i]
        return found


def _cut_off(box_px: Float32, square: Square, width: int, height: int) -> Any:
    """Whether each box touches a border of the square that is not the picture's."""
    x, y, side = square
    margin = BORDER_SHARE * side
    low, high = box_px[:, :2], box_px[:, :2] + box_px[:, 2:]
    return (
        ((low[:, 0] < x + margin) & (x > 0))
        | ((low[:, 1] < y + margin) & (y > 0))
        | ((high[:, 0] > x + side - margin) & (x + side < width))
        | ((high[:, 1] > y + side - margin) & (y + side < height))
    )


def _cell_picture(rgb: UInt8, square: Square, cell: int) -> UInt8:
    """A square of the picture as [cell, cell, 3]; the picture's edges are continued outwards."""
    height, width = rgb.shape[:2]
    x, y, side = square
    left, right = (min(max(v, 0), width) for v in (x, x + side))
    top, bottom = (min(max(v, 0), height) for v in (y, y + side))
    if right <= left or bottom <= top:
        return np.zeros((cell, cell, 3), np.uint8)
    crop = rgb[top:bottom, left:right]
    beyond = (top - y, y + side - bottom, left - x, x + side - right)
    if any(beyond):
        crop = np.asarray(cv2.copyMakeBorder(crop, *beyond, cv2.BORDER_REPLICATE), np.uint8)
    small, _ = halved(crop, cell)
    return np.asarray(cv2.resize(small, (cell, cell), interpolation=cv2.INTER_LINEAR), np.uint8)


def _nearest(box_px: Float32, score: Float32, expected_px: Float32) -> int | None:
    """Of the faces in a cell the one that is expected there: near, and of about the size; else none."""
    if not len(box_px):
        return None
    size = float(expected_px[2:].max())
    change = box_px[:, 2:].max(axis=1) / size
    off = np.linalg.norm(centers(box_px) - centers(expected_px[None]), axis=1) / size
    fits = (change < SIZE_CHANGE) & (change > 1 / SIZE_CHANGE)
    if not fits.any():
        return None
    return int(np.argmax(np.where(fits, score - 0.5 * off, -np.inf)))
