"""How well a face can be read."""

from __future__ import annotations

import cv2
import numpy as np

from emorec.types import Float32, UInt8

__all__ = ["face_quality"]

# Width from which more pixels tell landmarks and emotions nothing more (the emotion model sees 48 px).
FULL_SIZE_PX = 64.0
# Deviation of the Laplacian over that of the grey levels, in a 48 px crop that is sharp (faces of 60 px and more in
# composed calls: median 0.6; the same blurred over 3 px: 0.25).
SHARP_RATIO = 0.5
# Pose that counts where the mesh found no face: turned far away.
UNKNOWN_POSE = 0.3


def face_quality(width_px: Float32, crops: UInt8, yaw_deg: Float32, pitch_deg: Float32) -> Float32:
    """Quality 0–1 of n faces: the geometric mean of size, sharpness and frontality, each 0–1.

    Args:
        width_px: [n], widths of the boxes.
        crops: [n, side, side] uint8, grey, all of one size.
        yaw_deg, pitch_deg: [n], NaN where not measured.
    """
    size = np.clip(width_px / FULL_SIZE_PX, 0, 1)
    sharp = np.array([min(1.0, _sharpness(crop) / SHARP_RATIO) for crop in crops], np.float32)
    pose = np.cos(np.radians(np.clip(yaw_deg, -90, 90))) * np.cos(np.radians(np.clip(pitch_deg, -90, 90)))
    pose = np.where(np.isnan(pose), UNKNOWN_POSE, pose)
    return np.asarray(np.cbrt(size * sharp * pose), np.float32).reshape(len(width_px))


def _sharpness(crop: UInt8) -> float:
    deviation = float(crop.std())
    if deviation < 1:
        return 0.0
    return float(cv2.Laplacian(crop, cv2.CV_32F).std()) / (4 * deviation)
