"""Builders of small labelled faces: columns instead of people, a class per column, so that there is much to learn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from model.architectures import Architecture
from model.data import CLASSES, LabelledImages

TINY = Architecture(width=1 / 16, image_px=16, field_px=16)


def draw_faces(n: int, seed: int, side_px: int = 16) -> LabelledImages:
    """Noise with a bright column whose place is the class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % len(CLASSES)
    images = rng.integers(0, 60, (n, side_px, side_px), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, (label + 1) * side_px // 9] = 255
    return LabelledImages(
        images,
        labels,
        np.zeros((n, len(CLASSES)), np.float32),
        *np.zeros((2, n), np.float32),
        tuple(f"{i}.png" for i in range(n)),
    )


WriteFolder = Callable[[dict[str, np.ndarray]], Path]


@pytest.fixture
def write_folder(tmp_path: Path) -> WriteFolder:
    """Write pictures, given by their paths, into a folder of labelled faces."""

    def write(pictures: dict[str, np.ndarray]) -> Path:
        folder = tmp_path / "data"
        for name, picture in pictures.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(path), picture)
        return folder

    return write
