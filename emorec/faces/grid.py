"""Tiles of one size in rows: from those that were found, the places of those that were not.

A dark picture, or a camera that is off, can have the gutter's colour along an edge, so that its tile is cut short or
in two; its neighbours say where it must be.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emorec.types import Bool

__all__ = ["complete_grid", "is_filled", "same_sizes", "stands_alone"]

Boxes = NDArray[np.int_]

# Tiles of a grid differ in size by less than this share.
SAME_SIZE = 0.06
# So many tiles of one size make a grid.
MIN_REGULAR = 3
# Gutters are thinner than this share of a tile.
MAX_GAP = 0.35
# The gutter around a tile is gutter over this share of each side's length, and the tile itself is not.
RING_SHARE, FILLED_SHARE = 0.6, 0.15
# How far outside a tile its gutter is looked for, px.
RING_PX = 2


def complete_grid(tiles: Boxes, gutter: Bool) -> Boxes:
    """Tiles [n, 4] px, and those that the grid of the regular ones implies; irregular pieces of these are left out.

    Args:
        tiles: found so far, in the picture that ``gutter`` [H, W] says the gutters of.
    """
    regular = _regular(tiles)
    if len(regular) < MIN_REGULAR:
        return tiles
    w, h = (int(v) for v in np.median(regular[:, 2:], axis=0))
    gap_x, gap_y = _gaps(regular, w, h)
    possible: list[tuple[int, int, int, int]] = []
    for y in _row_starts(regular, h, gap_y, gutter.shape[0]):
        for x in _column_starts(regular, y, w, h, gap_x, gutter.shape[1]):
            box = (x, y, w, h)
            if not _overlaps(box, [*regular.tolist(), *possible]) and stands_alone(gutter, np.array(box)):
                possible.append(box)
    implied = _connected(possible, regular, w + gap_x, h + gap_y)
    kept = [tile for tile in tiles.tolist() if not _overlaps(tile, implied)]
    return np.array(kept + implied, int).reshape(-1, 4)


def stands_alone(gutter: Bool, box: Boxes) -> bool:
    """Whether a box [4] has gutter on all sides of it (or the picture's end), and is not gutter itself."""
    height, width = gutter.shape
    x, y, w, h = (int(v) for v in box)
    if x < 0 or y < 0 or x + w > width or y + h > height or w <= 0 or h <= 0:
        return False
    if not is_filled(gutter, box):
        return False
    sides = (
        gutter[max(0, y - RING_PX - 1) : max(0, y - 1), x : x + w],
        gutter[y + h + 1 : y + h + 1 + RING_PX, x : x + w],
        gutter[y : y + h, max(0, x - RING_PX - 1) : max(0, x - 1)],
        gutter[y : y + h, x + w + 1 : x + w + 1 + RING_PX],
    )
    return all(not side.size or np.count_nonzero(side) / side.size >= RING_SHARE for side in sides)


def is_filled(gutter: Bool, box: Boxes) -> bool:
    """Whether a box [4] is not gutter itself."""
    x, y, w, h = (max(0, int(v)) for v in box)
    inside = gutter[y : y + h, x : x + w]
    return bool(inside.size and 1 - np.count_nonzero(inside) / inside.size >= FILLED_SHARE)


def _regular(tiles: Boxes) -> Boxes:
    """The largest group of tiles of one size."""
    if not len(tiles):
        return tiles
    alike = same_sizes(tiles)
    return np.asarray(tiles[alike[alike.sum(axis=1).argmax()]])


def same_sizes(tiles: Boxes) -> Bool:
    """Which tiles [n, 4] are of one size, [n, n]."""
    size = tiles[:, 2:].astype(float)
    return np.asarray((np.abs(size[:, None] - size[None]) <= np.maximum(2, SAME_SIZE * size[None])).all(axis=2))


def _gaps(regular: Boxes, w: int, h: int) -> tuple[int, int]:
    """Widths of the gutters between neighbours, across and down; one stands in where the other has no neighbours."""
    x, y = regular[:, 0], regular[:, 1]
    same_row, same_column = np.abs(y[:, None] - y) < h // 4, np.abs(x[:, None] - x) < w // 4
    across, down = x[:, None] - x - w, y[:, None] - y - h
    gaps_x = across[same_row & (across > 0) & (across < MAX_GAP * w)]
    gaps_y = down[(down > 0) & (down < MAX_GAP * h) & (same_column | (np.abs(x[:, None] - x) < w))]
    gap_x = int(np.median(gaps_x)) if gaps_x.size else None
    gap_y = int(np.median(gaps_y)) if gaps_y.size else None
    return gap_x if gap_x is not None else gap_y or 0, gap_y if gap_y is not None else gap_x or 0


def _row_starts(regular: Boxes, h: int, gap: int, height: int) -> list[int]:
    """Where rows of tiles begin: those with tiles, and those at whole steps from them."""
    rows: list[int] = []
    for y in sorted(regular[:, 1].tolist()):
        if not rows or y - rows[-1] > h // 4:
            rows.append(y)
    first, step = rows[0], h + gap
    for k in range(-(first // step), (height - first) // step + 1):
        y = first + k * step
        if 0 <= y <= height - h and all(abs(y - row) > h // 4 for row in rows):
            rows.append(y)
    return rows


def _column_starts(regular: Boxes, y: int, w: int, h: int, gap: int, width: int) -> list[int]:
    """Where tiles of a row begin: at whole steps from one of its own; without one, from any, or half a step beside."""
    step = w + gap
    own = regular[np.abs(regular[:, 1] - y) <= h // 4, 0]
    anchors = [int(own[0])] if len(own) else [int(regular[0, 0]), int(regular[0, 0]) + step // 2]
    return [x for anchor in anchors for x in range(anchor % step, width - w + 1, step)]


def _connected(
    possible: list[tuple[int, int, int, int]], regular: Boxes, step_x: int, step_y: int
) -> list[tuple[int, int, int, int]]:
    """The boxes that are, from one to the next, neighbours of a regular tile: text far off may fit the grid too."""
    implied: list[tuple[int, int, int, int]] = []
    grown = True
    while grown:
        known = np.concatenate([regular, np.array(implied, int).reshape(-1, 4)])
        grown = False
        for box in [box for box in possible if box not in implied]:
            off = np.abs(known[:, :2] - box[:2])
            if ((off[:, 0] <= 1.1 * step_x) & (off[:, 1] <= 1.1 * step_y)).any():
                implied.append(box)
                grown = True
    return implied


def _overlaps(box: tuple[int, int, int, int], others: list[tuple[int, int, int, int]]) -> bool:
    """Whether a tenth of a box lies in one of the others."""
    x, y, w, h = box
    for ox, oy, ow, oh in others:
        across, down = min(x + w, ox + ow) - max(x, ox), min(y + h, oy + oh) - max(y, oy)
        if across > 0 and down > 0 and across * down > 0.1 * min(w * h, ow * oh):
            return True
    return False
