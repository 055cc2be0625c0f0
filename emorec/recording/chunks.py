"""The packets of a recording looked through without decoding, and the grid of chunks laid over its keyframes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emorec.errors import InputError
from emorec.recording.container import Video, open_video, packet_ticks
from emorec.recording.files import shown
from emorec.settings.recording import RecordingSettings
from emorec.types import Chunk, RecordingInfo

__all__ = ["PacketScan", "lay_grid", "plan_chunks", "scan_packets"]

FALLBACK_FPS = 25
"""For the length of the last picture where a file says neither that nor its rate."""


REORDERING_S = 1.0
"""Longer than any reordering takes: a picture this much before the latest one shows that times went back."""


@dataclass(frozen=True)
class PacketScan:
    """What the packets say: times of the keyframes at which decoding can begin, s, increasing; where the last picture
    ends, s (0 if none has a time); how many pictures there are; when times first go back, s (NaN if never)."""

    keyframes_s: NDArray[np.float64]
    end_s: float
    pictures: int
    back_s: float

    @property
    def timed(self) -> bool:
        """Whether any picture has a time."""
        return self.end_s > 0


def plan_chunks(info: RecordingInfo, settings: RecordingSettings) -> tuple[Chunk, ...]:
    """Cut a recording at the keyframes nearest to the multiples of ``settings.chunk_s``.

    Reads all packets and decodes none: about a second for 3 hours. Depends on the file and the settings only. The first
    chunk begins at 0, the last ends at the recording's end; a recording without usable keyframes is one chunk.

    Raises:
        InputError: the file is not the readable recording any more that it was.
    """
    with open_video(info.path, settings) as video:
        scan = scan_packets(video, settings.max_duration_s)
        keyframes_s = scan.keyframes_s
        if len(keyframes_s) == scan.pictures and not video.stream.codec.intra_only:
            # Where every picture of a codec with motion is flagged, the flags mean nothing.
            keyframes_s = keyframes_s[:0]
    return lay_grid(keyframes_s, min(scan.end_s, info.duration_s), info.duration_s, settings.chunk_s)


def lay_grid(
    keyframes_s: NDArray[np.float64], read_until_s: float, duration_s: float, chunk_s: float
) -> tuple[Chunk, ...]:
    """The chunks between the keyframes nearest to multiples of ``chunk_s`` and at most half of it away.

    Args:
        keyframes_s: increasing times at which decoding can begin, s.
        read_until_s: no chunk begins behind this, s.
        duration_s: where the last chunk ends, s.
        chunk_s: length aimed at, s.
    """
    cuts_s = [0.0]
    inside_s = keyframes_s[(keyframes_s > 0) & (keyframes_s < read_until_s)]
    wanted_s = np.arange(chunk_s, read_until_s, chunk_s)
    for wanted in wanted_s if len(inside_s) else ():
        nearest_s = float(inside_s[np.argmin(np.abs(inside_s - wanted))])
        if abs(nearest_s - wanted) <= chunk_s / 2 and nearest_s > cuts_s[-1]:
            cuts_s.append(nearest_s)
    return tuple(Chunk(i, t0, t1) for i, (t0, t1) in enumerate(zip(cuts_s, [*cuts_s[1:], duration_s], strict=True)))


def scan_packets(video: Video, max_duration_s: float) -> PacketScan:
    """Look through all packets of a freshly opened recording.

    Raises:
        InputError: it is longer than ``max_duration_s``.
    """
    longest = video.ticks(max_duration_s)
    keyframes: list[int] = []
    pictures, latest, latest_ticks = 0, video.origin - 1, 0
    reordered, back = round(REORDERING_S / video.tick_s), None
    for packet in video.packets():
        pictures += 1
        ticks = packet_ticks(packet)
        # Also where times go back, a keyframe counts only if it is later than all before it.
        if ticks is not None and ticks > latest:
            if ticks > longest:
                raise InputError(
                    f"{shown(video.path)}: is longer than recording.max_duration_s ({max_duration_s:g} s) allows; "
                    "raise it or cut the recording"
                )
            latest, latest_ticks = ticks, packet.duration or 0
            if packet.is_keyframe:
                keyframes.append(ticks)
        elif ticks is not None and ticks < latest - reordered and back is None:
            back = latest
    usual_ticks = round(1 / (video.stream.average_rate or FALLBACK_FPS) / video.tick_s)
    return PacketScan(
        keyframes_s=np.array([video.seconds(ticks) for ticks in keyframes]),
        end_s=video.seconds(latest + (latest_ticks or usual_ticks or 1)) if latest >= video.origin else 0.0,
        pictures=pictures,
        back_s=math.nan if back is None else video.seconds(back),
    )
