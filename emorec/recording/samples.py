"""The samples of one chunk: decoded straight through, from one keyframe on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Self

import av

from emorec.recording.container import REORDER_PACKETS, Video, open_video, packet_ticks
from emorec.recording.pictures import PictureConverter
from emorec.settings.recording import RecordingSettings
from emorec.types import Chunk, RecordingInfo, Sample

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

    from emorec.recording.container import VideoPacket
    from emorec.types import UInt8

__all__ = ["SampleReader"]

DECODER_THREADS = 1
"""One thread decodes at the least CPU time; a second takes 20 % more of it for 30 % less waiting, and what is done with
the samples needs the other cores."""

BROKEN_S = 1.0
"""Pictures that end this much before their chunk does show that the file is broken, and not only that its last picture
is displayed for longer than it says."""

MAX_RATE_DENOMINATOR = 1000
"""Sample rates are taken as fractions with at most this denominator, so that times compare exactly."""


class SampleReader:
    """Reads the samples of a chunk: the pictures displayed at the multiples of 1 / rate within [t0, t1).

    Iterate over it once, in a ``with`` block; the first sample comes after some twenty pictures have been read, and
    memory does not grow with the chunk. A sample has the latest picture whose time is at or before its own, so variable
    frame rates need no care, and a gap repeats the picture before it (the very same array). Pictures of another size
    than the recording's first are scaled to fit into that.

    Read in one chunk or in many, a recording gives the same samples: every sample time lies in one chunk, a chunk
    begins with a keyframe, and its last samples are decoded with what follows the next keyframe in the file where a
    picture before it comes that late.

    Pictures that no other picture is decoded from are skipped by the decoder unless they are to be sampled: it is told
    so packet by packet, from the times of the packets around. The samples are the same as with all pictures decoded.

    ``read_until_s``: up to where pictures could be read, s; the chunk's end when all went well, 0 when none of it could
    be read, so that the largest of all chunks is the recording's. ``warnings``: what did not, one line each. Both are
    complete when the iteration has ended.
    """

    def __init__(self, info: RecordingInfo, chunk: Chunk, settings: RecordingSettings) -> None:
        self.read_until_s = 0.0
        self.warnings: list[str] = []
        self._info, self._chunk, self._settings = info, chunk, settings
        self._rate = Fraction(settings.rate_hz).limit_denominator(MAX_RATE_DENOMINATOR)
        self._damaged: list[int] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Open the recording.

        Raises:
            InputError: it cannot be read any more.
        """
        self._video = self._stack.enter_context(open_video(self._info.path, self._settings))
        self._begin = self._video.ticks(self._chunk.t0_s)
        self._end = self._video.ticks(self._chunk.t1_s)
        self._per_tick = self._rate * self._video.tick_s
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __iter__(self) -> Iterator[Sample]:
        video = self._video
        converter = PictureConverter(video.stream, self._info)
        number = self._first_number(self._begin)
        frame: VideoFrame | None = None
        rgb: UInt8 | None = None
        frame_end = self._begin
        for ticks, following in self._pictures(video):
            while frame is not None and self._sample_ticks(number) < min(ticks, self._end):
                rgb = converter.convert(frame) if rgb is None else rgb
                yield Sample(float(number / self._rate), rgb)
                number += 1
            if frame is None and ticks >= self._end:
                break
            if frame is None and self._sample_ticks(number) < ticks:
                self._warn_late(ticks)
                number = self._first_number(ticks)
            frame, rgb = following, None
            frame_end = ticks + (following.duration or 0)
            self.read_until_s = video.seconds(min(frame_end, self._end))
            if ticks >= self._end:
                break
        if frame is not None and frame_end >= self._end - round(BROKEN_S / video.tick_s):
            frame_end = self._end
            self.read_until_s = self._chunk.t1_s
        else:
            from_s = video.seconds(frame_end)
            self.warnings.append(f"no picture could be read from {from_s:.1f} s to {self._chunk.t1_s:.1f} s")
        while frame is not None and self._sample_ticks(number) < frame_end:
            rgb = converter.convert(frame) if rgb is None else rgb
            yield Sample(float(number / self._rate), rgb)
            number += 1
        self._warn_damaged()

    def _pictures(self, video: Video) -> Iterator[tuple[int, VideoFrame]]:
        """Decoded frames in order of display, with their ticks, from the chunk's keyframe on."""
        latest = self._begin - 1 if self._chunk.index else video.origin - 1
        untimed: list[int] = []
        for frame in self._decoded(video, untimed):
            ticks = frame.pts if frame.pts is not None else frame.dts
            if not video.ordered and untimed:
                # The container numbers pictures in the order of decoding; frames come in the order of display.
                while frame.key_frame and ticks is not None and untimed[0] < ticks and len(untimed) > 1:
                    heappop(untimed)
                ticks = heappop(untimed)
            if ticks is not None and ticks > latest:
                latest = ticks
                yield ticks, frame

    def _decoded(self, video: Video, untimed: list[int]) -> Iterator[VideoFrame]:
        stream = video.stream
        stream.thread_count = DECODER_THREADS
        packets = video.packets_from(self._begin) if self._chunk.index else video.packets()
        for packet, sampled in self._marked(packets, video.ordered):
            ticks = packet_ticks(packet)
            if not video.ordered and ticks is not None:
                heappush(untimed, ticks)
            stream.codec_context.skip_frame = "DEFAULT" if sampled else "NONREF"
            try:
                yield from stream.decode(packet)
            except av.FFmpegError:
                self._damaged.append(self._begin if ticks is None else ticks)
                if untimed:
                    heappop(untimed)
        try:
            yield from stream.decode(None)
        except av.FFmpegError:
            return

    def _marked(self, packets: Iterator[VideoPacket], ordered: bool) -> Iterator[tuple[VideoPacket, bool]]:
        """Each packet, and whether its picture may be one that is sampled."""
        waiting: deque[VideoPacket] = deque()
        near: deque[int] = deque(maxlen=3 * REORDER_PACKETS)
        for packet in packets:
            waiting.append(packet)
            if packet.pts is not None:
                near.append(packet.pts)
            if len(waiting) > REORDER_PACKETS:
                first = waiting.popleft()
                yield first, not ordered or self._may_be_sampled(first.pts, near)
        for packet in waiting:
            yield packet, not ordered or self._may_be_sampled(packet.pts, near)

    def _may_be_sampled(self, ticks: int | None, near: deque[int]) -> bool:
        """Whether no picture is known that is displayed after this one and by the time of the next sample."""
        if ticks is None:
            return True
        sample = self._sample_ticks(self._first_number(ticks))
        return sample < self._end and not any(ticks < other <= sample for other in near)

    def _first_number(self, ticks: int) -> int:
        """Number of the first sample at or after a tick."""
        samples = (ticks - self._video.origin) * self._per_tick.numerator
        return max(0, -(-samples // self._per_tick.denominator))

    def _sample_ticks(self, number: int) -> int:
        """The last tick that is not after a sample: a picture from then or before is the one displayed."""
        return self._video.origin + number * self._per_tick.denominator // self._per_tick.numerator

    def _warn_late(self, ticks: int) -> None:
        self.warnings.append(
            f"no picture could be read from {self._chunk.t0_s:.1f} s to {self._video.seconds(ticks):.1f} s"
        )

    def _warn_damaged(self) -> None:
        lost = len(self._damaged) + self._video.unreadable
        if not lost:
            return
        between = ""
        if self._damaged:
            first_s, last_s = self._video.seconds(min(self._damaged)), self._video.seconds(max(self._damaged))
            between = f" between {first_s:.1f} s and {last_s:.1f} s"
        self.warnings.append(f"{lost} damaged packet{'s' * (lost > 1)} passed over{between}")
