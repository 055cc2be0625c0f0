"""From a face's box in a frame to the network's input: the one way for training, evaluation and inference.

Two steps, both here and nowhere else: `crop_faces` cuts the square that FER2013 crops show and makes it a small grey
image; `standardize` turns such images into what the network reads. NumPy and OpenCV only: no Keras, no TensorFlow.
"""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from model.errors import ModelError

CROP_PX: Final = 48
"""Side of a crop, as in FER2013 (Goodfellow et al. 2013, arXiv 1307.0414)."""

SIDE_PER_BOX_WIDTH: Final = 1.164
"""Side of the crop's square over the width of the detector's box: the median over 2,881 FER2013 training images of
MediaPipe's short-range detector (bench/crop_geometry.py, docs/experiments.md)."""

SHIFT_UP_PER_BOX_WIDTH: Final = 0.081
"""How far the square's centre lies above the box's centre, in box widths; measured likewise."""

MIN_CONTRAST: Final = 1.0
"""Grey levels: the least deviation that an image is divided by, so that an empty one stays near zero."""


def describe() -> dict[str, float | str]:
    """Return what this file does, as it stands in a model card: a release is only run with what it was made for."""
    return {
        "crop_px": CROP_PX,
        "side_per_box_width": SIDE_PER_BOX_WIDTH,
        "shift_up_per_box_width": SHIFT_UP_PER_BOX_WIDTH,
        "colour": "grey, ITU-R BT.601 luma",
        "scaling": "each image to mean 0, deviation 1",
    }


def square_of_box(box_px: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the squares that show of each face what FER2013 crops show.

    box_px: [..., 4] x, y, w, h of detected faces, in pixels. Returns [..., 3]: left, top, side of the square, pixels.
    """
    box = np.asarray(box_px, np.float64)
    x, y, w, h = box[..., 0], box[..., 1], box[..., 2], box[..., 3]
    side = SIDE_PER_BOX_WIDTH * w
    square: npt.NDArray[np.float64] = np.stack(
        [x + w / 2 - side / 2, y + h / 2 - SHIFT_UP_PER_BOX_WIDTH * w - side / 2, side], axis=-1
    )
    return square


def crop_face(frame: npt.NDArray[np.uint8], box_px: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Cut one face out of a frame; see `crop_faces`. box_px: [4]. Returns uint8 [48, 48]."""
    crops = crop_faces(frame, np.asarray(box_px, np.float64).reshape(1, 4))
    return crops.reshape(CROP_PX, CROP_PX)


def crop_faces(frame: npt.NDArray[np.uint8], boxes_px: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Cut faces out of a frame as FER2013 would show them.

    frame: uint8 [H, W, 3] RGB or [H, W] grey. boxes_px: [n, 4] x, y, w, h of faces as the detector gives them; a box
    may reach over the frame's border, where the border's pixels are repeated. Returns uint8 [n, 48, 48], grey.
    Raises ModelError for a box without an area or a frame of another shape.
    """
    boxes = np.asarray(boxes_px, np.float64).reshape(-1, 4)
    if (
        frame.dtype != np.uint8
        or frame.ndim not in (2, 3)
        or (frame.ndim == 3 and frame.shape[2] != 3)
        or not frame.size
    ):
        raise ModelError(f"a frame must be uint8 [H, W, 3] or [H, W], not {frame.dtype} {list(frame.shape)}")
    if not np.isfinite(boxes).all() or (boxes[:, 2:] <= 0).any():
        raise ModelError("a face box must have four finite numbers x, y, w, h with w > 0 and h > 0")
    crops = np.empty((len(boxes), CROP_PX, CROP_PX), np.uint8)
    for i, (left, top, side) in enumerate(square_of_box(boxes)):
        crops[i] = _shrink(_gray(_cut(frame, left, top, side)))
    return crops


def _cut(frame: npt.NDArray[np.uint8], left: float, top: float, side: float) -> npt.NDArray[np.uint8]:
    """Cut a square of whole pixels; what lies outside the frame repeats its border."""
    side_px = max(round(side), 1)
    x = np.clip(np.arange(side_px) + round(left), 0, frame.shape[1] - 1)
    y = np.clip(np.arange(side_px) + round(top), 0, frame.shape[0] - 1)
    if x[-1] - x[0] == side_px - 1 and y[-1] - y[0] == side_px - 1:  # inside: a view, no copy
        return frame[y[0] : y[-1] + 1, x[0] : x[-1] + 1]
    return frame[np.ix_(y, x)]


def _gray(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    gray: npt.NDArray[Any] = image if image.ndim == 2 else cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
    return gray


def _shrink(image: npt.NDArray[np.uint8], side_px: int = CROP_PX) -> npt.NDArray[np.uint8]:
    """Resize: by area where the image shrinks, so that nothing aliases; linearly where it grows."""
    if image.shape == (side_px, side_px):
        return image
    shrinks = min(image.shape) >= side_px
    resized: npt.NDArray[Any] = cv2.resize(
        image, (side_px, side_px), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    return resized


def as_crop(image: npt.NDArray[np.uint8], side_px: int = CROP_PX) -> npt.NDArray[np.uint8]:
    """Bring a stored picture of a face (any size, grey [H, W] or RGB [H, W, 3]) to a crop: uint8 [side_px, side_px]."""
    return _shrink(_gray(image), side_px)


def standardize(crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Turn crops into the network's input: each image with mean 0 and deviation 1, so that light and contrast drop out.

    crops: uint8 [n, side, side]. Returns float32 [n, side, side, 1].
    """
    x = crops.astype(np.float32)
    mean = x.mean(axis=(1, 2), keepdims=True)
    deviation = x.std(axis=(1, 2), keepdims=True)
    standard: npt.NDArray[np.float32] = ((x - mean) / np.maximum(deviation, np.float32(MIN_CONTRAST)))[..., None]
    return standard
