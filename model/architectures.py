"""The networks: one table that builds them all, from faces of 48 px, for any Keras backend.

Each is its paper's network with batch normalisation after every convolution, a stem that keeps small pictures large
enough, and a mean over the last stage before one dense layer. One more, face-resnet, is none to begin at random: see
`model.face_resnet`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from model import face_resnet
from model.errors import ModelError
from model.layout import channels_last_in_memory

if TYPE_CHECKING:
    import keras

VGG_CONVOLUTIONS: Final[dict[str, tuple[int, ...]]] = {
    "vgg11": (1, 1, 2, 2, 2),
    "vgg13": (2, 2, 2, 2, 2),
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
}
"""Convolutions per stage: configurations A, B, D, E of Simonyan & Zisserman 2014, arXiv 1409.1556."""

VGG_FILTERS: Final = (64, 128, 256, 512, 512)
"""Filters of each stage, same source."""

RESNET18_FILTERS: Final = (64, 128, 256, 512)
"""Filters of the four stages of two blocks each: He et al. 2015, arXiv 1512.03385."""

INCEPTIONS: Final[tuple[tuple[tuple[int, int, int, int, int, int], ...], ...]] = (
    ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
    (
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
    ),
    ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
)
"""GoogLeNet's modules 3a-3b, 4a-4e, 5a-5b: filters of 1×1, 3×3's reduction, 3×3, 5×5's reduction, 5×5, pool's
projection (table 1 of Szegedy et al. 2014, arXiv 1409.4842). The auxiliary classifiers are left out."""


FACE_RESNET: Final = "face-resnet"

FLAT: Final = 2
"""Axes of features, [n, features], that need no mean over places any more."""


@dataclass(frozen=True)
class Architecture:
    """What is needed to build a network again.

    name: one of NAMES. width: factor on every number of filters; face-resnet's is 1. image_px: side of the input.
    field_px: side of the central part that the network looks at; the rim is there for shifted views in training.
    classes: outputs. dropout: share of features dropped before the last layer, in training only.
    """

    name: str = "vgg11"
    width: float = 0.625
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

    Any image from 16 px on has a place: the last pooling is the mean over what the last stage leaves.
    Raises ModelError for an unknown name or an impossible size.
    """
    import keras

    a = architecture
    if a.name not in _STAGES:
        raise ModelError(f"unknown architecture {a.name!r}; there are {', '.join(NAMES)}")
    if a.name == FACE_RESNET and a.width != 1:
        raise ModelError(f"{FACE_RESNET} has one width, 1, not {a.width:g}")
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


