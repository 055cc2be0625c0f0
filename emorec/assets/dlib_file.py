"""Reads the weights of dlib's face recognition network from dlib's own file.

dlib serialises a network layer by layer, from input to output. An integer is a control byte (bit 7: negative; low four
bits: n) and n little-endian bytes; a layer begins with its tag (``01``, length, text); a tensor is the integers
2, samples, k, rows, columns and then that many raw little-endian float32. Three kinds of layer carry weights:

- ``con_4``: one tensor, the filters [filters, k, rows, columns] followed by a bias per filter; then, among the 17
  integers after it, number of filters, rows, columns, stride y, stride x, padding y, padding x, 1, filters, k, rows,
  columns
- ``affine_``: one tensor, a factor and then an offset per channel; the channels are the third integer after it
- ``fc_2``: outputs, inputs, then one tensor [inputs, outputs] without a bias
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ConvolutionWeights", "DenseWeights", "NetworkWeights", "read_network"]

Float32 = NDArray[np.float32]

_TAG = re.compile(rb"\x01(?:\x05con_4|\x07affine_|\x04fc_2)")
_TENSOR_VERSION = 2
_INTEGERS_AFTER_CONVOLUTION = 12
_INTEGERS_AFTER_AFFINE = 3


@dataclass(frozen=True)
class ConvolutionWeights:
    """A convolution and the per-channel affine layer after it.

    ``kernel`` [filters, k, rows, columns] is correlated, not flipped; ``gamma`` and ``beta`` [filters] are the affine
    layer's factor and offset.
    """

    kernel: Float32
    bias: Float32
    gamma: Float32
    beta: Float32
    stride: int
    padding: int


@dataclass(frozen=True)
class DenseWeights:
    """A fully connected layer without bias: ``kernel`` [inputs, outputs]."""

    kernel: Float32


@dataclass(frozen=True)
class NetworkWeights:
    """All weights, in the order of the file: from the input's convolution to the last one, then the dense layer."""

    convolutions: tuple[ConvolutionWeights, ...]
    dense: DenseWeights

    @property
    def parameters(self) -> int:
        """Number of floats."""
        arrays = [a for c in self.convolutions for a in (c.kernel, c.bias, c.gamma, c.beta)]
        return sum(a.size for a in [*arrays, self.dense.kernel])


def read_network(data: bytes) -> NetworkWeights:
    """The weights in a serialised dlib network of convolutions, each with an affine layer, and one dense layer.

    Raises:
        ValueError: the file is not such a network.
    """
    convolutions: list[ConvolutionWeights] = []
    pending: tuple[Float32, Float32, int, int] | None = None
    dense: DenseWeights | None = None
    position = 0
    while match := _TAG.search(data, position):
        tag = match.group()[2:]
        if tag == b"fc_2":
            (outputs, inputs), start = _integers(data, match.end(), 2)
            values, position = _tensor(data, start)
            dense = DenseWeights(values.reshape(inputs, outputs))
        elif tag == b"con_4":
            values, end = _tensor(data, match.end())
            numbers, position = _integers(data, end, _INTEGERS_AFTER_CONVOLUTION)
            filters, stride, padding, shape = numbers[0], numbers[3], numbers[5], numbers[8:12]
            pending = (values[:-filters].reshape(shape), values[-filters:], stride, padding)
        else:
            values, end = _tensor(data, match.end())
            (_, _, channels), position = _integers(data, end, _INTEGERS_AFTER_AFFINE)
            if pending is None or channels * 2 != values.size:
                raise ValueError(f"not a dlib face recognition network: stray affine layer at byte {match.start()}")
            kernel, bias, stride, padding = pending
            pending = None
            convolutions.append(ConvolutionWeights(kernel, bias, values[:channels], values[channels:], stride, padding))
    if dense is None or pending is not None or not convolutions:
        raise ValueError("not a dlib face recognition network: layers are missing")
    return NetworkWeights(tuple(convolutions), dense)


def _integers(data: bytes, position: int, count: int) -> tuple[list[int], int]:
    """``count`` integers from ``position`` on, and where they end."""
    values = []
    for _ in range(count):
        size = data[position] & 0x0F
        value = int.from_bytes(data[position + 1 : position + 1 + size], "little")
        values.append(-value if data[position] & 0x80 else value)
        position += 1 + size
    return values, position


def _tensor(data: bytes, position: int) -> tuple[Float32, int]:
    """The floats of the tensor at ``position``, flat, and where it ends."""
    (version, *shape), start = _integers(data, position, 5)
    count = int(np.prod(shape))
    if version != _TENSOR_VERSION or count <= 0 or start + 4 * count > len(data):
        raise ValueError(f"not a dlib face recognition network: no tensor at byte {position}")
    return np.frombuffer(data, "<f4", count, start), start + 4 * count
