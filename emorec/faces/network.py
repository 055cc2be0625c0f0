"""MediaPipe's short-range face detection network, run by LiteRT: one picture in, faces out.

The same steps as MediaPipe's own ``FaceDetector`` task takes around the network, with the same results (scores within
.005, and nearly always the same numbers), at two thirds of its CPU time and without its threads and imports.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from emorec.errors import AssetError
from emorec.types import Detections, Float32, UInt8

__all__ = ["ShortRangeNetwork"]

INPUT_PX = 128
# Grids of anchors, their sides and how many anchors lie at each place, in the order of the network's outputs
# (MediaPipe's face_detection_short_range.pbtxt: strides 8, 16, 16, 16, two anchors each).
GRIDS = ((16, 2), (8, 6))
POINTS = 6
# Candidates that overlap the best one by more are the same face and are averaged, weighted by their scores (likewise).
SAME_FACE_IOU = 0.3


class ShortRangeNetwork:
    """The network, opened once; not for two threads at a time."""

    def __init__(self, path: Path, lowest_score: float) -> None:
        """Load the network; faces below ``lowest_score`` are never reported.

        Raises:
            AssetError: LiteRT cannot read the file.
        """
        from ai_edge_litert.interpreter import Interpreter

        try:
            # One thread per call: more cost CPU and gain nothing for a network this small.
            self._interpreter: Any = Interpreter(str(path), num_threads=1)
            self._interpreter.allocate_tensors()
        except (OSError, RuntimeError, ValueError) as error:
            raise AssetError(f"{path} cannot be used as a face detector ({error}); run: emorec assets") from error
        self._input = self._interpreter.get_input_details()[0]["index"]
        outputs = {int(output["shape"][-1]): output["index"] for output in self._interpreter.get_output_details()}
        self._logits, self._boxes = outputs[1], outputs[4 + 2 * POINTS]
        self._least_logit = np.log(lowest_score / (1 - lowest_score))

    def detect(self, rgb: UInt8) -> Detections:
        """The faces of a picture [H, W, 3], by falling score, in px of it.

        Boxes are of whole px and begin inside the picture, as MediaPipe's task gives them.
        """
        height, width = rgb.shape[:2]
        view = self._interpreter.tensor(self._input)()[0]
        np.multiply(_reduced(rgb), np.float32(2 / 255), out=view)
        view -= np.float32(1)
        # The network refuses to run while anybody looks at its input.
        del view
        self._interpreter.invoke()
        logits = self._interpreter.get_tensor(self._logits)[0, :, 0]
        rows = np.flatnonzero(logits >= self._least_logit)
        if not len(rows):
            return Detections.empty()
        rows = rows[np.argsort(-logits[rows], kind="stable")]
        places = self._interpreter.get_tensor(self._boxes)[0, rows].reshape(-1, 2 + POINTS, 2) / INPUT_PX
        # Centre, extent, points: all but the extent lie relative to the anchor.
        places[:, [0, *range(2, 2 + POINTS)]] += _anchors()[rows, None]
        low, high = places[:, 0] - places[:, 1] / 2, places[:, 0] + places[:, 1] / 2
        corners = np.concatenate([low[:, None], high[:, None], places[:, 2:]], axis=1)
        score = (1 / (1 + np.exp(-logits[rows]))).astype(np.float32)
        faces, best = _averaged(corners, score)
        side = max(width, height)
        faces = faces * side - np.array([(side - width) / 2, (side - height) / 2], np.float32)
        box = np.concatenate([np.maximum(np.trunc(faces[:, 0]), 0), np.trunc(faces[:, 1] - faces[:, 0])], axis=1)
        return Detections(box.astype(np.float32), score[best], faces[:, 2:].astype(np.float32))


def _reduced(rgb: UInt8) -> UInt8:
    """The picture as [128, 128, 3], in the middle of black where it is not square, as MediaPipe reduces it."""
    height, width = rgb.shape[:2]
    if height == width and width % INPUT_PX == 0:
        # Every sample falls onto a pixel.
        return rgb[:: width // INPUT_PX, :: width // INPUT_PX]
    whole, part = _sampling(width, height)
    border = cv2.BORDER_CONSTANT
    return np.asarray(cv2.remap(rgb, whole, part, cv2.INTER_LINEAR, borderMode=border, borderValue=0), np.uint8)


@functools.lru_cache(maxsize=32)
def _sampling(width: int, height: int) -> tuple[Any, Any]:
    """Where each pixel of the input lies in a picture of a size, as maps in fixed point for ``cv2.remap``."""
    side = max(width, height)
    x = np.arange(INPUT_PX) * (side / INPUT_PX) + (width - side) / 2
    y = np.arange(INPUT_PX) * (side / INPUT_PX) + (height - side) / 2
    across, down = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    return cv2.convertMaps(across, down, cv2.CV_16SC2)


@functools.cache
def _anchors() -> Float32:
    """The middles [896, 2] of the anchors, 0–1 of the input; all have its size."""
    parts = []
    for side, anchors in GRIDS:
        steps = (np.arange(side, dtype=np.float32) + 0.5) / side
        across, down = np.meshgrid(steps, steps)
        parts.append(np.repeat(np.stack([across, down], axis=2).reshape(-1, 2), anchors, axis=0))
    return np.concatenate(parts)


def _averaged(corners: Float32, score: Float32) -> tuple[Float32, list[int]]:
    """Candidates of one face made one: their corners and points [m, 2 + points, 2], and the row of each one's best.

    ``corners`` [n, 2 + points, 2]: low and high corner of the box, then points; ``score`` [n], falling.
    """
    low, high = corners[:, 0], corners[:, 1]
    area = (high - low).prod(axis=1)
    left = np.arange(len(score))
    faces, best = [], []
    while len(left):
        first = left[0]
        extent = np.minimum(high[first], high[left]) - np.maximum(low[first], low[left])
        common = np.maximum(extent, 0).prod(axis=1)
        same = common > SAME_FACE_IOU * (area[first] + area[left] - common)
        # Also where it has no extent: the first one is always done with.
        same[0] = True
        weight = score[left[same]]
        faces.append(np.tensordot(weight, corners[left[same]], axes=1) / weight.sum())
        best.append(int(first))
        left = left[~same]
    return np.stack(faces), best
