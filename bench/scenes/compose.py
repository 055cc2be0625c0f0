"""A scenario → a recording and its truth."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import av
import numpy as np

from bench.scenes.clips import Clip, picture
from bench.scenes.drawing import cover, draw_tile, hash_of, paste_cutout, room_picture, slide
from bench.scenes.layouts import SHARE, places
from bench.scenes.scenario import STYLES, Scenario, View, inside
from emorec.types import UInt8

if TYPE_CHECKING:
    from av.video.stream import VideoStream

__all__ = ["Composed", "compose"]

COLUMNS = ("t", "person", "name", "state", "primary", "x", "y", "w", "h")
SLIDE_S = 9.0
OPTIONS = {"libx264": {"preset": "superfast"}, "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "b": "0"}}
Box = tuple[float, float, float, float]
Shown = dict[int, list[tuple[bool, Box | None]]]
"""What is shown of each person: whether their camera is on, and the face's box."""


@dataclass(frozen=True)
class Composed:
    """A recording and a CSV file of what it shows, every half second."""

    recording: Path
    truth: Path


def compose(scenario: Scenario, clips_folder: Path, out: Path) -> Composed:
    """Write ``out/NAME.mp4`` and ``out/NAME.truth.csv``."""
    out.mkdir(parents=True, exist_ok=True)
    done = Composed(out / f"{scenario.name}.mp4", out / f"{scenario.name}.truth.csv")
    clips = {name: Clip(clips_folder, name) for name in {*(p.clip for p in scenario.people), *scenario.shown}}
    due = {round(k * scenario.fps / 2): k / 2 for k in range(int(scenario.seconds * 2))}
    with av.open(str(done.recording), "w") as container, done.truth.open("w", newline="") as file:
        options = {"crf": str(scenario.crf), "g": str(scenario.fps * 4), **OPTIONS.get(scenario.codec, {})}
        stream = cast("VideoStream", container.add_stream(scenario.codec, rate=scenario.fps, options=options))
        stream.width, stream.height, stream.pix_fmt = scenario.width_px, scenario.height_px, "yuv420p"
        truth = csv.writer(file)
        truth.writerow(COLUMNS)
        for n in range(int(scenario.seconds * scenario.fps)):
            canvas, shown = _draw(scenario, clips, n / scenario.fps)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(canvas, format="bgr24")))
            if n in due:
                truth.writerows(_rows(scenario, shown, due[n]))
        container.mux(stream.encode(None))
    return done


def _draw(scenario: Scenario, clips: dict[str, Clip], t_s: float) -> tuple[UInt8, Shown]:
    style = STYLES[scenario.style]
    number, view = [(k, v) for k, v in enumerate(scenario.views) if v.from_s <= t_s][-1]
    there = {k for k, person in enumerate(scenario.people) if inside(person.on, t_s)}
    if view.kind == "room":
        return _draw_room(scenario, clips, t_s, view, there)
    canvas = np.empty((scenario.height_px, scenario.width_px, 3), np.uint8)
    canvas[:] = style.background
    shown: Shown = {}
    gap = max(2, round(style.gap * scenario.height_px / 720))
    for who, (x, y, w, h) in places(view, there, scenario.width_px, scenario.height_px, gap):
        if who == SHARE:
            canvas[y : y + h, x : x + w] = _content(scenario, clips, view, number, t_s, w, h)
            continue
        person = scenario.people[who]
        frame, box = None, np.full(4, np.nan)
        if inside(person.camera, t_s):
            frame, box = clips[person.clip].at(t_s + person.offset_s)
        plates = scenario.plates and view.kind != "webcam"
        face = draw_tile(canvas, (x, y, w, h), person, frame, box, style, plates=plates)
        shown.setdefault(who, []).append((frame is not None, face))
    return canvas, shown


def _content(scenario: Scenario, clips: dict[str, Clip], view: View, number: int, t_s: float, w: int, h: int) -> UInt8:
    """What is shared: slides, slides with a photograph, a film of somebody, a desktop with one, a picture."""
    page = number * 10 + int(t_s // SLIDE_S)
    kind, _, name = view.content.partition(":")
    if kind == "slides":
        return slide(w, h, page)
    if kind == "photo":
        return slide(w, h, page, picture(name or "astronaut"))
    film = clips[scenario.shown[0]].at(t_s)[0] if scenario.shown else picture("astronaut")
    if kind == "film":
        return cover(film, w, h)
    if kind == "inset":
        return slide(w, h, page, film)
    return cover(picture(name), w, h)


def _draw_room(
    scenario: Scenario, clips: dict[str, Clip], t_s: float, view: View, there: set[int]
) -> tuple[UInt8, Shown]:
    """People on benches, who sway, lean out now and then, change seats, and walk past each other."""
    width, height = scenario.width_px, scenario.height_px
    canvas = room_picture(width, height, hash_of(scenario.name)).copy()
    order = list(view.order)
    columns = max(3, math.ceil(len(order) / 3))
    shown: Shown = {}
    for place, who in enumerate(order):
        if who not in there:
            continue
        person = scenario.people[who]
        row, column = divmod(place, columns)
        size = width / columns * (0.17 + 0.07 * row) * person.zoom
        phase = hash_of(person.name)
        x = width * (column + 0.5 + 0.25 * (row % 2)) / (columns + 0.5)
        x += 0.25 * size * math.sin(t_s * 0.7 + phase)
        y = height * (0.32 + 0.2 * row) + 0.08 * size * math.sin(t_s * 1.1 + phase)
        if view.content == "walk" and place == 0:
            # Walks along the row in front of the others and back.
            x = width * (0.5 - 0.45 * math.cos(2 * math.pi * t_s / scenario.seconds))
            y += 0.3 * size
        if view.content == "lean" and (t_s + phase) % 15 < 2:
            y += 4 * size
        frame, box = clips[person.clip].at(t_s + person.offset_s)
        face = paste_cutout(canvas, frame, box, (x, y), size)
        shown[who] = [(True, face)]
    return canvas, shown


def _rows(scenario: Scenario, shown: Shown, t_s: float) -> Iterator[tuple[object, ...]]:
    for who, person in enumerate(scenario.people):
        if who not in shown:
            yield t_s, who, person.name, "absent", 1, "", "", "", ""
            continue
        showings = sorted(shown[who], key=lambda s: -(s[1][2] * s[1][3] if s[1] else 0))
        for rank, (camera, face) in enumerate(showings):
            box = [round(v, 1) for v in face] if face else [""] * 4
            yield t_s, who, person.name, "visible" if camera else "camera_off", int(rank == 0), *box
