"""The tiles of a video call: rectangles between gutters of one colour, as galleries, strips and shares lay them out."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from emorec.faces.boxes import centers, contains, iou, overlap_of_smaller
from emorec.faces.change import Change
from emorec.faces.grid import complete_grid, is_filled, same_sizes, stands_alone
from emorec.faces.halves import halved
from emorec.types import Bool, Float32, Int32, Int64, UInt8

__all__ = [
    "SAME_TILE_IOU",
    "Layout",
    "TileFinder",
    "find_tiles",
    "in_reading_order",
    "still_tiles",
    "tile_of",
    "tile_signatures",
]

# Layouts are looked for in a picture of this width up to its double: gutters of 8 px in 1080 lines are 4 px there.
WORK_WIDTH_PX = 800
# The gutters' colour fills at least this share of the picture's border.
BORDER_SHARE = 0.5
# A pixel is gutter within so many levels of its colour in each channel. Some apps' empty tiles differ by 10 only, but
# strong compression (CRF 33) leaves gutters that noisy: what shows most of the picture in tiles of a grid is right.
GUTTER_LEVELS = (7, 11, 16, 22)
# What a tile without another one of its size counts, against one of a grid: two tiles that were not told apart are one
# of another size.
ODD_TILE = 0.5
# A line of pixels is gutter if this share of it is; the rest is ringing at the corners of tiles.
GUTTER_SHARE = 0.92
# The thinnest gutter, px of the working picture: thinner lines are inside pictures.
GUTTER_PX = 2
# A tile is at least so wide and so high, as shares of the picture, and of a shape that apps use.
MIN_WIDTH, MIN_HEIGHT = 0.05, 0.05
MIN_ASPECT, MAX_ASPECT = 0.5, 2.6
# Edges of a tile are picture over so much of their length, two at least and all on average, though dark hair or
# clothes may look like gutter: a block of text is more ragged.
SOLID_SHARE, MEAN_SOLID_SHARE = 0.7, 0.55
# Fewer tiles, or less of the picture in them, is no call: a webcam, a slide with pictures.
MIN_TILES, MIN_COVERAGE = 2, 0.2
# A strip beside a shared page of the gutters' colour fills less; so many tiles of one size with a face in one tell.
STRIP_TILES, STRIP_COVERAGE = 3, 0.04
# Faces of a call lie in its tiles; some may be false.
FACES_IN_TILES = 0.8
# Tiles that overlap so much are one, before and after.
SAME_TILE_IOU = 0.8
# Layouts are looked for anew where this share of the picture's blocks was replaced at once.
LAYOUT_CHANGE = 0.02
# Of the tiles in force this share must still stand for them to stay in force, but for those that went.
STANDING_SHARE = 0.7
# Tiles that overlap by more of the smaller contradict each other.
ASIDE_OVERLAP = 0.1
# A tile of which this share was replaced may have gone.
TILE_REPLACED = 0.6
# A tile with a dark picture is often seen in one of the next samples only.
LOOKS_AFTER_CHANGE = 3


@dataclass(frozen=True)
class Layout:
    """Tiles from a sample on: ``number`` of the layout (−1: no tiles), ``tile`` numbers [n], ``box_px`` [n, 4]."""

    number: int
    tile: Int32
    box_px: Float32


class TileFinder:
    """Keeps the layout in force during a chunk; looks for another one where enough of the picture was replaced."""

    def __init__(self) -> None:
        self.layout = Layout(-1, np.zeros(0, np.int32), np.zeros((0, 4), np.float32))
        self._layouts = 0
        self._tiles = 0
        self._looks_left = 0
        self._outside = True

    def may_change(self, change: Change) -> bool:
        """Whether the tiles may be others now: right after a new layout, or where something was replaced."""
        tiles = self.layout.box_px
        if not len(tiles):
            return self._looks_left > 0 or float(change.replaced.mean()) >= LAYOUT_CHANGE
        self._outside = float(change.areas_outside(tiles)[1].sum()) >= LAYOUT_CHANGE / 2
        return (
            self._looks_left > 0
            or self._outside
            or change.cut
            or any(change.replaced_share(tile) >= TILE_REPLACED for tile in tiles)
        )

    def update(self, rgb: UInt8, face_boxes_px: Float32, *, cut: bool) -> tuple[bool, bool]:
        """Look for tiles in a picture with faces [n, 4].

        ``cut``: whether the picture is another one as a whole; if not, tiles whose borders still stand are kept, and a
        dark picture in one of them does not make another layout.

        Returns:
            Whether the layout is another one than before, and whether tiles moved or went, not only came.
        """
        self._looks_left -= 1
        before = self.layout.box_px
        stands, filled = still_tiles(rgb, before) if len(before) else (np.zeros(0, bool), np.zeros(0, bool))
        if len(before) and not cut and stands.all() and self._looks_left < 0 and not self._outside:
            return False, False
        boxes = find_tiles(rgb, face_boxes_px)
        if len(before) and not cut:
            stands |= (iou(before, boxes) >= SAME_TILE_IOU).any(axis=1)
            if stands.mean() >= STANDING_SHARE:
                # One dark tile that cannot be told from the gutters does not undo a layout.
                contradicted = (overlap_of_smaller(before, boxes) > ASIDE_OVERLAP).any(axis=1)
                kept = before[stands | (filled & ~contradicted)]
                others = boxes[~(overlap_of_smaller(boxes, kept) > ASIDE_OVERLAP).any(axis=1)]
                went = len(kept) < len(before)
                if went or len(others):
                    self._set(in_reading_order(np.concatenate([kept, others])))
                return went or len(others) > 0, went
        if not len(boxes) and not len(before):
            return False, False
        if len(boxes) == len(before) and (iou(boxes, before).max(axis=1) >= SAME_TILE_IOU).all():
            return False, False
        self._set(boxes)
        return True, True

    def _set(self, boxes_px: Float32) -> None:
        self._looks_left = LOOKS_AFTER_CHANGE
        if not len(boxes_px):
            self.layout = Layout(-1, np.zeros(0, np.int32), boxes_px)
            return
        tiles = np.arange(self._tiles, self._tiles + len(boxes_px), dtype=np.int32)
        self.layout = Layout(self._layouts, tiles, boxes_px)
        self._tiles += len(boxes_px)
        self._layouts += 1


def still_tiles(rgb: UInt8, boxes_px: Float32) -> tuple[Bool, Bool]:
    """Which tiles [n] of another picture still stand in this one, gutter around them; and which are not only gutter."""
    small, scale = _work_picture(rgb)
    colour = _border_colour(small)
    if colour is None:
        nowhere = np.zeros(len(boxes_px), bool)
        return nowhere, nowhere.copy()
    gutter = _distance(small, colour) <= GUTTER_LEVELS[-1]
    boxes = np.round(boxes_px * scale).astype(int)
    stands = np.array([stands_alone(gutter, box) for box in boxes], bool)
    return stands, np.array([is_filled(gutter, box) for box in boxes], bool)


def in_reading_order(boxes_px: Float32) -> Float32:
    """The boxes [n, 4] by rows, then from left to right."""
    if not len(boxes_px):
        return boxes_px
    height = max(1.0, float(np.median(boxes_px[:, 3])) / 2)
    return boxes_px[np.lexsort((boxes_px[:, 0], np.round(boxes_px[:, 1] / height)))]


def find_tiles(rgb: UInt8, face_boxes_px: Float32) -> Float32:
    """The tiles of a picture of a video call, boxes [n, 4] px in reading order; none where it does not look like one.

    Args:
        rgb: [H, W, 3] uint8.
        face_boxes_px: [m, 4], the faces in it; a layout that leaves them outside its tiles is none.
    """
    none = np.zeros((0, 4), np.float32)
    small, scale = _work_picture(rgb)
    colour = _border_colour(small)
    if colour is None:
        return none
    leaves, best, middles = np.zeros((0, 4), int), 0.0, centers(face_boxes_px)
    distance = _distance(small, colour)
    widest, narrowest = (_leaves(distance <= levels, 0, 0) for levels in (GUTTER_LEVELS[-1], GUTTER_LEVELS[0]))
    if len(widest) == 1 and widest == narrowest:
        # One picture within both, and so within all between: what is gutter within fewer levels is so within more.
        return none
    for levels in GUTTER_LEVELS:
        gutter = distance <= levels
        found = [leaf for leaf in _leaves(gutter, 0, 0) if _is_tile(gutter, leaf)]
        tiles = complete_grid(np.array(found, int).reshape(-1, 4), gutter)
        area, alike = tiles[:, 2] * tiles[:, 3], same_sizes(tiles).sum(axis=1)
        is_strip = alike.max(initial=0) >= STRIP_TILES and contains((tiles / scale).astype(np.float32), middles).any()
        least = (STRIP_COVERAGE if is_strip else MIN_COVERAGE) * small.shape[0] * small.shape[1]
        if len(tiles) < MIN_TILES or area.sum() <= least:
            continue
        worth = float((area * np.where(alike > 1, 1, ODD_TILE)).sum())
        if worth > 1.02 * best:
            leaves, best = tiles, worth
    boxes = np.asarray(leaves / scale, np.float32)
    inside = np.asarray(contains(boxes, middles).any(axis=0))
    if len(inside) and inside.mean() < FACES_IN_TILES:
        return none
    return in_reading_order(boxes)


def tile_of(layout: Layout, box_px: Float32) -> Int32:
    """The tile number of each face [n]; −1 outside tiles."""
    inside = contains(layout.box_px, centers(box_px))
    if not len(layout.tile):
        return np.full(len(box_px), -1, np.int32)
    return np.where(inside.any(axis=0), layout.tile[inside.argmax(axis=0)], -1).astype(np.int32)


def tile_signatures(rgb: UInt8, boxes_px: Float32) -> Int64:
    """A hash of 63 bits per tile [n]: what an empty tile shows (a name, a picture) is told from another one by it.

    The upper 15 bits are the mean colour (five bits a channel); the lower 48 say where, in two lines of 24 steps across
    the tile's middle, it gets brighter. Compare by the number of bits that differ.
    """
    return np.array([_signature(rgb, box) for box in boxes_px.astype(int)], np.int64).reshape(len(boxes_px))


def _signature(rgb: UInt8, box_px: Int64) -> int:
    x, y, w, h = (int(v) for v in box_px)
    tile = rgb[max(0, y) : y + h, max(0, x) : x + w]
    if not tile.size:
        return 0
    red, green, blue = (int(total / (tile.shape[0] * tile.shape[1])) >> 3 for total in cv2.sumElems(tile)[:3])
    middle = tile[tile.shape[0] * 2 // 5 : max(1, tile.shape[0] * 3 // 5) + 1, :, 1]
    lines = cv2.resize(middle, (25, 2), interpolation=cv2.INTER_AREA).astype(np.int16)
    bits = 0
    for brighter in (np.diff(lines, axis=1) > 1).ravel():
        bits = bits << 1 | int(brighter)
    return ((red << 10 | green << 5 | blue) << 48) | bits


def _work_picture(rgb: UInt8) -> tuple[UInt8, float]:
    """The picture reduced to a size that layouts are looked for in, and by how much."""
    small, factor = halved(rgb, WORK_WIDTH_PX)
    if factor == 1:
        # Halving evens out the noise of compression; so does this.
        small = np.asarray(cv2.blur(small, (3, 3)), np.uint8)
    return small, 1 / factor


def _distance(small: UInt8, colour: Float32) -> UInt8:
    """How far each pixel of a picture is from a colour, levels in the channel where it is farthest."""
    red, green, blue = cv2.split(cv2.absdiff(small, np.array([*np.floor(colour), 0.0])))
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)


def _border_colour(small: UInt8) -> Float32 | None:
    """The colour that most of the picture's border has; None where none prevails."""
    border = np.concatenate(
        [side.reshape(-1, 3) for side in (small[:2], small[-2:], small[:, :2], small[:, -2:])]
    ).astype(np.int32)
    keys = border // 8 @ np.array([1024, 32, 1])
    values, counts = np.unique(keys, return_counts=True)
    colour = np.median(border[keys == values[counts.argmax()]], axis=0)
    prevails = (np.abs(border - colour).max(axis=1) <= GUTTER_LEVELS[-1]).mean() >= BORDER_SHARE
    return colour.astype(np.float32) if prevails else None


