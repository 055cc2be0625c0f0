"""What changed between two samples: how much of the picture, whether it was cut, and where something was replaced."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from emorec.faces.halves import halved
from emorec.types import Bool, Float32, UInt8

__all__ = ["Change", "ChangeMeter", "motion_in_and_around", "unchanged"]

# Changes are measured on a small grey picture, in blocks of its pixels.
SMALL_WIDTH_PX = 320
BLOCK_PX = 8
# Grey levels (of 255) by which a pixel, or a block on average, must differ: above what compression does.
CHANGED_LEVELS = 12.0
# A block with less deviation has no texture by which to tell a new picture from the old one.
TEXTURE_LEVELS = 5.0
# Below this correlation a block that changed shows something else, not the same thing in another light.
SAME_CORRELATION = 0.5
# Shares of textured blocks replaced, and of pixels changed, at a cut. In composed calls (4 to 49 people) changes of
# view reach .66 to .93; people moving stay below .25 but for single large faces.
CUT_REPLACED = 0.6
CUT_CHANGED = 0.35
# A camera that pans is no cut. It is looked for where this share of textured blocks was replaced; moved back, at most
# half of them still are.
PAN_FROM, PAN_LEFT = 0.3, 0.5
# The same pixels, but for noise of a re-encoded still picture: mean and largest difference in grey levels.
STILL_MEAN, STILL_MAX = 0.3, 12
RING = 1.8
"""The ring around a face reaches to this multiple of its box."""


@dataclass(frozen=True)
class Change:
    """One sample against the one before.

    ``share``: of pixels that changed, 0–1; ``cut``: another scene or layout; ``moved``, ``replaced`` [rows, columns]:
    blocks that changed, and that show something else; ``textured``: blocks that show something now or did before;
    ``shift_px``: how far a panning camera moved the picture, px of the full picture; ``block_px``: a block's extent.
    """

    share: float
    cut: bool
    moved: Bool
    replaced: Bool
    textured: Bool
    shift_px: tuple[float, float]
    block_px: tuple[float, float]

    def blocks_of(self, box_px: Float32) -> tuple[slice, slice]:
        """The rows and columns of blocks that a box [4] touches."""
        width, height = self.block_px
        rows, columns = self.moved.shape
        x, y, w, h = (float(v) for v in box_px)
        left, right = (min(max(int(v), 0), columns) for v in (x // width, -(-(x + w) // width)))
        top, bottom = (min(max(int(v), 0), rows) for v in (y // height, -(-(y + h) // height)))
        return slice(top, bottom), slice(left, right)

    def replaced_share(self, box_px: Float32) -> float:
        """Share of the textured blocks in a box [4] that show something else than before, 0–1."""
        rows, columns = self.blocks_of(box_px)
        textured = self.textured[rows, columns]
        if not textured.any():
            return 0.0
        return float(self.replaced[rows, columns][textured].mean())

    def areas_outside(self, boxes_px: Float32) -> tuple[Float32, Float32]:
        """Connected areas that were replaced and lie outside the given boxes [n, 4].

        Returns:
            Their bounding boxes [m, 4] px, and the share of the picture that each fills, 0–1.
        """
        free = self.replaced.copy()
        for box in boxes_px:
            free[self.blocks_of(box)] = False
        # Closed, so that a face with flat cheeks is one area.
        closed = cv2.morphologyEx(free.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
        _, _, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
        found = stats[1:][stats[1:, cv2.CC_STAT_AREA] >= 2].astype(np.float32)
        width, height = self.block_px
        box = found[:, :4] * np.array([width, height, width, height], np.float32)
        return box.astype(np.float32), (found[:, 4] / self.replaced.size).astype(np.float32)


class ChangeMeter:
    """Compares each sample with the one before; the first one counts as a cut."""

    def __init__(self) -> None:
        self._before: Float32 | None = None

    def measure(self, rgb: UInt8, *, may_pan: bool = True) -> Change:
        """What changed since the last call.

        Args:
            rgb: [H, W, 3] uint8, always of one size.
            may_pan: whether a camera may have moved the whole picture; tiles that moved look like that too.
        """
        height, width = rgb.shape[:2]
        small_height = max(BLOCK_PX, round(SMALL_WIDTH_PX * height / width / BLOCK_PX) * BLOCK_PX)
        small = cv2.resize(halved(rgb, SMALL_WIDTH_PX)[0], (SMALL_WIDTH_PX, small_height))
        now = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
        before, self._before = self._before, now
        block_px = (width * BLOCK_PX / SMALL_WIDTH_PX, height * BLOCK_PX / small_height)
        if before is None:
            everywhere = np.ones((small_height // BLOCK_PX, SMALL_WIDTH_PX // BLOCK_PX), bool)
            return Change(1.0, True, everywhere, everywhere, everywhere, (0.0, 0.0), block_px)
        share = float((np.abs(now - before) > CHANGED_LEVELS).mean())
        moved, replaced, textured = _compare_blocks(before, now)
        cut, shift = False, (0.0, 0.0)
        of_textured = _share(replaced, textured)
        if of_textured >= PAN_FROM:
            shift = _pan(before, now, of_textured) if may_pan else shift
            cut = shift == (0.0, 0.0) and share >= CUT_CHANGED and of_textured >= CUT_REPLACED
        scale = width / SMALL_WIDTH_PX
        return Change(share, cut, moved, replaced, textured, (shift[0] * scale, shift[1] * scale), block_px)


def motion_in_and_around(before: UInt8, now: UInt8, box_px: Float32) -> tuple[float, float]:
    """Mean absolute change of grey level (0–1) inside a face's box [4], and in the ring around it.

    ``before``, ``now``: pictures [H, W, 3]; every second pixel is looked at. NaN where the picture has no such pixel.
    """
    x, y, w, h = (float(v) for v in box_px)
    outer = _slices(np.array([x + w / 2 - RING * w / 2, y + h / 2 - RING * h / 2, RING * w, RING * h]), now)
    inner = _slices(box_px, now)
    step = 2
    difference = cv2.absdiff(
        np.ascontiguousarray(before[outer][::step, ::step, 1]), np.ascontiguousarray(now[outer][::step, ::step, 1])
    )
    if difference is None or not difference.size:
        return float("nan"), float("nan")
    top, left = (inner[0].start - outer[0].start) // step, (inner[1].start - outer[1].start) // step
    rows, columns = (inner[0].stop - inner[0].start) // step, (inner[1].stop - inner[1].start) // step
    inside = difference[top : top + rows, left : left + columns]
    total, of_inside = float(difference.sum()), float(inside.sum())
    around = (total - of_inside) / max(1, difference.size - inside.size)
    return of_inside / max(1, inside.size) / 255, around / 255


def unchanged(before: UInt8, now: UInt8, box_px: Float32) -> bool:
    """Whether the pixels of a box [4] are the same in two pictures [H, W, 3], but for the noise of a still picture."""
    where = _slices(box_px, now)
    if not now[where].size:
        return False
    # Most faces move: every eighth line shows it.
    few = slice(where[0].start, where[0].stop, 8), where[1]
    if cv2.absdiff(np.ascontiguousarray(before[few]), np.ascontiguousarray(now[few])).max() > STILL_MAX:
        return False
    difference = cv2.absdiff(np.ascontiguousarray(before[where]), np.ascontiguousarray(now[where]))
    return bool(difference.max() <= STILL_MAX and difference.mean() <= STILL_MEAN)


def _compare_blocks(before: Float32, now: Float32) -> tuple[Bool, Bool, Bool]:
    """Per block: whether it changed, shows something else, and is textured in either picture."""
    a, b = _blocks(before), _blocks(now)
    moved = np.abs(a - b).mean(axis=2) > CHANGED_LEVELS
    deviation_a, deviation_b = a.std(axis=2), b.std(axis=2)
    common = ((a - a.mean(axis=2, keepdims=True)) * (b - b.mean(axis=2, keepdims=True))).mean(axis=2)
    floor = (TEXTURE_LEVELS / 2) ** 2
    correlation = common / np.maximum(deviation_a * deviation_b, floor)
    textured = np.maximum(deviation_a, deviation_b) > TEXTURE_LEVELS
    return moved, moved & (correlation < SAME_CORRELATION), textured


def _blocks(picture: Float32) -> Float32:
    rows, columns = picture.shape[0] // BLOCK_PX, picture.shape[1] // BLOCK_PX
    split = picture.reshape(rows, BLOCK_PX, columns, BLOCK_PX).transpose(0, 2, 1, 3)
    return split.reshape(rows, columns, BLOCK_PX * BLOCK_PX)


def _share(replaced: Bool, textured: Bool) -> float:
    return float(replaced[textured].mean()) if textured.any() else 0.0


def _pan(before: Float32, now: Float32, replaced_share: float) -> tuple[float, float]:
    """How far the whole picture moved, in px of the small picture; (0, 0) where that does not explain the change."""
    window = cv2.createHanningWindow((now.shape[1], now.shape[0]), cv2.CV_32F)
    (dx, dy), _ = cv2.phaseCorrelate(before, now, window)
    if abs(dx) + abs(dy) < 1:
        return 0.0, 0.0
    matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float64)
    back = cv2.warpAffine(before, matrix, (now.shape[1], now.shape[0]), borderMode=cv2.BORDER_REPLICATE)
    _, replaced, textured = _compare_blocks(np.asarray(back, np.float32), now)
    return (float(dx), float(dy)) if _share(replaced, textured) <= PAN_LEFT * replaced_share else (0.0, 0.0)


def _slices(box_px: Float32, rgb: UInt8) -> tuple[slice, slice]:
    """A box [4] as row and column slices of a picture."""
    height, width = rgb.shape[:2]
    x, y, w, h = (float(v) for v in box_px)
    left, right = (min(max(int(v), 0), width) for v in (x, x + w))
    top, bottom = (min(max(int(v), 0), height) for v in (y, y + h))
    return slice(top, max(top, bottom)), slice(left, max(left, right))
