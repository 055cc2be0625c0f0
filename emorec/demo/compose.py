"""Composing the demo recording and its truth."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import av
import cv2
import numpy as np

from emorec.demo.drawing import (
    BACKGROUND,
    PORTRAITS,
    LivePortrait,
    draw_camera_off,
    draw_name,
    draw_slide,
    paste_rounded,
)
from emorec.demo.scenario import HEIGHT_PX, PEOPLE, SCENARIO_S, WIDTH_PX, Scene, raised_at, scene_at

if TYPE_CHECKING:
    from av.video.stream import VideoStream

    from emorec.types import UInt8

__all__ = ["Demo", "compose"]

FPS = 25
CAMERA_EVERY = 2
"""Cameras give a new picture for every second one of the recording, as in many calls."""

TRUTH_HZ = 2
TRUTH_COLUMNS = ("t", "person", "name", "state", "primary", "x", "y", "w", "h")

ENCODER = {"preset": "superfast", "crf": "28", "g": str(2 * FPS)}
ENCODER_THREADS = 2
"""Fixed, because the bytes depend on it."""

_LIMITED, _BT601 = 1, 6
"""AVCOL_RANGE_MPEG, AVCOL_SPC_SMPTE170M, FFmpeg's pixfmt.h: what OpenCV's conversion makes."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Demo:
    """The demo recording, and a CSV file of what it shows: a row per person every half second (t, person, name,
    state, primary, x, y, w, h; state is visible, camera_off or absent, the box is the face's, px)."""

    recording: Path
    truth: Path


def compose(out_folder: Path, seconds: float = SCENARIO_S) -> Demo:
    """Compose ``demo.mp4`` and ``demo.truth.csv`` in a folder, on one machine the same bytes every time.

    A gallery of 1280×720 px at 25 pictures a second. Two of four people are seen; one joins, one turns the camera off
    for a while, two never turn it on, one leaves; a screen is shared, with a change of slide, and the tiles come back
    in another order; after a question everybody looks up for some seconds.

    Args:
        out_folder: made if it is not there.
        seconds: length of the recording, s; the same happens in a shorter one, faster.

    Raises:
        AssetError: a package that carries a portrait is not installed.
    """
    out_folder.mkdir(parents=True, exist_ok=True)
    demo = Demo(out_folder / "demo.mp4", out_folder / "demo.truth.csv")
    with av.open(str(demo.recording), "w", container_options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libx264", rate=FPS, options=ENCODER)
        _set_up(stream)
        rows: list[tuple[object, ...]] = []
        frames = round(seconds * FPS)
        due = {round(k * FPS / TRUTH_HZ): k / TRUTH_HZ for k in range(int(seconds * TRUTH_HZ))}
        for number, (picture, scene, faces) in enumerate(_pictures(frames, SCENARIO_S / seconds)):
            frame = av.VideoFrame.from_ndarray(picture, "yuv420p")
            frame.pts = number
            container.mux(stream.encode(frame))
            if number in due:
                rows += _truth(due[number], scene, faces)
        container.mux(stream.encode(None))
    with demo.truth.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(TRUTH_COLUMNS)
        writer.writerows(rows)
    return demo


def _set_up(stream: VideoStream) -> None:
    context = stream.codec_context
    context.width, context.height, context.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
    context.thread_count = ENCODER_THREADS
    context.color_range, context.colorspace = _LIMITED, _BT601


def _pictures(frames: int, speed: float) -> Iterator[tuple[UInt8, Scene, dict[int, Box]]]:
    """Each picture (I420), its scene, and the faces in it by person; ``speed``: scenario seconds per second."""
    cameras: dict[tuple[int, int, int], LivePortrait] = {}
    drawn: Scene | None = None
    encoded, faces = np.empty(0, np.uint8), dict[int, Box]()
    for number in range(frames):
        t_s = number / FPS
        scene = scene_at(t_s * speed)
        if scene != drawn:
            base, drawn = _still(scene), scene
        elif number % CAMERA_EVERY:
            yield encoded, scene, faces
            continue
        picture, faces = base.copy(), {}
        for person, (x, y, w, h), camera_on in scene.tiles:
            if camera_on:
                key = (person, w, h)
                if key not in cameras:
                    cameras[key] = LivePortrait(PORTRAITS[PEOPLE[person].portrait or ""], w, h, seed=person)
                tile, box = cameras[key].at(t_s, raised_at(t_s * speed))
                draw_name(tile, PEOPLE[person].name)
                paste_rounded(picture, tile, (x, y, w, h))
                faces[person] = (x + box[0], y + box[1], box[2], box[3])
        encoded = cast("UInt8", cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420))
        yield encoded, scene, faces


def _still(scene: Scene) -> UInt8:
    """What does not move in a scene."""
    picture = np.full((HEIGHT_PX, WIDTH_PX, 3), BACKGROUND, np.uint8)
    for person, rect, camera_on in scene.tiles:
        if not camera_on:
            tile = draw_camera_off(PEOPLE[person].name, person, *rect[2:])
            draw_name(tile, PEOPLE[person].name)
            paste_rounded(picture, tile, rect)
    if scene.slide is not None:
        page, rect = scene.slide
        paste_rounded(picture, draw_slide(page, *rect[2:]), rect)
    return picture


def _truth(t_s: float, scene: Scene, faces: dict[int, Box]) -> Iterator[tuple[object, ...]]:
    """A row per person, as TRUTH_COLUMNS."""
    shown = {person: camera_on for person, _, camera_on in scene.tiles}
    for person, who in enumerate(PEOPLE):
        state = "absent" if person not in shown else "visible" if shown[person] else "camera_off"
        box = [round(value, 1) for value in faces[person]] if state == "visible" else [""] * 4
        yield (t_s, person, who.name, state, 1, *box)
