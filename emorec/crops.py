"""Squares cut out of a picture, turned and scaled, as the face networks want them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from emorec.types import Float64, UInt8

__all__ = ["Square", "cut_square"]

MAX_SHRINK = 2.0
"""Bilinear sampling looks at four pixels, so a stronger reduction aliases: the picture is reduced by area first."""


@dataclass(frozen=True, slots=True)
class Square:
    """A square of a picture: its centre and side in px (pixel [0, 0] covers 0–1), turned clockwise by ``angle_rad``."""

    center_px: tuple[float, float]
    side_px: float
    angle_rad: float = 0.0

    def to_picture(self, points: NDArray[np.floating]) -> Float64:
        """Points [..., 2] of the square, 0–1 from its own top left corner, as px of the picture."""
        cos, sin = np.cos(self.angle_rad), np.sin(self.angle_rad)
        turn = np.array([[cos, sin], [-sin, cos]]) * self.side_px
        return np.asarray((np.asarray(points, np.float64) - 0.5) @ turn + self.center_px)


def cut_square(rgb: UInt8, square: Square, side: int) -> UInt8:
    """The square of the picture [H, W, 3] as [side, side, 3]; outside, its border is repeated.

    Poses of faces at a picture's border come out a degree or two nearer to the truth so than with black.
    """
    picture, factor, left, top = _reduced(rgb, square, side)
    scale = square.side_px / factor / side
    cos, sin = np.cos(square.angle_rad) * scale, np.sin(square.angle_rad) * scale
    linear = np.array([[cos, -sin], [sin, cos]])
    center = (np.array(square.center_px) - (left, top)) / factor
    # A pixel's centre lies half a pixel inside it, in both pictures.
    offset = center - linear @ np.full(2, (side - 1) / 2) - 0.5
    matrix = np.column_stack([linear, offset])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(picture, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE))


def _reduced(rgb: UInt8, square: Square, side: int) -> tuple[UInt8, int, int, int]:
    """The picture itself, or its part around the square reduced by a whole factor; the factor; the part's corner."""
    factor = int(square.side_px / side / MAX_SHRINK) + 1
    if factor == 1:
        return rgb, 1, 0, 0
    reach = square.side_px * np.sqrt(0.5) + factor
    height, width = rgb.shape[:2]
    left, right = (int(np.clip(square.center_px[0] + d, 0, width)) for d in (-reach, reach))
    top, bottom = (int(np.clip(square.center_px[1] + d, 0, height)) for d in (-reach, reach))
    # Whole blocks only, so that the reduced pixels lie where the factor says.
    right, bottom = right - (right - left) % factor, bottom - (bottom - top) % factor
    if right <= left or bottom <= top:
        return np.zeros((1, 1, 3), np.uint8), factor, left, top
    part = rgb[top:bottom, left:right]
    size = ((right - left) // factor, (bottom - top) // factor)
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8), factor, left, top
