"""What the network must not mind, made up during training: on the device, a batch at a time, by Keras operations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import keras

Floats = npt.NDArray[np.float32]

LEAST_DEVIATION: Final = 1e-3
"""What a changed image is divided by at the least when it is standardized again."""


@dataclass(frozen=True)
class Augmentation:
    """How far a training image is changed. Where not said otherwise, drawn evenly from both directions up to that.

    rotation_deg, shift (share of the side): how loosely faces are cut. scale_down, scale_up: how much smaller and
    larger a face may become (shares of its size); larger, since other people's crops are tighter than FER2013's.
    contrast (share), brightness and slope (in standard deviations of the image): light, and light from one side.
    small_share: of images that become faces of only `least_px` px or more, scaled up as video shows them. erase_share:
    of images in which a rectangle of up to `erase_side` of each side is blanked, as by a hand or a microphone (Zhong et
    al. 2017, arXiv 1708.04896).
    """

    rotation_deg: float = 10.0
    scale_down: float = 0.15
    scale_up: float = 0.25
    shift: float = 0.07
    contrast: float = 0.2
    brightness: float = 0.2
    slope: float = 0.3
    small_share: float = 0.2
    least_px: int = 16
    erase_share: float = 0.15
    erase_side: float = 0.4


def build_augmenter(augmentation: Augmentation, image_px: int, seed: int) -> keras.Model:
    """Build the network's front: [n, px, px, 1] → the same, changed at random in training and unchanged outside it."""
    import keras

    class Augment(keras.layers.Layer):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(dtype="float32", name="augment")
            self.seeds = keras.random.SeedGenerator(seed)

        def call(self, images: Any, training: bool = False) -> Any:
            return augment(images, augmentation, self.seeds) if training else images

    inputs = keras.Input((image_px, image_px, 1))
    return keras.Model(inputs, Augment()(inputs), name="augmenter")


def augment(images: Any, augmentation: Augmentation, seeds: Any) -> Any:
    """Move, coarsen, relight and cover each image of a batch. images: float32 [n, px, px, 1], standardized."""
    images = _move(images, augmentation, seeds)
    images = _coarsen(images, augmentation, seeds)
    images = _relight(images, augmentation, seeds)
    return _cover(images, augmentation, seeds)


def _move(images: Any, a: Augmentation, seeds: Any) -> Any:
    """Flip, turn, scale and shift, with bilinear interpolation and the border's pixels outside."""
    from keras import ops, random

    n, px = ops.shape(images)[0], images.shape[1]

    def draw(low: float, high: float) -> Any:
        return random.uniform((n, 1), low, high, seed=seeds)

    angle = draw(-math.radians(a.rotation_deg), math.radians(a.rotation_deg))
    zoom = ops.exp(draw(math.log1p(-a.scale_down), math.log1p(a.scale_up)))
    flip = ops.sign(draw(-1.0, 1.0))
    cos, sin = ops.cos(angle) / zoom, ops.sin(angle) / zoom
    centre = (px - 1) / 2
    row, column = (
        ops.convert_to_tensor(i.reshape(1, -1) - np.float32(centre)) for i in np.indices((px, px), np.float32)
    )
    x = (cos * column - sin * row) * flip + centre + draw(-a.shift, a.shift) * px
    y = sin * column + cos * row + centre + draw(-a.shift, a.shift) * px
    x, y = ops.clip(x, 0.0, px - 1.0), ops.clip(y, 0.0, px - 1.0)
    left, top = ops.clip(ops.floor(x), 0.0, px - 2.0), ops.clip(ops.floor(y), 0.0, px - 2.0)
    right_share, lower_share = x - left, y - top
    first = ops.cast(top * px + left, "int32")
    pixels = ops.reshape(images, (-1, px * px))

    def at(step: int) -> Any:
        return ops.take_along_axis(pixels, first + step, axis=1)

    upper = at(0) + (at(1) - at(0)) * right_share
    lower = at(px) + (at(px + 1) - at(px)) * right_share
    return ops.reshape(upper + (lower - upper) * lower_share, (-1, px, px, 1))