def _leaves(gutter: Bool, left: int, top: int) -> list[tuple[int, int, int, int]]:
    """Rectangles x, y, w, h between gutters: cut along lines that are gutter from end to end, again and again."""
    for axis in (1, 0):
        lines = _share_of_lines(gutter, axis) >= GUTTER_SHARE
        runs = _runs(~lines)
        if not runs:
            return []
        if len(runs) > 1 or runs[0] != (0, len(lines)):
            parts: list[tuple[int, int, int, int]] = []
            for start, stop in runs:
                part = gutter[start:stop] if axis == 1 else gutter[:, start:stop]
                offset = (0, start) if axis == 1 else (start, 0)
                parts += _leaves(part, left + offset[0], top + offset[1])
            return parts
    return [(left, top, gutter.shape[1], gutter.shape[0])]


def _share_of_lines(gutter: Bool, axis: int) -> NDArray[np.float64]:
    """The mean along an axis; OpenCV counts a tenth as long as NumPy."""
    counts = cv2.reduce(gutter.view(np.uint8), axis, cv2.REDUCE_SUM, dtype=cv2.CV_32S)
    return np.asarray(counts.ravel() / gutter.shape[axis])


def _runs(inside: Bool) -> list[tuple[int, int]]:
    """Where lines of picture begin and end; gaps thinner than a gutter are picture, runs thinner than it are gutter."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(np.int8)))
    runs: list[tuple[int, int]] = []
    for start, stop in edges.reshape(-1, 2).tolist():
        if runs and start - runs[-1][1] < GUTTER_PX:
            runs[-1] = (runs[-1][0], stop)
        else:
            runs.append((start, stop))
    return [run for run in runs if run[1] - run[0] > GUTTER_PX]


def _is_tile(gutter: Bool, leaf: tuple[int, int, int, int]) -> bool:
    """Whether a rectangle has the size, the shape and the solid edges of a tile."""
    x, y, w, h = leaf
    if w < MIN_WIDTH * gutter.shape[1] or h < MIN_HEIGHT * gutter.shape[0] or not MIN_ASPECT <= w / h <= MAX_ASPECT:
        return False
    inside = gutter[y : y + h, x : x + w]
    edges = (inside[:3], inside[-3:], inside[:, :3], inside[:, -3:])
    solid = sorted((edge.size - np.count_nonzero(edge)) / edge.size for edge in edges)
    return bool(solid[2] >= SOLID_SHARE and sum(solid) / 4 >= MEAN_SOLID_SHARE)
