"""Recordings to measure on, composed anew for each run: galleries of any number of people, with known truth.

The people are clips of the corpus where there is one (../shared/corpus or EMOREC_CORPUS), else the demo's two
portraits over and over, each moving in its own way. However long a meeting is, the same happens in it again and again:
a gallery that is laid out in another order, somebody whose camera is off for a while, a slide that is shared.
"""

from __future__ import annotations

import csv
import itertools
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np

if TYPE_CHECKING:
    from emorec.types import UInt8

__all__ = ["CORPUS", "Meeting", "compose"]

CORPUS = Path(os.environ.get("EMOREC_CORPUS", Path(__file__).parents[2] / "shared" / "corpus"))
FPS, CAMERA_FPS = 25, 12.5
GOP = 4 * FPS
"""Pictures between keyframes: cloud recordings have one every few seconds."""
CLIP_S = 5.0
"""So much of a clip is kept in memory and played forth and back."""
CYCLE_S = 30.0
"""Everything that happens comes again after this time, in another order of the tiles."""
CAMERA_OFF_S, SHARE_S = (8.0, 14.0), (18.0, 24.0)
BACKGROUND, TILE, SLIDE = (24, 26, 28), (50, 52, 58), (246, 246, 242)
GAP_PX = 8
Rect = tuple[int, int, int, int]


@dataclass(frozen=True)
class Meeting:
    """What to compose: ``people`` in pictures of a size, for some seconds; the first ``still`` of them are photographs,
    or cameras whose connection hangs: their pictures never change."""

    people: int
    size_px: tuple[int, int]
    seconds: float
    seed: int = 1
    still: int = 0

    @property
    def name(self) -> str:
        """A file's name."""
        still = f"-{self.still}-still" if self.still else ""
        return f"{self.people}-people-{self.size_px[1]}p-{self.seconds:g}s{still}"


