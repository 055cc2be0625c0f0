"""Embeddings: near for one person however the picture is turned and sized, far for two."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from emorec.faces.embed import CHIP_EYES_PX, CHIP_SIDE_PX, FaceEmbedder, align
from tests.portraits import Portrait, collins, hopper

SAME_PERSON = 0.45
"""Distance below which two faces are one person; .48 splits best (dlib's own threshold is .6)."""


@pytest.fixture(scope="module")
def embedder(models: Path) -> FaceEmbedder:
    return FaceEmbedder(models / "face_embedder.tflite")


def embedded(embedder: FaceEmbedder, portrait: Portrait) -> np.ndarray:
    return embedder.embed(portrait.rgb, portrait.face.points_px[:, :2])[0]


def test_two_people_are_far_apart(embedder: FaceEmbedder) -> None:
    assert np.linalg.norm(embedded(embedder, collins()) - embedded(embedder, hopper())) > 0.6


@pytest.mark.parametrize("portrait_of", [collins, hopper])
@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.resized(0.4),
        lambda p: p.resized(3),
        lambda p: p.rotated(25),
        lambda p: p.rotated(-160),
        lambda p: p.mirrored(),
    ],
    ids=["smaller", "larger", "turned", "upside down", "mirrored"],
)
def test_one_person_stays_near(
    embedder: FaceEmbedder, portrait_of: Callable[[], Portrait], change: Callable[[Portrait], Portrait]
) -> None:
    portrait = portrait_of()
    assert np.linalg.norm(embedded(embedder, portrait) - embedded(embedder, change(portrait))) < SAME_PERSON


def test_the_eyes_come_to_lie_where_the_network_wants_them() -> None:
    picture = np.zeros((400, 400, 3), np.uint8)
    eyes = np.array([[120.0, 210.0], [290.0, 170.0]])
    for x, y in eyes.astype(int):
        picture[y - 6 : y + 7, x - 6 : x + 7] = 255
    chip = align(picture, eyes)[..., 0]
    for half, (x, y) in zip((slice(0, 75), slice(75, 150)), CHIP_EYES_PX, strict=True):
        rows, columns = np.nonzero(chip[:, half] > 127)
        assert abs(columns.mean() + half.start - x) < 1
        assert abs(rows.mean() - y) < 1
    assert chip.shape == (CHIP_SIDE_PX, CHIP_SIDE_PX)


def test_eyes_that_are_not_known_have_no_embedding(embedder: FaceEmbedder) -> None:
    eyes = np.array([[[np.nan, 1], [2, 3]], [[5, 5], [5, 5]], [[204, 104], [245, 104]]], np.float32)
    answers = embedder.embed(collins().rgb, eyes)
    assert np.isnan(answers[:2]).all()
    assert np.isfinite(answers[2]).all()
    assert embedder.embed(collins().rgb, eyes[:0]).shape == (0, 128)