def _coarsen(images: Any, a: Augmentation, seeds: Any) -> Any:
    """Scale some images down to a size drawn from least_px to their own, and up again."""
    from keras import ops, random

    n, px = ops.shape(images)[0], images.shape[1]
    there_and_back = ops.convert_to_tensor(scaling_matrices(px, min(a.least_px, px)))
    kinds = there_and_back.shape[0]
    size = ops.cast(random.uniform((n,), 0.0, kinds - 1e-3, seed=seeds), "int32")
    # The last matrix is the one that changes nothing.
    size = ops.where(random.uniform((n,), seed=seeds) < a.small_share, size, kinds - 1)
    scale = ops.take(there_and_back, size, axis=0)
    coarse = ops.matmul(ops.matmul(scale, ops.squeeze(images, -1)), ops.transpose(scale, (0, 2, 1)))
    return ops.expand_dims(coarse, -1)


def mix(images: Floats, targets: Floats, alpha: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return each image with a share of another one laid over it, and its targets with the same share of that one's.

    images: float32 [n, px, px, 1], targets: float32 [n, k]. The share is the smaller part of what is drawn from
    beta(alpha, alpha). mixup, Zhang et al. 2018, arXiv 1710.09412.
    """
    if alpha == 0:
        return images, targets
    drawn = rng.beta(alpha, alpha, len(images)).astype(np.float32)
    share = np.minimum(drawn, 1 - drawn)[:, None]
    other = rng.permutation(len(images))
    over = share[:, :, None, None]
    return images + over * (images[other] - images), targets + share * (targets[other] - targets)


def scaling_matrices(px: int, least_px: int) -> npt.NDArray[np.float32]:
    """Return float32 [px - least_px + 1, px, px]: row i scales a column of px pixels to least_px + i and back.

    Down by area and up linearly, as preprocess.py does with faces in a frame.
    """
    columns = np.eye(px, dtype=np.float32)
    matrices = []
    for size in range(least_px, px + 1):
        small = cv2.resize(columns, (px, size), interpolation=cv2.INTER_AREA)
        matrices.append(cv2.resize(small, (px, px), interpolation=cv2.INTER_LINEAR))
    return np.stack(matrices)


def _relight(images: Any, a: Augmentation, seeds: Any) -> Any:
    """Bring each image back to mean 0 and deviation 1, as inference does with its crop; then change its light."""
    from keras import ops, random

    n, px = ops.shape(images)[0], images.shape[1]

    def draw(largest: float) -> Any:
        return random.uniform((n, 1, 1, 1), -largest, largest, seed=seeds)

    ramp = ops.linspace(-1.0, 1.0, px)
    images = (
        images + draw(a.slope) * ops.reshape(ramp, (1, px, 1, 1)) + draw(a.slope) * ops.reshape(ramp, (1, 1, px, 1))
    )
    mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
    deviation = ops.std(images, axis=(1, 2, 3), keepdims=True)
    images = (images - mean) / ops.maximum(deviation, LEAST_DEVIATION)
    return images * (1.0 + draw(a.contrast)) + draw(a.brightness)


def _cover(images: Any, a: Augmentation, seeds: Any) -> Any:
    """Blank a rectangle of some images with one grey."""
    from keras import ops, random

    n, px = ops.shape(images)[0], images.shape[1]

    def draw(low: float, high: float) -> Any:
        return random.uniform((n, 1, 1, 1), low, high, seed=seeds)

    place = ops.arange(px, dtype="float32")
    row, column = ops.reshape(place, (1, px, 1, 1)), ops.reshape(place, (1, 1, px, 1))

    def within(line: Any) -> Any:
        return ops.abs(line - draw(0.0, px)) < draw(0.1, a.erase_side) * px / 2

    covered = ops.logical_and(within(row), within(column))
    covered = ops.logical_and(covered, draw(0.0, 1.0) < a.erase_share)
    return ops.where(covered, draw(-1.5, 1.5), images)
