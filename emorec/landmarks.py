"""Meshes and irises of faces: MediaPipe's landmark networks, run by LiteRT."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from emorec.crops import Square, cut_square
from emorec.errors import AssetError
from emorec.settings.landmarks import LandmarksSettings
from emorec.types import Bool, Detections, Float32, Float64, Landmarks, UInt8

__all__ = ["MESH_POINTS", "EyeMemory", "LandmarkReader", "box_from_mesh", "eye_centers"]

MESH_POINTS = 468
MESH_SIDE_PX = 192
MESH_SIDE_PER_BOX = 1.5
"""Side of the mesh's crop over the longer side of the detector's box, as in MediaPipe's face_landmark graph."""

IRIS_SIDE_PX = 64
IRIS_SIDE_PER_EYE = 2.3
"""Side of the iris network's crop over the distance of the eye's corners, as in MediaPipe's iris_landmark graph."""
LID_POINTS = 16
IRIS_POINTS = 5

EYE_CORNERS = ((33, 133), (362, 263))
"""Mesh points of the eyes' corners, from the picture's left to its right: the eye at its left, then at its right."""
_LEFT, _RIGHT = range(2)
EYE_BAND = (slice(22, 42), slice(16, 48))
"""Rows and columns of the iris network's crop between which lids and pupil lie: what tells whether an eye changed."""
EYE_CHANNEL = 1
LEAST_EYE_DEVIATION = 5.0
"""Of the band's grey levels, by which a change is measured at the least: what is flatter hardly shows an eye."""


class EyeMemory:
    """How the two eyes of one face looked when they were last read, and what was read.

    An eye that looks the same in its crop has the same lids and pupil there: they are put where the crop is now.
    """

    def __init__(self) -> None:
        self._read: list[tuple[UInt8, Float64] | None] = [None, None]

    def recall(self, eye: int, crop: UInt8, changed_from: float) -> Float64 | None:
        """What was read of an eye (0 or 1), 0–1 of its crop, if it looked like this crop [64, 64, 3]; else None.

        It is compared with the crop that was read, not with the last one that looked the same, so that slow changes
        add up. ``changed_from``: see ``LandmarksSettings.eyes_changed_from``.
        """
        read = self._read[eye]
        if read is None:
            return None
        before, points = read
        now = _eye_band(crop)
        change = float(cv2.absdiff(before, now).mean()) / max(float(now.std()), LEAST_EYE_DEVIATION)
        return points if change < changed_from else None

    def keep(self, eye: int, crop: UInt8, points: Float64) -> None:
        """Remember what was read of an eye in its crop [64, 64, 3]."""
        self._read[eye] = _eye_band(crop), points


def _eye_band(crop: UInt8) -> UInt8:
    return np.ascontiguousarray(crop[*EYE_BAND, EYE_CHANNEL])


