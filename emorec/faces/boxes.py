"""Geometry of boxes x, y, w, h in pixels; arrays [n, 4]."""

from __future__ import annotations

import numpy as np

from emorec.types import Bool, Float32

__all__ = ["centers", "contains", "grown", "intersections", "iou", "overlap_of_smaller"]


def centers(box_px: Float32) -> Float32:
    """The middle of each box, [n, 2]."""
    return (box_px[:, :2] + box_px[:, 2:] / 2).astype(np.float32)


def grown(box_px: Float32, factor: float) -> Float32:
    """The boxes with their sides multiplied, around the same middles."""
    side = box_px[:, 2:] * factor
    return np.concatenate([centers(box_px) - side / 2, side], axis=1).astype(np.float32)


def intersections(a_px: Float32, b_px: Float32) -> Float32:
    """Common area of each box of a [n, 4] and each of b [m, 4], in px², [n, m]."""
    low = np.maximum(a_px[:, None, :2], b_px[None, :, :2])
    high = np.minimum(a_px[:, None, :2] + a_px[:, None, 2:], b_px[None, :, :2] + b_px[None, :, 2:])
    extent = np.clip(high - low, 0, None)
    return np.asarray(extent[..., 0] * extent[..., 1], np.float32)


def iou(a_px: Float32, b_px: Float32) -> Float32:
    """Intersection over union of each box of a [n, 4] and each of b [m, 4], 0–1, [n, m]."""
    common = intersections(a_px, b_px)
    union = (a_px[:, 2] * a_px[:, 3])[:, None] + (b_px[:, 2] * b_px[:, 3])[None] - common
    return np.asarray(common / np.maximum(union, 1e-6), np.float32)


def overlap_of_smaller(a_px: Float32, b_px: Float32) -> Float32:
    """Intersection over the smaller area of each box of a [n, 4] and each of b [m, 4], 0–1, [n, m]."""
    smaller = np.minimum((a_px[:, 2] * a_px[:, 3])[:, None], (b_px[:, 2] * b_px[:, 3])[None])
    return np.asarray(intersections(a_px, b_px) / np.maximum(smaller, 1e-6), np.float32)


def contains(box_px: Float32, points_px: Float32) -> Bool:
    """Whether each box [n, 4] contains each point [m, 2], as [n, m]."""
    offset = points_px[None] - box_px[:, None, :2]
    return np.asarray(((offset >= 0) & (offset < box_px[:, None, 2:])).all(axis=2))
