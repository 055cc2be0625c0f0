"""What an ONNX file says of itself: OpenCV runs such files, but does not tell their metadata."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

__all__ = ["metadata"]

_METADATA_PROPS = 14
"""Field of onnx.ModelProto that holds key (1) and value (2) pairs; onnx/onnx.proto of the ONNX project."""


def metadata(path: Path) -> dict[str, str]:
    """The metadata of an ONNX model, by key.

    Raises:
        ValueError: the file is not in Protocol Buffers' wire format.
    """
    found = {}
    for number, value in _fields(path.read_bytes()):
        if number == _METADATA_PROPS:
            pair = dict(_fields(value))
            found[pair.get(1, b"").decode()] = pair.get(2, b"").decode()
    return found


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Numbers and contents of a message's fields of variable length; the others are passed over."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == 2:
            length, at = _varint(message, at)
            if at + length > len(message):
                raise ValueError(f"a field of {length} bytes ends beyond the message")
            yield key >> 3, message[at : at + length]
            at += length
        elif kind == 0:
            _, at = _varint(message, at)
        elif kind in {1, 5}:
            at += 8 if kind == 1 else 4
        else:
            raise ValueError(f"a field of wire type {kind}, which ONNX files do not have")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message):
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
    raise ValueError("a number ends beyond the message")
