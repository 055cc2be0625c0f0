"""Tiles of video calls, drawn without any face."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from emorec.faces.boxes import iou
from emorec.faces.tiles import TileFinder, find_tiles, tile_signatures

Rect = tuple[int, int, int, int]
NO_FACES = np.zeros((0, 4), np.float32)
DARK, LIGHT = (24, 24, 26), (243, 242, 241)


def call(
    rects: list[Rect], background: tuple[int, int, int], size: tuple[int, int] = (1280, 720), seed: int = 0
) -> np.ndarray:
    """A call's picture: coloured noise, smoothed like a picture, in each tile."""
    rng = np.random.default_rng(seed)
    picture = np.full((size[1], size[0], 3), background, np.uint8)
    for x, y, w, h in rects:
        blobs = rng.integers(40, 220, (6, 8, 3), dtype=np.uint8)
        picture[y : y + h, x : x + w] = cv2.resize(blobs, (w, h), interpolation=cv2.INTER_CUBIC)
    return picture


def grid(columns: int, n: int, w: int, h: int, left: int, top: int, gap: int = 8) -> list[Rect]:
    """Tiles in reading order, the last row centred."""
    rects = []
    for i in range(n):
        row, column = divmod(i, columns)
        in_row = min(columns, n - row * columns)
        indent = (columns - in_row) * (w + gap) // 2
        rects.append((left + indent + column * (w + gap), top + row * (h + gap), w, h))
    return rects


LAYOUTS = {
    "gallery of 9": grid(3, 9, 408, 230, 20, 7),
    "gallery of 8, last row centred": grid(3, 8, 408, 230, 20, 7),
    "gallery of 49": grid(7, 49, 168, 94, 28, 6),
    "square tiles": grid(4, 8, 300, 300, 28, 40),
    "speaker and strip": [*grid(5, 5, 213, 120, 90, 6), (124, 134, 1031, 580)],
    "share and strip": [(8, 8, 1060, 704), *grid(1, 5, 190, 107, 1080, 8)],
}


@pytest.mark.parametrize("background", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("rects", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_every_tile_of_a_layout_is_found(rects: list[Rect], background: tuple[int, int, int]) -> None:
    tiles = find_tiles(call(rects, background), NO_FACES)
    assert len(tiles) == len(rects)
    assert (iou(tiles, np.array(rects, np.float32)).max(axis=1) > 0.93).all()


def test_compression_noise_does_not_hide_the_gutters() -> None:
    rects = LAYOUTS["gallery of 9"]
    _, jpeg = cv2.imencode(".jpg", call(rects, DARK), [cv2.IMWRITE_JPEG_QUALITY, 30])
    assert len(find_tiles(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), NO_FACES)) == 9


def test_a_tile_cut_short_by_a_dark_picture_is_completed_from_its_neighbours() -> None:
    rects = LAYOUTS["gallery of 9"]
    picture = call(rects, DARK)
    x, y, w, h = rects[4]
    picture[y : y + h, x : x + w // 3] = DARK
    tiles = find_tiles(picture, NO_FACES)
    assert iou(tiles, np.array([rects[4]], np.float32)).max() > 0.93


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(call([(0, 0, 1280, 720)], DARK), id="a webcam"),
        pytest.param(call([(160, 0, 960, 720)], (0, 0, 0)), id="a webcam between bars"),
        pytest.param(np.full((720, 1280, 3), 255, np.uint8), id="a white page"),
    ],
)
def test_what_is_no_call_has_no_tiles(picture: np.ndarray) -> None:
    assert len(find_tiles(picture, NO_FACES)) == 0


def test_a_page_of_text_has_no_tiles() -> None:
    page = np.full((720, 1280, 3), 255, np.uint8)
    for row in range(8):
        cv2.putText(page, "What the lecture is about, in words", (80, 100 + 70 * row), 0, 1.4, (30, 30, 30), 3)
    assert len(find_tiles(page, NO_FACES)) == 0


def test_faces_outside_the_tiles_contradict_the_layout() -> None:
    rects = LAYOUTS["speaker and strip"]
    beside = np.array([[20, 300, 60, 60], [1200, 400, 60, 60]], np.float32)
    assert len(find_tiles(call(rects, DARK), beside)) == 0


def test_a_layout_stays_while_a_tile_is_dark_and_changes_when_tiles_move() -> None:
    finder, rects = TileFinder(), LAYOUTS["gallery of 9"]
    assert finder.update(call(rects, DARK), NO_FACES, cut=True) == (True, True)
    first = finder.layout
    dark = call(rects, DARK, seed=1)
    x, y, w, h = rects[0]
    dark[y : y + h, x : x + w * 4 // 5] = DARK
    assert finder.update(dark, NO_FACES, cut=False) == (False, False)
    assert finder.layout is first
    assert finder.update(call(LAYOUTS["square tiles"], DARK), NO_FACES, cut=True) == (True, True)
    assert set(finder.layout.tile).isdisjoint(first.tile)


def test_a_tile_that_is_added_moves_none() -> None:
    finder, rects = TileFinder(), grid(3, 6, 408, 230, 20, 7)
    finder.update(call(rects[:5], DARK), NO_FACES, cut=True)
    assert finder.update(call(rects, DARK), NO_FACES, cut=False) == (True, False)
    assert len(finder.layout.tile) == 6


def test_signatures_tell_tiles_apart_and_outlive_noise() -> None:
    rects = np.array(LAYOUTS["gallery of 9"], np.float32)
    picture = call(LAYOUTS["gallery of 9"], DARK)
    noisy = np.clip(picture + np.random.default_rng(1).normal(0, 2, picture.shape), 0, 255).astype(np.uint8)
    clean, again = tile_signatures(picture, rects), tile_signatures(noisy, rects)
    bits = np.bitwise_count(clean[:, None] ^ again[None])
    assert (bits.argmin(axis=1) == np.arange(9)).all()
