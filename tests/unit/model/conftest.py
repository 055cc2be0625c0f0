"""Builders of small labelled faces: columns instead of people, a class per column, so that there is much to learn."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


class KilledError(BaseException):
    """Stands for a kill: nothing that handles errors handles it."""


@dataclass
class Kill:
    happened: bool = False


@pytest.fixture
def killed_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], AbstractContextManager[Kill]]:
    """Kill what is done in a block before it renames or deletes anything on the disk for the nth time, from 0."""

    @contextmanager
    def block(changes: int) -> Iterator[Kill]:
        kill, left = Kill(), [changes]

        def counted(change: Callable[..., Any]) -> Callable[..., Any]:
            def run(*arguments: Any, **named: Any) -> Any:
                if not left[0] or kill.happened:
                    kill.happened = True
                    raise KilledError
                left[0] -= 1
                return change(*arguments, **named)

            return run

        with monkeypatch.context() as patch:
            for name in ("rename", "replace", "unlink", "rmdir"):
                patch.setattr(os, name, counted(getattr(os, name)))
            with suppress(KilledError):
                yield kill

    return block
