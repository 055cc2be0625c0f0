"""The pixels of the demo meeting: moving portraits, tiles, name plates and slides."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from emorec.errors import AssetError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.ImageFont import FreeTypeFont

    from emorec.demo.scenario import Rect
    from emorec.types import UInt8

__all__ = ["PORTRAITS", "LivePortrait", "draw_camera_off", "draw_name", "draw_slide", "paste_rounded"]

BACKGROUND, TILE, PLATE, INK, PAPER = (24, 26, 28), (50, 52, 58), (16, 17, 18), (240, 240, 242), (250, 250, 248)
ACCENTS = ((88, 101, 190), (176, 96, 80), (70, 140, 110), (150, 110, 60))
CORNER_PX = 12
NOISE_LEVEL = 2.0
"""Standard deviation of the camera's noise, grey levels."""
NOISE_FIELDS = 4
RAISED = 0.08, -0.17
"""How far eyes, nose and mouth move right and down in a head that is raised, shares of the face's width and height."""

SLIDES = (
    ("Compilers, then and now", ("Programs in words, not numbers", "Who may write one", "What was lost, what was won")),
    ("Next steps", ("Read the log of the last flight", "A nanosecond is 30 cm of wire", "Meet again on Thursday")),
)


@dataclass(frozen=True)
class Portrait:
    """A picture in an installed package; in its px: the face as MediaPipe's short-range detector frames it (x, y, w, h,
    measured once), and centre and height of the part that a camera would show."""

    package: str
    file: str
    face_px: Rect
    centre_px: tuple[float, float]
    height_px: float

    @property
    def path(self) -> Path:
        """Where the picture is.

        Raises:
            AssetError: its package is not installed.
        """
        return _package_folder(self.package) / self.file


PORTRAITS = {
    "grace": Portrait(
        "matplotlib", "mpl-data/sample_data/grace_hopper.jpg", (171, 146, 194, 194), (262.0, 225.0), 410.0
    ),
    "eileen": Portrait("skimage", "data/astronaut.png", (177, 82, 95, 95), (226.0, 142.0), 280.0),
}


