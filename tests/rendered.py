"""Heads and eyes of known geometry: a portrait's own mesh, turned in space and painted anew."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay
from scipy.spatial.transform import Rotation

from emorec.types import Landmarks
from tests.portraits import Portrait, detection

Picture = NDArray[np.uint8]


def turned(portrait: Portrait, landmarks: Landmarks, yaw: float = 0, pitch: float = 0, roll: float = 0) -> Portrait:
    """The portrait's face turned in space by so many degrees from where it looks, seen from far away.

    Positive angles are those of the conventions: the face to the picture's right, up, the head's top to the right. The
    picture is painted triangle by triangle, the far ones first; around the face it stays as it was.
    """
    mesh = landmarks.mesh_px[0].astype(np.float64)
    middle = (mesh[234] + mesh[454]) / 2
    # x right, y down, z away: about z a positive turn is clockwise as seen; about x it lowers the face, which looks
    # along −z; about y it turns the face to the picture's left.
    turn = Rotation.from_euler("zxy", [roll, -pitch, -yaw], degrees=True)
    placed = turn.apply(mesh - middle) + middle
    triangles = Delaunay(mesh[:, :2]).simplices
    far_first = triangles[np.argsort(-placed[triangles, 2].mean(axis=1), kind="stable")]
    rgb = portrait.rgb.copy()
    for corners in far_first:
        _paint(portrait.rgb, rgb, mesh[corners, :2], placed[corners, :2])
    low, high = placed[:, :2].min(axis=0), placed[:, :2].max(axis=0)
    eyes = [placed[[33, 133], :2].mean(axis=0), placed[[362, 263], :2].mean(axis=0)]
    return Portrait(rgb, detection([*low, *(high - low)], [*eyes, *[placed[1, :2]] * 4]))


def _paint(source: Picture, target: Picture, before: NDArray[np.float64], after: NDArray[np.float64]) -> None:
    """Paint one triangle of the source where it lies now."""
    left, top = np.floor(after.min(axis=0)).astype(int)
    right, bottom = np.ceil(after.max(axis=0)).astype(int) + 1
    matrix = cv2.getAffineTransform(before.astype(np.float32), (after - (left, top)).astype(np.float32))
    patch = cv2.warpAffine(source, matrix, (right - left, bottom - top), borderMode=cv2.BORDER_REPLICATE)
    mask = np.zeros(patch.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, np.round(after - (left, top)).astype(np.int32), 1)
    part = target[top:bottom, left:right]
    part[mask > 0] = patch[mask > 0]


def looking(portrait: Portrait, landmarks: Landmarks, right: float = 0, up: float = 0) -> Picture:
    """The picture with painted eyes whose irises are off the middle by so many widths of the iris."""
    rgb = portrait.rgb.copy()
    for lids, iris in zip(landmarks.lids_px[0], landmarks.iris_px[0], strict=True):
        outline = np.concatenate([lids[:9], lids[15:8:-1]])
        radius = float(np.linalg.norm(iris[1:] - iris[0], axis=1).mean())
        eye = np.full_like(rgb, (225, 215, 210))
        middle = (lids[0] + lids[8]) / 2 + np.array([right, -up]) * 2 * radius
        middle[1] += float(iris[0, 1] - (lids[0] + lids[8])[1] / 2)
        center = (round(float(middle[0]) * 16), round(float(middle[1]) * 16))
        cv2.circle(eye, center, round(radius * 16), (70, 50, 40), -1, cv2.LINE_AA, 4)
        cv2.circle(eye, center, round(radius * 7), (15, 10, 10), -1, cv2.LINE_AA, 4)
        mask = np.zeros(rgb.shape[:2], np.uint8)
        cv2.fillPoly(mask, [np.round(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        soft = cv2.GaussianBlur(mask, (0, 0), 0.08 * radius + 0.5)[..., None] / 255
        rgb = np.asarray(soft * eye + (1 - soft) * rgb, np.uint8)
    return rgb
