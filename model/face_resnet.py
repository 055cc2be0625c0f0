"""dlib's face recognition network as a beginning for a network that reads emotions.

What three million faces taught it about faces, 26,000 labelled ones do not teach; it is too slow for the product, so it
is a teacher's architecture. The network is Davis King's dlib_face_recognition_resnet_model_v1, a ResNet of 29
convolutions for 150×150 pixels; its affine layers are folded into the convolutions.
"""

from __future__ import annotations

from typing import Any, Final

FIELD_PX: Final = 115
"""What a FER2013 crop's central 44 pixels are enlarged to, so that eyes are as far apart as in dlib's aligned crop."""

GREY_MEAN: Final = 128.0
GREY_DEVIATION: Final = 64.0
"""What a standardized image is brought back to: the grey levels that the network was trained with."""

STEM: Final = "stem"

BLOCKS: Final = (*(3 * (32,)), *(4 * (64,)), *(3 * (128,)), *(4 * (256,)))
"""Filters of each residual block, two convolutions of 3×3 each."""

HALVING: Final = (3, 7, 10, 13)
"""Blocks, from 0, that halve the picture."""

KEPT_BLOCKS: Final = 3
"""Blocks that stay as dlib trained them, with the stem: edges and spots are the same for who and for how."""


def stages(x: Any, order: str, trainable: bool = True) -> list[Any]:
    """Return what comes before each halving, and the end: x, pixels of 0 to 255, goes through all of the network.

    order: channels_first or channels_last. trainable: whether the stem and the first blocks learn. Convolutions are
    named stem, a00, b00, a01 … in their order. Where the picture is halved, the branch of convolutions and the shortcut
    may differ by a row, a column and channels: zeros are added at the end of the smaller one, as dlib does.
    """
    from keras import layers

    def convolve(x: Any, filters: int, side: int, strides: int, name: str, learns: bool) -> Any:
        # With an odd side and stride 1, "same" is dlib's padding of 1; no other padding occurs.
        padding = "same" if strides == 1 else "valid"
        layer = layers.Conv2D(filters, side, strides, padding=padding, data_format=order, name=name)
        layer.trainable = learns
        return layer(x)

    x = layers.ReLU()(convolve(x, BLOCKS[0], 7, 2, STEM, trainable))
    x = layers.MaxPooling2D(3, 2, data_format=order)(x)
    ends = []
    for i, filters in enumerate(BLOCKS):
        halves, learns = i in HALVING, trainable or i >= KEPT_BLOCKS
        branch = layers.ReLU()(convolve(x, filters, 3, 2 if halves else 1, f"a{i:02d}", learns))
        branch = convolve(branch, filters, 3, 1, f"b{i:02d}", learns)
        if halves:
            ends.append(x)
            x = layers.AveragePooling2D(2, data_format=order)(x)
        x = layers.ReLU()(layers.Add()(_of_one_shape(x, branch)))
    return [*ends, x]


def features(x: Any, order: str) -> Any:
    """Return what a last layer can tell emotions by, [n, 1664]: x is a standardized image in that order of axes.

    A 3×3 map of the third stage, where the parts of a face are still in their places, and means of the last two.
    """
    from keras import layers

    x = layers.Resizing(FIELD_PX, FIELD_PX, "bilinear", data_format=order)(x)
    x = layers.Rescaling(GREY_DEVIATION, GREY_MEAN)(x)
    *_, third, fourth, last = stages(x, order, trainable=False)
    places = layers.AveragePooling2D(2, data_format=order)(third)
    if order == "channels_first":  # so that weights are the same under any backend
        places = layers.Permute((2, 3, 1))(places)
    means = [layers.GlobalAveragePooling2D(data_format=order)(stage) for stage in (fourth, last)]
    joined = layers.Concatenate()([layers.Flatten()(places), *means])
    return layers.BatchNormalization(momentum=0.9)(joined)


def _of_one_shape(*parts: Any) -> list[Any]:
    from keras import ops

    largest = [max(sizes) for sizes in zip(*(part.shape[1:] for part in parts), strict=True)]
    missing = [[large - size for large, size in zip(largest, part.shape[1:], strict=True)] for part in parts]
    return [
        ops.pad(part, [[0, 0], *([0, n] for n in lacking)]) if any(lacking) else part
        for part, lacking in zip(parts, missing, strict=True)
    ]
