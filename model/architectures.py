"""The networks: a table of convolutions and one function that builds them, for any Keras backend."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from model.errors import ModelError

if TYPE_CHECKING:
    import keras

CONVOLUTIONS_PER_STAGE: Final[dict[str, tuple[int, ...]]] = {
    "vgg11": (1, 1, 2, 2, 2),
    "vgg13": (2, 2, 2, 2, 2),
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
}
"""Configurations A, B, D, E of Simonyan & Zisserman 2014, arXiv 1409.1556."""

FILTERS_PER_STAGE: Final = (64, 128, 256, 512, 512)


@dataclass(frozen=True)
class Architecture:
    """What is needed to build a network again.

    name: a row of the table. width: factor on every number of filters. image_px: side of the input. field_px: side of
    the central part that the network looks at; the rim is there for shifted views in training. classes: outputs.
    dropout: share of features dropped before the last layer, in training only.
    """

    name: str = "vgg11"
    width: float = 0.5
    image_px: int = 48
    field_px: int = 44
    classes: int = 7
    dropout: float = 0.3

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as they stand in a model card."""
        return asdict(self)


def build(architecture: Architecture, dtype_policy: str = "float32") -> keras.Model:
    """Build the network with fresh weights: float32 [n, image_px, image_px, 1], standardized → logits [n, classes].

    dtype_policy: of Keras; the logits are float32 under any.

    A VGG with batch normalisation after every convolution and, instead of the three dense layers that hold most of
    VGG's weights, a mean over what the last stage leaves. The stages' last pooling is that mean, so that any image
    from 16 px on has a place. Raises ModelError for an unknown name or an impossible size.
    """
    import keras

    a = architecture
    if a.name not in CONVOLUTIONS_PER_STAGE:
        raise ModelError(f"unknown architecture {a.name!r}; there are {', '.join(CONVOLUTIONS_PER_STAGE)}")
    rim_px = a.image_px - a.field_px
    if a.field_px < 16 or rim_px < 0 or rim_px % 2:
        raise ModelError(
            f"field_px must be 16 or more and leave an even rim in image_px, not {a.field_px} in {a.image_px}"
        )
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype_policy)
    try:
        return _assemble(a, rim_px)
    finally:
        keras.config.set_dtype_policy(before)


def _assemble(a: Architecture, rim_px: int) -> keras.Model:
    import keras
    from keras import layers

    inputs = keras.Input((a.image_px, a.image_px, 1), name="faces")
    x = layers.Cropping2D(rim_px // 2)(inputs) if rim_px else inputs
    for stage, (repeats, filters) in enumerate(zip(CONVOLUTIONS_PER_STAGE[a.name], FILTERS_PER_STAGE, strict=True)):
        if stage:
            x = layers.MaxPooling2D(2)(x)
        for _ in range(repeats):
            x = _convolve(x, max(round(filters * a.width), 1))
    x = layers.GlobalAveragePooling2D(dtype="float32")(x)
    x = layers.Dropout(a.dropout)(x)
    outputs = layers.Dense(a.classes, dtype="float32", name="logits")(x)
    return keras.Model(inputs, outputs, name=a.name)


def _convolve(x: Any, filters: int) -> Any:
    """3×3 convolution, batch normalisation, ReLU."""
    from keras import layers

    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.ReLU()(x)