class LivePortrait:
    """A portrait as a camera would show it in a tile of one size.

    The camera sways, the head moves before its background, the mouth moves, light and noise change: so that it is
    neither a still picture nor one that moves as a whole. The same seed and time give the same picture.
    """

    def __init__(self, portrait: Portrait, width_px: int, height_px: int, seed: int) -> None:
        picture = cv2.imread(str(portrait.path), cv2.IMREAD_COLOR)
        if picture is None:
            raise AssetError(f"{portrait.path} cannot be read; install {portrait.package} again")
        self._picture = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        self._face_px = portrait.face_px
        self._scale = portrait.height_px / height_px
        self._phases = np.random.default_rng(seed).uniform(0, 2 * math.pi, 8)
        columns = (np.arange(width_px, dtype=np.float32) - width_px / 2) * np.float32(self._scale)
        rows = (np.arange(height_px, dtype=np.float32) - height_px / 2) * np.float32(self._scale)
        self._x, self._y = np.meshgrid(columns, rows)
        self._centre = portrait.centre_px
        self._size_px = width_px, height_px
        x, y, w, h = portrait.face_px
        at = self._x + np.float32(portrait.centre_px[0]), self._y + np.float32(portrait.centre_px[1])
        self._head = _bump(*at, x + w / 2, y + h * 0.45, w * 0.95, h * 1.1)
        self._mouth = _bump(*at, x + w / 2, y + h * 0.72, w * 0.2, h * 0.09)
        self._features = _bump(*at, x + w / 2, y + h * 0.55, w * 0.75, h * 0.8)
        noise = np.random.default_rng(seed + 1)
        self._noise = [
            np.round(noise.normal(0, NOISE_LEVEL, (height_px, width_px, 3))).astype(np.int16)
            for _ in range(NOISE_FIELDS)
        ]

    def at(self, t_s: float, raised: float = 0.0) -> tuple[UInt8, tuple[float, float, float, float]]:
        """The tile [h, w, 3] RGB at a time, and the face's box x, y, w, h in it, px.

        Args:
            raised: how far the head is raised, 0–1: eyes, nose and mouth move up in it.
        """
        zoom = 1 + 0.02 * self._wave(0, t_s, 11)
        turn = math.radians(1.5) * self._wave(1, t_s, 7)
        face_w, face_h = self._face_px[2:]
        sway_x, sway_y = 0.04 * face_w * self._wave(2, t_s, 9), 0.03 * face_h * self._wave(3, t_s, 8)
        head_x, head_y = 0.07 * face_w * self._wave(4, t_s, 3.1), 0.05 * face_h * self._wave(5, t_s, 2.3)
        talk = 0.02 * face_h * self._wave(6, t_s, 0.45)
        light = 1 + 0.04 * self._wave(7, t_s, 5)

        cos, sin = math.cos(turn) * zoom, math.sin(turn) * zoom
        map_x = cos * self._x - sin * self._y + (self._centre[0] + sway_x) - head_x * self._head
        map_y = sin * self._x + cos * self._y + (self._centre[1] + sway_y) - head_y * self._head - talk * self._mouth
        map_x -= RAISED[0] * face_w * raised * self._features
        map_y -= RAISED[1] * face_h * raised * self._features
        tile = cv2.remap(
            self._picture,
            map_x.astype(np.float32),
            map_y.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        tile = cv2.convertScaleAbs(tile, alpha=light)
        tile = cv2.add(tile, self._noise[int(t_s * 1000) % NOISE_FIELDS], dtype=cv2.CV_8U)

        # The box's centre goes the way back: out of the portrait into the tile.
        x = self._face_px[0] + face_w / 2 + head_x - self._centre[0] - sway_x
        y = self._face_px[1] + face_h / 2 + head_y - self._centre[1] - sway_y
        across, down = (cos * x + sin * y) / zoom**2, (cos * y - sin * x) / zoom**2
        w, h = face_w / zoom / self._scale, face_h / zoom / self._scale
        centre_x, centre_y = across / self._scale + self._size_px[0] / 2, down / self._scale + self._size_px[1] / 2
        return cast("UInt8", tile), (centre_x - w / 2, centre_y - h / 2, w, h)

    def _wave(self, number: int, t_s: float, period_s: float) -> float:
        """A smooth motion between −1 and 1 that does not repeat soon."""
        angle = 2 * math.pi * t_s / period_s + float(self._phases[number])
        return 0.65 * math.sin(angle) + 0.35 * math.sin(angle * math.sqrt(3) + 1)


def paste_rounded(picture: UInt8, tile: UInt8, rect: Rect) -> None:
    """Put a tile into the picture, with round corners."""
    x, y, w, h = rect
    cv2.copyTo(tile, _rounded_mask(w, h), picture[y : y + h, x : x + w])


def draw_camera_off(name: str, accent: int, width_px: int, height_px: int) -> UInt8:
    """A tile without picture: the initials on a disc."""
    tile = np.full((height_px, width_px, 3), TILE, np.uint8)
    radius = height_px // 4
    cv2.circle(tile, (width_px // 2, height_px // 2), radius, ACCENTS[accent % len(ACCENTS)], -1, cv2.LINE_AA)
    initials = "".join(word[0] for word in name.split())
    return _text(tile, initials, (width_px / 2, height_px / 2), radius * 0.8, INK, "mm")


def draw_name(tile: UInt8, name: str) -> None:
    """Put a name plate at the lower left of the tile."""
    plate = _name_plate(name, max(11, tile.shape[0] // 18))
    h, w = plate.shape[:2]
    bottom = tile.shape[0] - CORNER_PX // 2
    tile[bottom - h : bottom, CORNER_PX : CORNER_PX + w] = plate


def draw_slide(number: int, width_px: int, height_px: int) -> UInt8:
    """A page of the shared screen: a title, some lines, and bars."""
    page = np.full((height_px, width_px, 3), PAPER, np.uint8)
    title, lines = SLIDES[number % len(SLIDES)]
    ink, accent = (40, 42, 46), ACCENTS[number % len(ACCENTS)]
    page[: height_px // 40] = accent
    page = _text(page, title, (width_px * 0.06, height_px * 0.14), height_px / 15, ink, "lm")
    for i, line in enumerate(lines):
        y = height_px * (0.28 + 0.08 * i)
        cv2.circle(page, (round(width_px * 0.07), round(y)), 5, accent, -1, cv2.LINE_AA)
        page = _text(page, line, (width_px * 0.09, y), height_px / 26, ink, "lm")
    for i in range(6):
        left, bar = round(width_px * (0.08 + 0.14 * i)), height_px * (0.10 + 0.05 * ((i * (number + 2)) % 5))
        bottom = round(height_px * 0.94)
        cv2.rectangle(page, (left, bottom - round(bar)), (left + width_px // 11, bottom), accent, -1)
    return page


def _bump(
    x: NDArray[np.float32], y: NDArray[np.float32], centre_x: float, centre_y: float, width: float, height: float
) -> NDArray[np.float32]:
    """1 at the centre, falling to 0 around it."""
    distance = ((x - centre_x) / (width / 2)) ** 2 + ((y - centre_y) / (height / 2)) ** 2
    # To the fourth power: flat inside, so that a head moves as one.
    return np.exp(-(distance**2) / 2).astype(np.float32)


def _text(
    picture: UInt8, text: str, at_px: tuple[float, float], size_px: float, colour: tuple[int, int, int], anchor: str
) -> UInt8:
    """The picture with text, anchored as Pillow does ("lm": left and middle)."""
    from PIL import Image, ImageDraw

    image = Image.fromarray(picture)
    ImageDraw.Draw(image).text(at_px, text, font=_font(round(size_px)), fill=colour, anchor=anchor)
    return np.array(image)


@cache
def _name_plate(name: str, size_px: int) -> UInt8:
    width = round(_font(size_px).getlength(name)) + size_px
    plate = np.full((round(1.7 * size_px), width, 3), PLATE, np.uint8)
    return _text(plate, name, (size_px / 2, 0.85 * size_px), size_px, INK, "lm")


@cache
def _font(size_px: int) -> FreeTypeFont:
    """DejaVu Sans, which Matplotlib carries."""
    from PIL import ImageFont

    return ImageFont.truetype(str(_package_folder("matplotlib") / "mpl-data/fonts/ttf/DejaVuSans.ttf"), size_px)


@cache
def _rounded_mask(width_px: int, height_px: int) -> UInt8:
    mask = np.zeros((height_px, width_px), np.uint8)
    r = CORNER_PX
    cv2.rectangle(mask, (r, 0), (width_px - r - 1, height_px - 1), 255, -1)
    cv2.rectangle(mask, (0, r), (width_px - 1, height_px - r - 1), 255, -1)
    for x in (r, width_px - r - 1):
        for y in (r, height_px - r - 1):
            cv2.circle(mask, (x, y), r, 255, -1)
    return mask


def _package_folder(package: str) -> Path:
    """The folder of an installed package, without importing it."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise AssetError(f"the demo needs the package {package}; run: pip install 'emorec[demo]'")
    return Path(spec.submodule_search_locations[0])
