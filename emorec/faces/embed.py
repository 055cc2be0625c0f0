"""Who a face is: 128 numbers per face, close for one person and far for two, by dlib's network run by LiteRT."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from emorec.errors import AssetError
from emorec.types import EMBEDDING_SIZE, Float32, Float64, UInt8

__all__ = ["CHIP_SIDE_PX", "FaceEmbedder"]

CHIP_SIDE_PX = 150
CHIP_EYES_PX = ((47.733, 47.140), (100.281, 47.124))
"""Where dlib's aligned crop (150 px, padding .25) has the centres of the eyes, at the picture's left and right: the
mean of the corners in dlib's five-point template."""

_MAX_SHRINK = 2.0
"""dlib reduces the picture by half, again and again, before it samples it more coarsely than this."""


class FaceEmbedder:
    """Embeds faces; the network is loaded once. One instance per thread.

    All embeddings that are to be compared must be aligned by the same kind of points: mixing eye centres of a mesh
    with those of a detector adds .1 to .4 to the distance of a person to themselves (two people are about .8 apart).
    """

    def __init__(self, path: Path) -> None:
        """Loads the network.

        Raises:
            AssetError: the file is not there or cannot be loaded.
        """
        from ai_edge_litert.interpreter import Interpreter

        try:
            self._interpreter: Any = Interpreter(str(path), num_threads=1)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise AssetError(f"{path} cannot be loaded: run `emorec assets` to bring it anew") from error
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def embed(self, rgb: UInt8, eyes_px: Float32) -> Float32:
        """Embeddings [n, 128] of n faces of a picture; compare them by Euclidean distance.

        Args:
            rgb: the picture [H, W, 3], uint8, as displayed.
            eyes_px: [n, 2, 2], centres of the eyes at the picture's left and right.

        Returns:
            NaN for a face whose eyes are not known or coincide.
        """
        embeddings = np.full((len(eyes_px), EMBEDDING_SIZE), np.nan, np.float32)
        for i, eyes in enumerate(eyes_px.astype(np.float64)):
            if np.isfinite(eyes).all() and np.hypot(*(eyes[1] - eyes[0])) > 1:
                embeddings[i] = self.embed_chip(align(rgb, eyes))
        return embeddings

    def embed_chip(self, chip: UInt8) -> Float32:
        """The embedding [128] of an aligned crop [150, 150, 3]."""
        self._interpreter.set_tensor(self._input, chip[None].astype(np.float32))
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(self._output)[0], np.float32)


def align(rgb: UInt8, eyes_px: NDArray[np.floating]) -> UInt8:
    """The crop [150, 150, 3] that dlib's get_face_chip would cut, by the centres [2, 2] of the eyes; black outside."""
    picture, eyes = rgb, np.asarray(eyes_px, np.float64)
    while _scale(eyes) > _MAX_SHRINK:
        # The reduced picture's pixel [0, 0] lies on the full one's.
        picture, eyes = np.asarray(cv2.pyrDown(_around(picture, eyes)[0]), np.uint8), _around(picture, eyes)[1] / 2
    matrix = _chip_to_picture(eyes)
    size = (CHIP_SIDE_PX, CHIP_SIDE_PX)
    return np.asarray(cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP), np.uint8)


def _scale(eyes_px: Float64) -> float:
    """Picture px per px of the chip."""
    template = np.asarray(CHIP_EYES_PX)
    return float(np.hypot(*(eyes_px[1] - eyes_px[0])) / np.hypot(*(template[1] - template[0])))


def _chip_to_picture(eyes_px: Float64) -> Float64:
    """The similarity [2, 3] from chip to picture, as dlib samples it.

    dlib maps corner to corner instead of pixel to pixel, which shifts by half a pixel and scales by (150 s − 1)/149 s.
    """
    template = np.asarray(CHIP_EYES_PX)
    along, wanted = eyes_px[1] - eyes_px[0], template[1] - template[0]
    turned = complex(*along) / complex(*wanted)
    linear = np.array([[turned.real, -turned.imag], [turned.imag, turned.real]])
    center = eyes_px.mean(axis=0) + linear @ (np.full(2, CHIP_SIDE_PX / 2) - template.mean(axis=0))
    scale = abs(turned)
    linear = linear * ((CHIP_SIDE_PX * scale - 1) / (CHIP_SIDE_PX - 1) / scale)
    return np.column_stack([linear, center - linear @ np.full(2, (CHIP_SIDE_PX - 1) / 2)])


def _around(rgb: UInt8, eyes_px: Float64) -> tuple[UInt8, Float64]:
    """The part of a picture that the crop needs, and the eyes in it."""
    reach = _scale(eyes_px) * CHIP_SIDE_PX
    low = np.maximum(np.floor(eyes_px.mean(axis=0) - reach), 0).astype(int)
    high = np.maximum(np.ceil(eyes_px.mean(axis=0) + reach), low + 2).astype(int)
    return rgb[low[1] : high[1], low[0] : high[0]], eyes_px - low