class LandmarkReader:
    """Reads meshes and irises; the networks are loaded once. One instance per thread."""

    def __init__(self, mesh_path: Path, iris_path: Path, settings: LandmarksSettings | None = None) -> None:
        """Loads both networks.

        Raises:
            AssetError: a file is not there or cannot be loaded.
        """
        self._settings = settings or LandmarksSettings()
        self._mesh = _Network(mesh_path)
        self._iris = _Network(iris_path)

    def read(self, rgb: UInt8, detections: Detections, irises: Bool | None = None) -> Landmarks:
        """The landmarks of each detected face of a picture.

        Args:
            rgb: the picture [H, W, 3], uint8, as displayed.
            detections: n faces of it; the box, and the first two points (the eyes), are used.
            irises: [n], whose eyes to measure; by default those that :meth:`shows_eyes` says.

        Returns:
            Landmarks of n faces in px of the picture.
        """
        if irises is None:
            irises = self.shows_eyes(detections.box_px)
        return self.read_eyes(rgb, self.read_meshes(rgb, detections), irises)

    def shows_eyes(self, box_px: Float32) -> Bool:
        """Of which faces [n], by their boxes [n, 4], the eyes are large enough (``settings.iris_min_face_px``)."""
        return np.asarray(box_px[:, 2] >= self._settings.iris_min_face_px)

    def read_meshes(self, rgb: UInt8, detections: Detections) -> Landmarks:
        """The meshes of each detected face, without its eyes; arguments as of :meth:`read`."""
        n = len(detections)
        mesh_px = np.full((n, MESH_POINTS, 3), np.nan, np.float32)
        presence = np.zeros(n, np.float32)
        for i in range(n):
            square = _mesh_square(detections.box_px[i], detections.points_px[i])
            if square is not None:
                mesh_px[i], presence[i] = self._read_mesh(rgb, square)
        lids_px = np.full((n, 2, LID_POINTS, 2), np.nan, np.float32)
        iris_px = np.full((n, 2, IRIS_POINTS, 2), np.nan, np.float32)
        return Landmarks(mesh_px, presence, lids_px, iris_px)

    def read_eyes(
        self, rgb: UInt8, landmarks: Landmarks, wanted: Bool, memories: Sequence[EyeMemory] | None = None
    ) -> Landmarks:
        """The same landmarks of n faces with the eyes of those ``wanted`` [n]; a face without a mesh has none.

        ``memories`` [n]: of the same faces in the pictures before; eyes that look as they did are not read anew.
        """
        lids_px, iris_px = landmarks.lids_px.copy(), landmarks.iris_px.copy()
        for i in np.flatnonzero(wanted & np.isfinite(landmarks.mesh_px[:, 0, 0])).tolist():
            memory = None if memories is None else memories[i]
            for eye in (_LEFT, _RIGHT):
                lids_px[i, eye], iris_px[i, eye] = self._read_eye(rgb, landmarks.mesh_px[i], eye, memory)
        return Landmarks(landmarks.mesh_px, landmarks.presence, lids_px, iris_px)

    def _read_mesh(self, rgb: UInt8, square: Square) -> tuple[Float64, float]:
        """The mesh [468, 3] in px of the picture, and the probability that the square shows a face."""
        coordinates, logit = self._mesh(cut_square(rgb, square, MESH_SIDE_PX))
        points = coordinates.reshape(MESH_POINTS, 3).astype(np.float64) / MESH_SIDE_PX
        mesh = np.column_stack([square.to_picture(points[:, :2]), points[:, 2] * square.side_px])
        return mesh, float(1 / (1 + np.exp(-np.clip(logit.reshape(()), -50, 50))))

    def _read_eye(self, rgb: UInt8, mesh_px: Float32, eye: int, memory: EyeMemory | None) -> tuple[Float64, Float64]:
        """The lids' contour [16, 2] and the iris [5, 2] of one eye, in px of the picture."""
        first, second = mesh_px[EYE_CORNERS[eye], :2].astype(np.float64)
        along = second - first
        length = float(np.hypot(*along))
        if length < 1:
            return np.full((LID_POINTS, 2), np.nan), np.full((IRIS_POINTS, 2), np.nan)
        center = (first + second) / 2
        square = Square((center[0], center[1]), IRIS_SIDE_PER_EYE * length, float(np.arctan2(along[1], along[0])))
        crop = cut_square(rgb, square, IRIS_SIDE_PX)
        points = None if memory is None else memory.recall(eye, crop, self._settings.eyes_changed_from)
        if points is None:
            points = self._read_eye_crop(crop, eye)
            if memory is not None:
                memory.keep(eye, crop, points)
        picture = square.to_picture(points)
        return picture[:LID_POINTS], picture[LID_POINTS:]

    def _read_eye_crop(self, crop: UInt8, eye: int) -> Float64:
        """The lids' contour and the iris [16 + 5, 2] of an eye, 0–1 of its crop [64, 64, 3].

        The network knows one of the two eyes; the other one is mirrored, so that contours run from the outer corner.
        """
        contour, iris = self._iris(crop[:, ::-1] if eye == _RIGHT else crop)
        points = np.concatenate([contour.reshape(-1, 3)[:LID_POINTS, :2], iris.reshape(-1, 3)[:, :2]]) / IRIS_SIDE_PX
        return np.asarray(points * (-1, 1) + (1, 0) if eye == _RIGHT else points, np.float64)


def box_from_mesh(mesh_px: Float32) -> Float32:
    """Boxes [n, 4] that follow a face from sample to sample, from meshes [n, 468, 3]; NaN where the mesh is NaN.

    Placed and sized like the boxes of MediaPipe's detector (brows to chin), but steadier from sample to sample.
    """
    low, high = mesh_px[:, :, :2].min(axis=1), mesh_px[:, :, :2].max(axis=1)
    return np.concatenate([low, high - low], axis=1)


def eye_centers(mesh_px: Float32) -> Float32:
    """Centres [n, 2, 2] of the eyes at the picture's left and right, from meshes [n, 468, 3], in px."""
    corners = mesh_px[:, np.array(EYE_CORNERS), :2]
    return np.asarray(corners.mean(axis=2), np.float32)


def _mesh_square(box_px: Float32, points_px: Float32) -> Square | None:
    """The mesh's crop around a detected face, turned so that the eyes are level; None for a box of no size."""
    x, y, w, h = (float(v) for v in box_px)
    if not (w > 0 and h > 0):
        return None
    dx, dy = (float(v) for v in points_px[_RIGHT] - points_px[_LEFT])
    return Square((x + w / 2, y + h / 2), MESH_SIDE_PER_BOX * max(w, h), float(np.arctan2(dy, dx)))


class _Network:
    """A LiteRT file: a picture of bytes in, all outputs by falling size."""

    def __init__(self, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        try:
            # One thread per call: more cost CPU and gain nothing for networks this small.
            self._interpreter: Any = Interpreter(str(path), num_threads=1)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise AssetError(f"{path} cannot be loaded: run `emorec assets` to bring it anew") from error
        self._input = self._interpreter.get_input_details()[0]["index"]
        outputs = sorted(self._interpreter.get_output_details(), key=lambda output: -int(np.prod(output["shape"])))
        self._outputs = [output["index"] for output in outputs]

    def __call__(self, crop: UInt8) -> list[Float32]:
        # Written where the network reads it, in one go; the view must be gone before the network runs.
        np.divide(crop, np.float32(255), out=self._interpreter.tensor(self._input)()[0])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]
