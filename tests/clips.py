"""Small media files made for a test: each picture shows its own number, so that a test can tell which one it got."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

WIDTH_PX, HEIGHT_PX = 128, 64
BITS = 10
"""Bars from left to right, black for 0 and white for 1, the highest bit first."""
TICK = Fraction(1, 1000)


def numbered(number: int, width: int = WIDTH_PX, height: int = HEIGHT_PX) -> NDArray[np.uint8]:
    """A picture that shows a number."""
    bars = np.array([255 * (number >> bit & 1) for bit in reversed(range(BITS))], np.uint8)
    row = bars[np.arange(width) * BITS // width]
    return np.repeat(np.tile(row, (height, 1))[:, :, None], 3, axis=2)


def number_in(rgb: NDArray[np.uint8]) -> int:
    """The number that a picture shows, after whatever a codec did to it."""
    width = rgb.shape[1]
    centres = ((np.arange(BITS) + 0.5) * width / BITS).astype(int)
    levels = [rgb[rgb.shape[0] // 4 : -rgb.shape[0] // 4, max(0, c - 1) : c + 2].mean() for c in centres]
    return sum(int(level > 128) << bit for level, bit in zip(levels, reversed(range(BITS)), strict=True))


def write_clip(
    path: Path,
    *,
    codec: str = "libx264",
    times_s: Sequence[float] | None = None,
    seconds: float = 2.0,
    fps: int = 25,
    size: tuple[int, int] = (WIDTH_PX, HEIGHT_PX),
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    pix_fmt: str = "yuv420p",
    rotation: float | None = None,
    mirrored: bool = False,
    pictures: Sequence[NDArray[np.uint8]] | None = None,
    colour: tuple[int, int] | None = None,
    container: str | None = None,
) -> Path:
    """Write a recording whose picture k shows the number k.

    ``times_s``: when each picture is displayed; by default ``fps`` a second for ``seconds``. ``colour``: FFmpeg's
    colour range and space to convert to and to state.
    """
    if codec not in av.codecs_available:
        pytest.skip(f"this PyAV has no encoder {codec}")
    given = times_s is not None
    times = [k / fps for k in range(round(seconds * fps))] if times_s is None else list(times_s)
    with av.open(str(path), "w", format=container, container_options=container_options or {}) as output:
        stream: Any = output.add_stream(codec, rate=fps, options={"g": "25", **(options or {})})
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        stream.codec_context.thread_count = 1
        if given:
            stream.codec_context.time_base = TICK
        if rotation is not None:
            stream.set_display_rotation(rotation, hflip=mirrored)
        if colour is not None:
            stream.codec_context.color_range, stream.codec_context.colorspace = colour
        for k, t_s in enumerate(times):
            picture = pictures[k % len(pictures)] if pictures is not None else numbered(k, *size)
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            if colour is not None:
                frame = frame.reformat(format=pix_fmt, dst_color_range=colour[0], dst_colorspace=colour[1])
            frame.pts = round(t_s / TICK) if given else k
            frame.time_base = TICK if given else Fraction(1, fps)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path
