"""What is known of a recording before its samples are read, or why it cannot be used."""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import av

from emorec.errors import InputError
from emorec.recording.chunks import PacketScan, scan_packets
from emorec.recording.container import Video, open_video, refuse_large_pictures
from emorec.recording.files import shown
from emorec.recording.pictures import displayed_size, orientation
from emorec.settings.recording import RecordingSettings
from emorec.types import RecordingInfo

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

__all__ = ["probe"]

PACKETS_TO_FIRST_PICTURE = 1000
"""A recording of which none of this many packets (40 s at 25 a second) can be decoded is refused."""

_REFUSED_SIZE = re.compile(r"Picture size (\d+)x(\d+) (?:is invalid|exceeds)")
"""What FFmpeg's log says of a picture that is too large (av_image_check_size2)."""

BROKEN_OFF_S = 1.0
"""A file that states more than this beyond its last picture has been broken off."""


def probe(path: Path, settings: RecordingSettings) -> RecordingInfo:
    """Look at a recording: one pass for its SHA-256, one over its packets, and one picture decoded.

    Raises:
        InputError: it cannot be used; the message says why, in one line.
    """
    path = path.absolute()
    with open_video(path, settings) as video:
        frame = _first_picture(video, settings)
        rotation_deg, mirrored = orientation(frame)
    # Opened anew: the decoder has read ahead.
    with open_video(path, settings) as video:
        scan = scan_packets(video, settings.max_duration_s)
        if scan.end_s <= 0:
            raise InputError(f"{shown(path)}: none of its pictures has a time; the file is damaged, export it again")
        stated_s = _stated_end_s(video, settings.max_duration_s)
        width_px, height_px = displayed_size(video.stream, frame, rotation_deg)
        codec = video.stream.codec.canonical_name
        container = video.container.format.name
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        status = os.fstat(file.fileno())
    broken_off = stated_s > scan.end_s + BROKEN_OFF_S
    return RecordingInfo(
        path=path,
        sha256=sha256,
        size_bytes=status.st_size,
        duration_s=stated_s if broken_off else scan.end_s,
        width_px=width_px,
        height_px=height_px,
        fps=round(scan.pictures / scan.end_s, 3),
        codec=codec,
        container=container.split(",")[0],
        rotation_deg=rotation_deg,
        mirrored=mirrored,
        warnings=_warnings(scan, stated_s if broken_off else math.nan),
        modified_s=status.st_mtime,
        broken_off=broken_off,
    )


def _first_picture(video: Video, settings: RecordingSettings) -> VideoFrame:
    with _refused_sizes() as refused_px:
        for packet in islice(video.packets(), PACKETS_TO_FIRST_PICTURE):
            try:
                frames = video.stream.decode(packet)
            except av.FFmpegError:
                continue
            if frames:
                return frames[0]
        try:
            last = video.stream.decode(None)
        except av.FFmpegError:
            last = []
    if last:
        return last[0]
    for width_px, height_px in refused_px:
        refuse_large_pictures(video.path, width_px, height_px, settings)
    raise InputError(
        f"{shown(video.path)}: none of its pictures ({video.stream.codec.long_name}) could be decoded; "
        "the file is damaged, copy or export it again"
    )


@contextmanager
def _refused_sizes() -> Iterator[list[tuple[int, int]]]:
    """The sizes of pictures, px, that FFmpeg refuses meanwhile, filled in at the end.

    It says them in its log alone: where a header within the pictures states more than ``max_pixels``, or more than
    FFmpeg itself can address (16,384 × 16,384 is), neither the container nor the decoder has a size afterwards.
    """
    sizes: list[tuple[int, int]] = []
    level, skip = av.logging.get_level(), av.logging.get_skip_repeated()
    av.logging.set_level(av.logging.ERROR)
    # Otherwise a size that an earlier recording had would not be said again.
    av.logging.set_skip_repeated(False)
    try:
        with av.logging.Capture() as said:
            yield sizes
    finally:
        av.logging.set_skip_repeated(skip)
        av.logging.set_level(level)
    sizes += [(int(found[1]), int(found[2])) for _, _, text in said if (found := _REFUSED_SIZE.match(text))]


def _stated_end_s(video: Video, max_duration_s: float) -> float:
    """Where the pictures end according to the file's header, s; NaN where that says nothing of use."""
    stream, container = video.stream, video.container
    end_s = math.nan
    if stream.duration:
        start = stream.start_time if stream.start_time is not None else video.origin
        end_s = video.seconds(start + stream.duration)
    elif container.duration:
        # Of the whole file, sound included, and in Matroska counted from 0 wherever the first picture lies.
        end_s = container.duration / av.time_base - float(video.origin * video.tick_s)
    return end_s if end_s <= max_duration_s else math.nan


def _warnings(scan: PacketScan, stated_s: float) -> tuple[str, ...]:
    warnings = []
    if not math.isnan(stated_s):
        warnings.append(f"the file states {stated_s:.1f} s, but its pictures end at {scan.end_s:.1f} s")
    if not math.isnan(scan.back_s):
        warnings.append(f"times go back at {scan.back_s:.1f} s; what repeats earlier times is left out")
    return tuple(warnings)
