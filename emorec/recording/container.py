"""Opening a media file so that nothing but that one file can ever be read, and taking its packets."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.stream import Discard, Disposition

from emorec.errors import InputError
from emorec.recording.files import open_regular, reason_unreadable, refuse_what_is_no_media, shown
from emorec.settings.recording import RecordingSettings

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

    VideoPacket = Packet[VideoStream]

__all__ = ["REORDER_PACKETS", "Video", "open_video", "packet_ticks", "refuse_large_pictures"]

CONTAINERS = ("mov", "matroska", "avi", "mpegts", "flv", "asf", "mpeg", "ogg")
"""FFmpeg's names of the containers that are read: those that hold their own pictures. hls, dash, concat, image
sequences, SDP and whatever else opens more files are not among them."""

CONTAINERS_WITHOUT_PTS = ("avi",)
"""Containers that number pictures in the order of decoding, not of display."""

REORDER_PACKETS = 16
"""The most pictures that H.264 and HEVC let wait for one that is displayed before them (MaxDpbFrames,
ITU-T H.264 A.3.1, H.265 A.4.2)."""

MAX_PACKETS_TO_FIRST_KEYFRAME = 1000
"""A stream that was cut may begin within a group of pictures: 40 s at 25 pictures a second."""

MAX_PROBED_PIXELS = 2**28
"""Up to 16,384 × 16,384 px FFmpeg may find out how large the pictures are, so that a refusal can say it; nothing
larger than the settings allow is decoded after that."""

MAX_UNREADABLE = 100
"""Reads that may fail in a row before a file counts as broken off."""

SEEK_BACK_S = (0, 2, 10, 60)
"""How much earlier to seek where a container lands behind the keyframe that was asked for."""


@dataclass
class Video:
    """The pictures of an open recording.

    ``origin``: the tick of the first picture displayed; ``tick_s``: seconds per tick; ``ordered``: whether packets
    carry times of display; ``unreadable``: reads that failed.
    """

    path: Path
    container: InputContainer
    stream: VideoStream
    tick_s: Fraction
    ordered: bool
    origin: int = 0
    unreadable: int = 0
    _head: list[VideoPacket] = field(default_factory=list)
    _rest: Iterator[VideoPacket] = field(default_factory=lambda: iter(()))

    def seconds(self, ticks: int) -> float:
        """Time of the recording at a tick."""
        return float((ticks - self.origin) * self.tick_s)

    def ticks(self, t_s: float) -> int:
        """The tick nearest to a time of the recording."""
        return round(t_s / self.tick_s) + self.origin

    def packets(self) -> Iterator[VideoPacket]:
        """All packets from the beginning, in order of decoding; what cannot be read is passed over."""
        return itertools.chain(self._head, self._rest)

    def packets_from(self, keyframe: int) -> Iterator[VideoPacket]:
        """The packets from the keyframe at this tick on: one seek, and the container's own index need not be exact.

        Raises:
            InputError: the file cannot be read from its beginning again.
        """
        for back_s in SEEK_BACK_S:
            target = keyframe - round(back_s / self.tick_s)
            if target <= self.origin:
                break
            try:
                self.container.seek(target, stream=self.stream)
            except av.FFmpegError:
                continue
            packets = _from_keyframe(self._read(), keyframe)
            first = next(packets, None)
            if first is not None and packet_ticks(first) == keyframe:
                return itertools.chain((first,), packets)
        try:
            self.container.seek(min(0, self.origin), stream=self.stream)
        except av.FFmpegError as error:
            raise InputError(
                f"{shown(self.path)}: cannot be read from {self.seconds(keyframe):.1f} s on ({error.strerror}); "
                "copy or export it again"
            ) from error
        return _from_keyframe(self._read(), keyframe)

    def find_origin(self) -> None:
        """Read on to the first picture that is displayed, and keep what was read for :meth:`packets`."""
        self._rest = self._read()
        shown_after, key = REORDER_PACKETS, None
        for packet in self._rest:
            self._head.append(packet)
            if key is None and packet.is_keyframe:
                key = packet_ticks(packet)
            elif key is not None:
                shown_after -= 1
            if not shown_after or len(self._head) == MAX_PACKETS_TO_FIRST_KEYFRAME:
                break
        times = [ticks for p in self._head if not p.is_discard and (ticks := packet_ticks(p)) is not None]
        self.origin = min((ticks for ticks in times if key is None or ticks >= key), default=0)

    def forget_packets(self) -> None:
        """Let go of what is still to be read: it refers back to this object, and both would keep the decoder's memory
        until the garbage collector comes."""
        self._head.clear()
        self._rest = iter(())

    def _read(self) -> Iterator[VideoPacket]:
        failed = 0
        while failed < MAX_UNREADABLE:
            try:
                for packet in self.container.demux(self.stream):
                    # To a decoder an empty packet means the end; some containers have them for pictures left out.
                    if packet.size:
                        failed = 0
                        yield packet
            except av.FFmpegError:
                failed += 1
                self.unreadable += 1
            else:
                return


def packet_ticks(packet: VideoPacket) -> int | None:
    """When a packet's picture is displayed, as far as the container knows."""
    return packet.pts if packet.pts is not None else packet.dts


