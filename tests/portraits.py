"""Public-domain portraits that installed packages carry, and where the detector sees the faces."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from emorec.types import Detections


@dataclass(frozen=True)
class Portrait:
    """A picture [H, W, 3] and its one face."""

    rgb: NDArray[np.uint8]
    face: Detections

    def warped(self, matrix: NDArray[np.float64], size: tuple[int, int]) -> Portrait:
        """The picture and its face under a similarity [2, 3]; the box keeps its shape and follows in place and size."""
        rgb = cv2.warpAffine(
            self.rgb, matrix, size, flags=cv2.INTER_AREA if self._shrinks(matrix) else cv2.INTER_LINEAR
        )
        linear, offset = matrix[:, :2], matrix[:, 2]
        x, y, w, h = self.face.box_px[0]
        scale = float(np.sqrt(abs(np.linalg.det(linear))))
        cx, cy = linear @ (x + w / 2, y + h / 2) + offset
        box = [cx - w * scale / 2, cy - h * scale / 2, w * scale, h * scale]
        points = self.face.points_px[0] @ linear.T + offset
        return Portrait(rgb, detection(box, points))

    def rotated(self, clockwise_deg: float) -> Portrait:
        """The portrait turned about its face."""
        x, y, w, h = (float(v) for v in self.face.box_px[0])
        matrix = cv2.getRotationMatrix2D((x + w / 2, y + h / 2), -clockwise_deg, 1)
        return self.warped(matrix, self.rgb.shape[1::-1])

    def mirrored(self) -> Portrait:
        """The portrait as in a mirror; the eyes change places."""
        width = self.rgb.shape[1]
        x, y, w, h = self.face.box_px[0]
        points = self.face.points_px[0] * (-1, 1) + (width, 0)
        rgb = np.ascontiguousarray(self.rgb[:, ::-1])
        return Portrait(rgb, detection([width - x - w, y, w, h], points[[1, 0, 2, 3, 5, 4]]))

    def resized(self, scale: float) -> Portrait:
        """The portrait made smaller or larger."""
        rgb = cv2.resize(self.rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        return Portrait(rgb, detection(self.face.box_px[0] * scale, self.face.points_px[0] * scale))

    def _shrinks(self, matrix: NDArray[np.float64]) -> bool:
        return abs(np.linalg.det(matrix[:, :2])) < 1


def detection(box_px: object, points_px: object) -> Detections:
    """One detected face."""
    return Detections(
        np.asarray(box_px, np.float32)[None], np.ones(1, np.float32), np.asarray(points_px, np.float32)[None]
    )


def collins() -> Portrait:
    """Eileen Collins (NASA), from scikit-image."""
    from skimage import data

    points = [(204, 104), (245, 104), (224, 129), (224, 149), (180, 111), (268, 112)]
    return Portrait(np.ascontiguousarray(data.astronaut()), detection([174, 75, 99, 99], points))


def hopper() -> Portrait:
    """Grace Hopper (US Navy), from matplotlib."""
    from matplotlib import cbook

    bgr = cv2.imread(str(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)))
    points = [(222, 195), (308, 187), (267, 229), (271, 276), (180, 231), (359, 217)]
    return Portrait(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), detection([169, 145, 195, 195], points))
