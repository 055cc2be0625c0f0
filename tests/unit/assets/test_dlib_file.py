"""Weights in dlib's own format, written here by the rules and read back."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from emorec.assets.dlib_file import read_network


def integer(value: int) -> bytes:
    size = max(1, (abs(value).bit_length() + 7) // 8)
    return bytes([size | (0x80 if value < 0 else 0)]) + abs(value).to_bytes(size, "little")


def integers(*values: int) -> bytes:
    return b"".join(integer(value) for value in values)


def tag(name: str) -> bytes:
    return integer(len(name)) + name.encode()


def tensor(values: NDArray[np.float32], shape: tuple[int, int, int, int]) -> bytes:
    return integers(2, *shape) + values.astype("<f4").tobytes()


def convolution(kernel: NDArray[np.float32], bias: NDArray[np.float32], stride: int, padding: int) -> bytes:
    filters, k, rows, columns = kernel.shape
    after = (
        filters,
        rows,
        columns,
        stride,
        stride,
        padding,
        padding,
        1,
        filters,
        k,
        rows,
        columns,
        1,
        1,
        filters,
        1,
        1,
    )
    values = np.concatenate([kernel.ravel(), bias])
    return tag("con_4") + tensor(values, (values.size, 1, 1, 1)) + integers(*after)


def affine(gamma: NDArray[np.float32], beta: NDArray[np.float32]) -> bytes:
    values, n = np.concatenate([gamma, beta]), len(gamma)
    return tag("affine_") + tensor(values, (values.size, 1, 1, 1)) + integers(1, 1, n, 1, 1, 1, 1, n, 1, 1, 0)


def dense(kernel: NDArray[np.float32]) -> bytes:
    inputs, outputs = kernel.shape
    return tag("fc_2") + integers(outputs, inputs) + tensor(kernel, (inputs, outputs, 1, 1))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def test_all_weights_come_back_in_order(rng: np.random.Generator) -> None:
    shapes = [((4, 3, 7, 7), 2, 0), ((300, 4, 3, 3), 1, 1)]
    kernels = [rng.normal(size=shape).astype(np.float32) for shape, _, _ in shapes]
    vectors = [[rng.normal(size=len(kernel)).astype(np.float32) for _ in range(3)] for kernel in kernels]
    last = rng.normal(size=(300, 5)).astype(np.float32)
    data = b"header\x01\x02"
    for (_, stride, padding), kernel, (bias, gamma, beta) in zip(shapes, kernels, vectors, strict=True):
        data += convolution(kernel, bias, stride, padding) + affine(gamma, beta) + tag("relu_")
    network = read_network(data + dense(last) + b"end")

    assert [(c.stride, c.padding) for c in network.convolutions] == [(2, 0), (1, 1)]
    for read, kernel, (bias, gamma, beta) in zip(network.convolutions, kernels, vectors, strict=True):
        np.testing.assert_array_equal(read.kernel, kernel)
        np.testing.assert_array_equal(np.stack([read.bias, read.gamma, read.beta]), np.stack([bias, gamma, beta]))
    np.testing.assert_array_equal(network.dense.kernel, last)
    assert network.parameters == sum(k.size + 3 * len(k) for k in kernels) + last.size


def test_a_tag_among_the_floats_is_not_a_layer(rng: np.random.Generator) -> None:
    kernel, vector = rng.normal(size=(8, 2, 3, 3)).astype(np.float32), np.zeros(8, np.float32)
    poisoned = kernel.copy()
    poisoned.reshape(-1)[:2] = np.frombuffer(tag("con_4") + b"\0", np.float32)
    data = convolution(poisoned, vector, 1, 1) + affine(vector, vector) + dense(np.ones((8, 2), np.float32))
    assert len(read_network(data).convolutions) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a network at all",
        affine(np.ones(3, np.float32), np.ones(3, np.float32)),
        convolution(np.ones((2, 3, 3, 3), np.float32), np.ones(2, np.float32), 1, 1)[:100],
    ],
    ids=["empty", "text", "an affine layer alone", "cut off"],
)
def test_what_is_not_such_a_network_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a dlib face recognition network"):
        read_network(data)
