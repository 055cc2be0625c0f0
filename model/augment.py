"""What the network must not mind, made up during training: on the device, a batch at a time, by Keras operations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Augmentation:
    """How far a training image is changed. Each number is the largest change, drawn evenly from both directions.

    rotation_deg, scale (share of the size), shift (share of the side): how loosely faces are cut. contrast (share) and
    brightness (in standard deviations of the image): what standardisation leaves of the light.
    """

    rotation_deg: float = 10.0
    scale: float = 0.1
    shift: float = 0.06
    contrast: float = 0.2
    brightness: float = 0.2


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
    """Flip, turn, scale, shift and relight each image of a batch. images: float32 [n, px, px, 1], standardized."""
    from keras import ops, random

    n, px = ops.shape(images)[0], images.shape[1]

    def draw(largest: float) -> Any:
        return random.uniform((n,), -largest, largest, seed=seeds)

    angle = draw(math.radians(augmentation.rotation_deg))
    zoom = 1.0 / (1.0 + draw(augmentation.scale))
    flip = ops.sign(random.uniform((n,), -1.0, 1.0, seed=seeds))
    cos, sin = ops.cos(angle) * zoom, ops.sin(angle) * zoom
    # Rows of the map from an output pixel to the input pixel it is read from, about the image's centre.
    a0, a1, b0, b1 = cos * flip, -sin, sin * flip, cos
    centre = (px - 1) / 2
    a2 = centre - a0 * centre - a1 * centre + draw(augmentation.shift * px)
    b2 = centre - b0 * centre - b1 * centre + draw(augmentation.shift * px)
    zero = ops.zeros_like(a0)
    transform = ops.stack([a0, a1, a2, b0, b1, b2, zero, zero], axis=1)
    images = ops.image.affine_transform(
        images, transform, interpolation="bilinear", fill_mode="nearest", data_format="channels_last"
    )
    contrast = ops.reshape(1.0 + draw(augmentation.contrast), (-1, 1, 1, 1))
    brightness = ops.reshape(draw(augmentation.brightness), (-1, 1, 1, 1))
    return images * contrast + brightness