class _Person:
    """Pictures of one person, read once, at any size of a tile; who they are is all that the size leaves alone."""

    def __init__(self, number: int, clip: Path | None) -> None:
        self._number, self._clip = number, clip
        self._shown: dict[tuple[int, int], list[UInt8]] = {}

    def at(self, t_s: float, width: int, height: int) -> UInt8:
        """The tile [height, width, 3] at a time."""
        pictures = self._shown.setdefault((width, height), [])
        if not pictures:
            pictures += self._read(width, height)
        k = int((t_s + 0.37 * self._number) * CAMERA_FPS) % max(1, 2 * len(pictures) - 2)
        return pictures[min(k, 2 * len(pictures) - 2 - k)] if len(pictures) > 1 else pictures[0]

    def _read(self, width: int, height: int) -> list[UInt8]:
        if self._clip is None:
            return self._portraits(width, height)
        with av.open(str(self._clip)) as container:
            rate = float(container.streams.video[0].average_rate or CAMERA_FPS)
            wanted = itertools.islice(container.decode(video=0), round(CLIP_S * rate))
            frames = [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in wanted]
        return [
            _filled(frames[int(k * rate / CAMERA_FPS)], width, height)
            for k in range(int(len(frames) / rate * CAMERA_FPS))
        ]

    def _portraits(self, width: int, height: int) -> list[UInt8]:
        from emorec.demo.drawing import PORTRAITS, LivePortrait

        names = sorted(PORTRAITS)
        live = LivePortrait(PORTRAITS[names[self._number % len(names)]], width, height, seed=self._number)
        shown = [live.at(k / CAMERA_FPS)[0] for k in range(round(CLIP_S * CAMERA_FPS))]
        # Two faces only: mirrored and tinted ones are at least other pictures.
        tint = np.roll([1.0, 0.9, 0.8], self._number // (2 * len(names)))
        mirrored = self._number // len(names) % 2
        return [np.ascontiguousarray((p[:, ::-1] if mirrored else p) * tint).astype(np.uint8) for p in shown]


def compose(meeting: Meeting, folder: Path) -> Path:
    """Write ``folder/NAME.mp4`` (H.264) and, beside it, ``NAME.truth.csv``: t, person, state, the tile's x, y, w, h."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{meeting.name}.mp4"
    with av.open(str(path), "w") as container, path.with_suffix(".truth.csv").open("w", newline="") as file:
        options = {"preset": "superfast", "crf": "27", "g": str(GOP)}
        stream = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = *meeting.size_px, "yuv420p"
        truth = csv.writer(file)
        truth.writerow(("t", "person", "state", "x", "y", "w", "h"))
        for number, (picture, tiles) in enumerate(_pictures(meeting)):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            if number * 2 % FPS == 0:
                truth.writerows((number / FPS, person, state, *rect) for person, state, rect in tiles)
        container.mux(stream.encode(None))
    return path


def _pictures(meeting: Meeting) -> Iterator[tuple[UInt8, list[tuple[int, str, Rect]]]]:
    people = [_Person(number, clip) for number, clip in enumerate(_clips(meeting.people, meeting.seed))]
    width, height = meeting.size_px
    for number in range(round(meeting.seconds * FPS)):
        t_s = number / FPS
        order = list(range(meeting.people))
        random.Random(f"{meeting.seed}-{int(t_s // CYCLE_S)}").shuffle(order)
        into_s = t_s % CYCLE_S
        shares = SHARE_S[0] <= into_s < SHARE_S[1] and meeting.people > 1
        rects = _strip(len(order), width, height) if shares else _gallery(len(order), width, height)
        picture = np.full((height, width, 3), BACKGROUND, np.uint8)
        if shares:
            _draw_slide(picture, int(t_s // CYCLE_S), width - rects[0][2] - 3 * GAP_PX, height)
        tiles = []
        for place, (person, (x, y, w, h)) in enumerate(zip(order, rects, strict=False)):
            off = place == 0 and CAMERA_OFF_S[0] <= into_s < CAMERA_OFF_S[1] and meeting.people > 1
            shown_s = t_s if person >= meeting.still else 0.0
            picture[y : y + h, x : x + w] = TILE if off else people[person].at(shown_s, w, h)
            tiles.append((person, "camera_off" if off else "visible", (x, y, w, h)))
        yield picture, tiles


def _clips(people: int, seed: int) -> Sequence[Path | None]:
    found = sorted((CORPUS / "clips").glob("person_*.mp4"))
    if len(found) < people:
        return [None] * people
    return random.Random(seed).sample(found, people)


def _filled(rgb: UInt8, width: int, height: int) -> UInt8:
    """A picture that fills a tile, cut where it is too high or too wide."""
    scale = max(width / rgb.shape[1], height / rgb.shape[0])
    size = max(width, round(rgb.shape[1] * scale)), max(height, round(rgb.shape[0] * scale))
    large = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    x, y = (size[0] - width) // 2, (size[1] - height) // 3
    return np.ascontiguousarray(large[y : y + height, x : x + width])


def _gallery(n: int, width: int, height: int) -> list[Rect]:
    """16:9 tiles, as large as they can be, the last row in the middle."""

    def tile_width(columns: int) -> float:
        rows = -(-n // columns)
        across = (width - GAP_PX * (columns + 1)) / columns
        return min(across, (height - GAP_PX * (rows + 1)) / rows * 16 / 9)

    columns = max(range(1, n + 1), key=tile_width)
    w = int(tile_width(columns))
    h = w * 9 // 16
    rows = -(-n // columns)
    top = (height - rows * h - (rows - 1) * GAP_PX) // 2
    rects = []
    for k in range(n):
        row, column = divmod(k, columns)
        in_row = min(columns, n - row * columns)
        left = (width - in_row * w - (in_row - 1) * GAP_PX) // 2
        rects.append((left + column * (w + GAP_PX), top + row * (h + GAP_PX), w, h))
    return rects


def _strip(n: int, width: int, height: int) -> list[Rect]:
    """Up to six tiles below each other at the right edge."""
    shown = min(n, 6)
    h = (height - GAP_PX * (shown + 1)) // max(shown, 4)
    w = h * 16 // 9
    return [(width - w - GAP_PX, GAP_PX + k * (h + GAP_PX), w, h) for k in range(shown)]


def _draw_slide(picture: UInt8, number: int, width: int, height: int) -> None:
    picture[GAP_PX : height - GAP_PX, GAP_PX : GAP_PX + width] = SLIDE
    rng = random.Random(number)
    for line in range(9):
        y, length = height // 8 + line * height // 11, rng.randrange(width // 4, width * 3 // 4)
        picture[y : y + height // 40, width // 12 : width // 12 + length] = (70, 72, 80)