@contextmanager
def open_video(path: Path, settings: RecordingSettings) -> Iterator[Video]:
    """Open a recording's pictures.

    Raises:
        InputError: it is no regular file, no media, in no container or codec that is read, has no pictures, or
            larger ones than the settings allow.
    """
    descriptor = open_regular(path)
    try:
        refuse_what_is_no_media(path, descriptor)
        # By descriptor, FFmpeg sees no name (whose ending it would believe), and since that is the only protocol it
        # may use, no container can make it open anything else.
        options = {
            "fd": str(descriptor),
            "protocol_whitelist": "fd",
            "format_whitelist": ",".join(CONTAINERS),
            "max_pixels": str(max(settings.max_pixels, MAX_PROBED_PIXELS)),
        }
        container = av.open("fd:", options=options, metadata_errors="replace")
    except (av.FFmpegError, av.codec.codec.UnknownCodecError) as error:
        raise InputError(f"{shown(path)}: {reason_unreadable(path)}") from error
    finally:
        # FFmpeg has made a copy of its own.
        os.close(descriptor)
    with container:
        stream = _stream_of_pictures(path, container, settings)
        for other in container.streams:
            if other.index != stream.index:
                other.discard = Discard.all
        ordered = container.format.name not in CONTAINERS_WITHOUT_PTS
        video = Video(path, container, stream, stream.time_base or Fraction(1, av.time_base), ordered)
        try:
            video.find_origin()
            yield video
        finally:
            video.forget_packets()


def _stream_of_pictures(path: Path, container: InputContainer, settings: RecordingSettings) -> VideoStream:
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        reason = "has sound but no pictures" if container.streams.audio else "has no pictures"
        raise InputError(f"{shown(path)}: {reason}; a recording of the meeting's pictures is needed")
    best = container.streams.best("video")
    stream = next((s for s in streams if best is not None and s.index == best.index), streams[0])
    context = stream.codec_context
    if context is None:
        raise InputError(f"{shown(path)}: its pictures are in a codec that cannot be decoded; export it as H.264")
    refuse_large_pictures(path, context.width, context.height, settings)
    context.options = {"max_pixels": str(settings.max_pixels)}
    return stream


def refuse_large_pictures(path: Path, width_px: int, height_px: int, settings: RecordingSettings) -> None:
    """Refuse pictures by what a header says of their size.

    Raises:
        InputError: they are larger than the settings allow.
    """
    if width_px * height_px > settings.max_pixels:
        raise InputError(
            f"{shown(path)}: its pictures of {width_px}×{height_px} px are larger than "
            f"recording.max_pixels ({settings.max_pixels:,}) allows; export it smaller"
        )


def _from_keyframe(packets: Iterator[VideoPacket], keyframe: int) -> Iterator[VideoPacket]:
    """The packets from that keyframe (the next, if it is missing) on, without pictures displayed before it."""

    def comes_before(packet: VideoPacket) -> bool:
        ticks = packet_ticks(packet)
        return not packet.is_keyframe or ticks is None or ticks < keyframe

    found = itertools.dropwhile(comes_before, packets)
    return (p for p in found if (ticks := packet_ticks(p)) is None or ticks >= keyframe)