def load_weights(network: keras.Model, architecture: Architecture, weights: Path) -> None:
    """Load all weights of a network of that architecture. Raises ModelError where the file does not fit."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # Keras only warns where it leaves weights as they were
            network.load_weights(weights)
    except (OSError, ValueError, KeyError, UserWarning) as error:
        what = f"{architecture.name} at {architecture.width:g} of its width"
        raise ModelError(f"{weights} does not fit {what}: {str(error).splitlines()[0]}") from error


def _assemble(a: Architecture, rim_px: int) -> keras.Model:
    import keras
    from keras import layers

    make = _Layers(a.width)
    inputs = keras.Input((a.image_px, a.image_px, 1), name="faces")
    x = layers.Cropping2D(rim_px // 2, data_format="channels_last")(inputs) if rim_px else inputs
    if make.order == "channels_first":
        x = layers.Permute((3, 1, 2))(x)
        if keras.config.dtype_policy().compute_dtype == "float32":  # bfloat16 was measured as it is
            x = channels_last_in_memory(x)
    x = _STAGES[a.name](x, make)
    if len(x.shape) > FLAT:
        x = layers.GlobalAveragePooling2D(data_format=make.order, dtype="float32")(x)
    x = layers.Dropout(a.dropout)(x)
    outputs = layers.Dense(a.classes, dtype="float32", name="logits")(x)
    return keras.Model(inputs, outputs, name=a.name)


class _Layers:
    """The layers that all networks are made of, in the order of axes that the backend is quick with."""

    def __init__(self, width: float) -> None:
        import keras

        self._width = width
        # PyTorch's kernels want channels first: Keras copies every picture for them otherwise. Weights are the same.
        self.order = "channels_first" if keras.backend.backend() == "torch" else "channels_last"
        self._channels = 1 if self.order == "channels_first" else -1

    def convolve(self, x: Any, filters: int, side: int = 3, strides: int = 1, relu: bool = True) -> Any:
        """Convolution, batch normalisation, ReLU."""
        from keras import layers

        from model.normalization import BatchNormalization

        x = layers.Conv2D(
            max(round(filters * self._width), 1),
            side,
            strides,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
            data_format=self.order,
        )(x)
        x = BatchNormalization(axis=self._channels, momentum=0.9)(x)
        return layers.ReLU()(x) if relu else x

    def pool(self, x: Any, side: int = 2, strides: int = 2) -> Any:
        """Maximum over squares; without strides, of the same size."""
        from keras import layers

        padding = "valid" if strides > 1 else "same"
        return layers.MaxPooling2D(side, strides, padding=padding, data_format=self.order)(x)

    def join(self, parts: list[Any]) -> Any:
        """Put channels side by side."""
        from keras import layers

        return layers.Concatenate(axis=self._channels)(parts)

    def channels(self, x: Any) -> int:
        """How many channels x has."""
        return int(x.shape[self._channels])


def _vgg(x: Any, make: _Layers, convolutions: tuple[int, ...]) -> Any:
    for stage, (repeats, filters) in enumerate(zip(convolutions, VGG_FILTERS, strict=True)):
        x = make.pool(x) if stage else x
        for _ in range(repeats):
            x = make.convolve(x, filters)
    return x


def _resnet18(x: Any, make: _Layers) -> Any:
    x = make.pool(make.convolve(x, RESNET18_FILTERS[0]))
    for stage, filters in enumerate(RESNET18_FILTERS):
        for block in range(2):
            x = _residual(x, make, filters, strides=2 if stage and not block else 1)
    return x


def _residual(x: Any, make: _Layers, filters: int, strides: int) -> Any:
    from keras import layers

    y = make.convolve(make.convolve(x, filters, strides=strides), filters, relu=False)
    if strides > 1 or make.channels(x) != make.channels(y):
        x = make.convolve(x, filters, side=1, strides=strides, relu=False)
    return layers.ReLU()(layers.Add()([x, y]))


def _googlenet(x: Any, make: _Layers) -> Any:
    x = make.pool(make.convolve(x, 64))
    x = make.convolve(make.convolve(x, 64, side=1), 192)
    for modules in INCEPTIONS:
        x = make.pool(x)
        for one, reduced_three, three, reduced_five, five, projected in modules:
            x = make.join([
                make.convolve(x, one, side=1),
                make.convolve(make.convolve(x, reduced_three, side=1), three),
                make.convolve(make.convolve(x, reduced_five, side=1), five, side=5),
                make.convolve(make.pool(x, 3, 1), projected, side=1),
            ])  # fmt: skip
    return x


def _face_resnet(x: Any, make: _Layers) -> Any:
    return face_resnet.features(x, make.order)


_STAGES: Final[dict[str, Callable[[Any, _Layers], Any]]] = {
    **{name: partial(_vgg, convolutions=convolutions) for name, convolutions in VGG_CONVOLUTIONS.items()},
    "googlenet": _googlenet,
    "resnet18": _resnet18,
    FACE_RESNET: _face_resnet,
}

NAMES: Final = tuple(_STAGES)
"""The architectures there are."""

FROM_SCRATCH: Final = tuple(name for name in NAMES if name != FACE_RESNET)
"""Those that a run can begin at random."""
