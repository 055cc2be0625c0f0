"""Tiles, name plates, slides and rooms, drawn (BGR)."""

from __future__ import annotations

import functools
import random
from pathlib import Path

import cv2
import numpy as np

from bench.scenes.clips import picture
from bench.scenes.scenario import Person, Style
from emorec.types import Float64, UInt8

__all__ = ["cover", "draw_tile", "paste_cutout", "room_picture", "slide"]

Rect = tuple[int, int, int, int]
Box = tuple[float, float, float, float]


def cover(shown: UInt8, width: int, height: int) -> UInt8:
    """A picture scaled and cropped to fill a rectangle."""
    scale = max(width / shown.shape[1], height / shown.shape[0])
    w, h = max(width, round(shown.shape[1] * scale)), max(height, round(shown.shape[0] * scale))
    big = cv2.resize(shown, (w, h), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    left, top = (w - width) // 2, (h - height) // 3
    return np.asarray(big[top : top + height, left : left + width], np.uint8)


def draw_tile(
    canvas: UInt8, rect: Rect, person: Person, frame: UInt8 | None, box: Float64, style: Style, *, plates: bool
) -> Box | None:
    """Draw one tile (``frame`` None: the camera is off); the face's box in the canvas, None where none can be seen."""
    x, y, w, h = rect
    cell = canvas[y : y + h, x : x + w]
    before = cell.copy()
    cell[:] = style.tile
    face = None
    if frame is None:
        _avatar(cell, person.name, style)
    else:
        face = _draw_camera(cell, person, frame, box)
    if plates:
        _plate(cell, person.name, style)
    if style.radius:
        _round(cell, before, style.radius)
    return None if face is None else (x + face[0], y + face[1], face[2], face[3])


def _draw_camera(cell: UInt8, person: Person, frame: UInt8, box: Float64) -> Box | None:
    h, w = cell.shape[:2]
    fh, fw = frame.shape[:2]
    if person.fit == "pillar":
        # A phone held upright: the middle of the picture, between bars.
        keep = round(fh * 9 / 16)
        left = round(min(max(np.nan_to_num(box[0] + box[2] / 2, nan=fw / 2) - keep / 2, 0), fw - keep))
        frame, box, fw = frame[:, left : left + keep], box - (left, 0, 0, 0), keep
    whole = person.fit != "fill"
    scale = (min if whole else max)(w / fw, h / fh) * person.zoom
    if person.zoom < 1 or whole:
        behind = (
            cover(picture(person.behind), w, h) if person.behind else cv2.GaussianBlur(cover(frame, w, h), (0, 0), 12)
        )
        cell[:] = 0 if whole else behind
    rw, rh = round(fw * scale), round(fh * scale)
    big = cv2.resize(frame, (rw, rh), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    ox, oy = (w - rw) // 2, (h - rh) // 2 if whole else (h - rh) // 3 if rh >= h else h - rh
    x0, y0, x1, y1 = max(0, ox), max(0, oy), min(w, ox + rw), min(h, oy + rh)
    part = big[y0 - oy : y1 - oy, x0 - ox : x1 - ox]
    placed = box * scale + (ox, oy, 0, 0)
    if person.behind and not np.isnan(box).any():
        mask = _silhouette((h, w), placed)[y0:y1, x0:x1]
        if not person.zoom < 1:
            cell[:] = cover(picture(person.behind), w, h)
        cell[y0:y1, x0:x1] = (part * mask + cell[y0:y1, x0:x1] * (1 - mask)).astype(np.uint8)
    else:
        cell[y0:y1, x0:x1] = part
    if person.on_wall:
        side = max(8, h // 4)
        cell[h // 12 : h // 12 + side, w // 30 : w // 30 + side] = cover(picture(person.on_wall), side, side)
    if np.isnan(box).any():
        return None
    bx, by, bw, bh = (float(v) for v in placed)
    left, top, right, bottom = max(0.0, bx), max(0.0, by), min(float(w), bx + bw), min(float(h), by + bh)
    if right <= left or bottom <= top or (right - left) * (bottom - top) <= 0.5 * bw * bh:
        return None
    return left, top, right - left, bottom - top


def _silhouette(size: tuple[int, int], box: Float64) -> Float64:
    """Head and shoulders around a face's box, soft, [h, w, 1] in 0–1."""
    mask = np.zeros(size, np.uint8)
    x, y, w, h = (float(v) for v in box)
    head = (int(x + w / 2), int(y + h * 0.42))
    cv2.ellipse(mask, head, (int(w * 0.72), int(h * 0.95)), 0, 0, 360, 255, -1)
    cv2.ellipse(mask, (head[0], int(y + 2.4 * h)), (int(1.5 * w), int(1.3 * h)), 0, 0, 360, 255, -1)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(1.0, w / 30))[:, :, None] / 255, np.float64)


def paste_cutout(canvas: UInt8, frame: UInt8, box: Float64, centre: tuple[float, float], width_px: float) -> Box | None:
    """Paste a person's head and shoulders with the face centred at a point and so wide; the face's box."""
    if np.isnan(box).any():
        return None
    scale = width_px / box[2]
    size = (round(frame.shape[1] * scale), round(frame.shape[0] * scale))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    placed = box * scale
    mask = _silhouette((size[1], size[0]), placed)
    ox, oy = round(centre[0] - placed[0] - placed[2] / 2), round(centre[1] - placed[1] - placed[3] / 2)
    height, width = canvas.shape[:2]
    x0, y0, x1, y1 = max(0, ox), max(0, oy), min(width, ox + size[0]), min(height, oy + size[1])
    if x1 - x0 < 8 or y1 - y0 < 8:
        return None
    part, soft = small[y0 - oy : y1 - oy, x0 - ox : x1 - ox], mask[y0 - oy : y1 - oy, x0 - ox : x1 - ox]
    canvas[y0:y1, x0:x1] = (part * soft + canvas[y0:y1, x0:x1] * (1 - soft)).astype(np.uint8)
    bx, by, bw, bh = (float(v) for v in placed)
    if bx + ox < 0 or by + oy < 0 or bx + ox + bw > width or by + oy + bh > height:
        return None
    return bx + ox, by + oy, bw, bh


@functools.lru_cache(maxsize=4)
def room_picture(width: int, height: int, seed: int) -> UInt8:
    """A lecture room as its camera at the front sees it: a wall with a portrait and a clock, rows of benches."""
    rng = random.Random(seed)
    wall = np.array([rng.randrange(120, 200) for _ in range(3)], float)
    shade = np.linspace(0.75, 1.1, width)[None, :, None]
    image = np.clip(np.broadcast_to(wall, (height, width, 3)) * shade, 0, 255).astype(np.uint8)
    side = height // 6
    image[height // 20 : height // 20 + side, width // 8 : width // 8 + side] = cover(picture("hopper"), side, side)
    cv2.circle(image, (width * 3 // 4, height // 8), height // 16, (240, 240, 240), -1)
    for row in range(4):
        y = int(height * (0.38 + 0.2 * row))
        cv2.rectangle(image, (0, y), (width, y + height // 30), (60 + 10 * row, 80 + 8 * row, 110), -1)
    noise = np.random.default_rng(seed).normal(0, 3, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def slide(width: int, height: int, number: int, inset: UInt8 | None = None) -> UInt8:
    """A slide: a bar, lines of text, and on request a picture."""
    image = np.full((height, width, 3), 250, np.uint8)
    rng = random.Random(number)
    colour = (rng.randrange(60, 160), rng.randrange(60, 160), rng.randrange(40, 120))
    cv2.rectangle(image, (0, 0), (width, height // 8), colour, -1)
    for i in range(6):
        y = height // 4 + i * height // 9
        right = width // 10 + rng.randrange(width // 6, width * (4 if inset is not None else 7) // 10)
        cv2.rectangle(image, (width // 10, y), (right, y + height // 40), (90, 90, 90), -1)
    if inset is not None:
        w, h = width * 2 // 5, height // 2
        image[height // 4 : height // 4 + h, width // 2 : width // 2 + w] = cover(inset, w, h)
    return image


@functools.lru_cache(maxsize=64)
def _font(size: int) -> object:
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size)


def _write(cell: UInt8, text: str, x: float, y: float, size: int, colour: tuple[int, int, int], anchor: str) -> None:
    from PIL import Image, ImageDraw

    image = Image.fromarray(cell[..., ::-1])
    ImageDraw.Draw(image).text((x, y), text, font=_font(max(8, size)), fill=colour[::-1], anchor=anchor)  # type: ignore[arg-type]
    cell[:] = np.asarray(image)[..., ::-1]


def _avatar(cell: UInt8, name: str, style: Style) -> None:
    h, w = cell.shape[:2]
    if style.avatar == "name":
        _write(cell, name, w / 2, h / 2, max(10, h // 9), style.text, "mm")
        return
    hue = (hash_of(name) % 120 + 60, hash_of(name[::-1]) % 120 + 60, hash_of(name + "x") % 120 + 60)
    cv2.circle(cell, (w // 2, h // 2), h // 4, hue, -1, cv2.LINE_AA)
    initials = "".join(part[0] for part in name.split())
    _write(cell, initials, w / 2, h / 2, max(10, h // 6), (245, 245, 245), "mm")


def hash_of(text: str) -> int:
    """A number that a text always has."""
    return sum(ord(letter) * (i + 7) for i, letter in enumerate(text))


def _plate(cell: UInt8, name: str, style: Style) -> None:
    h, w = cell.shape[:2]
    size = max(9, h // 14)
    if style.plate == "dark":
        part = cell[h - size * 2 : h - 2, 2 : 2 + min(w - 4, int(len(name) * size * 0.62) + 12)]
        part[:] = (part * 0.35 + 13).astype(np.uint8)
        _write(cell, name, 8, h - size - 1, size, (240, 240, 240), "lm")
    else:
        _write(cell, name, 9, h - size, size, (30, 30, 30), "lm")
        _write(cell, name, 8, h - size - 1, size, (250, 250, 250), "lm")


def _round(cell: UInt8, before: UInt8, radius: int) -> None:
    h, w = cell.shape[:2]
    mask = np.zeros((h, w), np.uint8)
    cv2.rectangle(mask, (radius, 0), (w - 1 - radius, h - 1), 255, -1)
    cv2.rectangle(mask, (0, radius), (w - 1, h - 1 - radius), 255, -1)
    for cx in (radius, w - 1 - radius):
        for cy in (radius, h - 1 - radius):
            cv2.circle(mask, (cx, cy), radius, 255, -1)
    cell[mask == 0] = before[mask == 0]
