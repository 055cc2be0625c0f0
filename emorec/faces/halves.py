"""Smaller pictures by exact halves: OpenCV's area reduction is twenty times slower by any other factor."""

from __future__ import annotations

import cv2
import numpy as np

from emorec.types import UInt8

__all__ = ["halved"]


def halved(picture: UInt8, least_px: int) -> tuple[UInt8, int]:
    """A picture [H, W, 3] halved, by the mean of 2 × 2 pixels, as often as its longer side stays ``least_px`` or more.

    Returns:
        The smaller picture, and by what factor it is smaller; an odd row or column at the end is left out.
    """
    factor = 1
    while max(picture.shape[:2]) >= 2 * least_px and min(picture.shape[:2]) >= 2:
        height, width = picture.shape[0] // 2, picture.shape[1] // 2
        even = picture[: 2 * height, : 2 * width]
        picture = np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        factor *= 2
    return picture, factor
