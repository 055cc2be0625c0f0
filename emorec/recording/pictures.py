"""A decoded frame → the picture as displayed: colours, shape of the pixels, rotation."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, cast

import numpy as np
from av.video.reformatter import Colorspace, VideoReformatter

if TYPE_CHECKING:
    from av.buffer import Buffer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from emorec.types import RecordingInfo, UInt8

__all__ = ["PictureConverter", "displayed_size", "orientation"]

MAX_PIXEL_ASPECT = 4
"""Pixels that are said to be longer than this are taken for a fault of the file and for square."""

HD_WIDTH_PX, HD_HEIGHT_PX = 1280, 576
"""Where a file does not say its colour matrix, pictures at least this wide or higher than this are BT.709, others
BT.601, as mpv and most players have it (ITU-R BT.709 is the HD standard, BT.601 the SD one)."""

_UNSPECIFIED = 2
"""AVCOL_SPC_UNSPECIFIED, FFmpeg's pixfmt.h."""


class PictureConverter:
    """Makes RGB pictures of one size from the frames of one recording.

    A frame of another size (a recording may change its resolution) is scaled to fit, in the middle, on black: so boxes
    mean the same throughout. Costs no scaling for frames of the usual size with square pixels.
    """

    def __init__(self, stream: VideoStream, info: RecordingInfo) -> None:
        self._aspect = pixel_aspect(stream)
        self._quarters, self._mirrored = info.rotation_deg // 90, info.mirrored
        self._size_px = info.width_px, info.height_px
        self._reformatter = VideoReformatter()

    def convert(self, frame: VideoFrame) -> UInt8:
        """The picture [H, W, 3] uint8 RGB as displayed, contiguous."""
        box_width, box_height = self._size_px[::-1] if self._quarters % 2 else self._size_px
        scale = float(min(box_width / (frame.width * self._aspect), Fraction(box_height, frame.height)))
        width = min(box_width, max(1, round(frame.width * self._aspect * scale)))
        height = min(box_height, max(1, round(frame.height * scale)))
        scaled = self._reformatter.reformat(
            frame, width=width, height=height, format="rgb24", src_colorspace=_colorspace(frame), threads=1
        )
        rgb = np.rot90(_array(scaled), -self._quarters)
        if self._mirrored:
            rgb = rgb[:, ::-1]
        if rgb.shape[1::-1] != self._size_px:
            rgb = _centred(rgb, *self._size_px)
        return np.ascontiguousarray(rgb)


def _array(frame: VideoFrame) -> UInt8:
    """The pixels [H, W, 3] of an RGB frame: its own memory, which lives as long as the array, where rows follow each
    other without a gap; else a copy."""
    plane = frame.planes[0]
    if plane.line_size != 3 * frame.width:
        return cast("UInt8", frame.to_ndarray())
    pixels = np.frombuffer(plane, np.uint8)  # type: ignore[call-overload]  # a buffer, as PyAV does not say
    return cast("UInt8", pixels[: 3 * frame.width * frame.height].reshape(frame.height, frame.width, 3))


def displayed_size(stream: VideoStream, frame: VideoFrame, rotation_deg: int) -> tuple[int, int]:
    """Width and height in px at which a frame is displayed: square pixels, rotation applied."""
    width, height = max(1, round(frame.width * pixel_aspect(stream))), frame.height
    return (height, width) if rotation_deg % 180 else (width, height)


def orientation(frame: VideoFrame) -> tuple[int, bool]:
    """How a frame is to be turned for display, degrees clockwise (0, 90, 180 or 270), and whether it is to be mirrored
    left to right after that.

    Once per recording, not per frame: a frame whose side data were looked at refers to itself, and keeps its picture
    and the decoder's pool until the garbage collector comes.

    The display matrix (ISO/IEC 14496-12, 8.2.2.1) maps a stored point (x, y) to (a·x + c·y, b·x + d·y); it is taken to
    the nearest quarter turn.
    """
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return 0, False
    a, b, _, c, d = np.frombuffer(bytes(cast("Buffer", data)), np.int32)[:5].tolist()
    if abs(b) + abs(c) > abs(a) + abs(d):
        return (270 if b < 0 else 90), (b < 0) == (c < 0)
    return (180 if d < 0 else 0), (a < 0) != (d < 0)


def pixel_aspect(stream: VideoStream) -> Fraction:
    """Width of a stored pixel over its height."""
    aspect = stream.sample_aspect_ratio
    if not aspect or not Fraction(1, MAX_PIXEL_ASPECT) <= aspect <= MAX_PIXEL_ASPECT:
        return Fraction(1)
    return Fraction(aspect)


def _colorspace(frame: VideoFrame) -> int | None:
    if frame.colorspace != _UNSPECIFIED or frame.format.is_rgb:
        return None
    hd = frame.width >= HD_WIDTH_PX or frame.height > HD_HEIGHT_PX
    return int((Colorspace.ITU709 if hd else Colorspace.ITU601).value)


def _centred(rgb: UInt8, width_px: int, height_px: int) -> UInt8:
    picture = np.zeros((height_px, width_px, 3), np.uint8)
    y, x = (height_px - rgb.shape[0]) // 2, (width_px - rgb.shape[1]) // 2
    picture[y : y + rgb.shape[0], x : x + rgb.shape[1]] = rgb
    return picture
