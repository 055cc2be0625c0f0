"""Clips of single people, and still pictures that look like people but are none."""

from __future__ import annotations

import csv
import functools
import math
from pathlib import Path

import av
import cv2
import numpy as np

from emorec.types import Float64, UInt8

__all__ = ["Clip", "names", "picture"]

QUALITY = 95


class Clip:
    """Pictures of one person, played forth and back so that no cut is seen."""

    def __init__(self, folder: Path, name: str) -> None:
        """Read ``folder/name.mp4``, and the boxes of its face from ``folder/boxes.csv``."""
        self._frames = []
        with av.open(str(folder / f"{name}.mp4")) as container:
            self._fps = float(container.streams.video[0].average_rate or 15)
            for frame in container.decode(video=0):
                rgb = frame.to_ndarray(format="bgr24")
                self._frames.append(cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1])
        self._t_s, self._boxes_px = _boxes(folder / "boxes.csv")[name]

    def at(self, t_s: float) -> tuple[UInt8, Float64]:
        """The picture [H, W, 3] (BGR) at a time, and the face's box [4] in it, NaN where there is none."""
        n = len(self._frames)
        k = int(t_s * self._fps) % max(1, 2 * n - 2)
        k = k if k < n else 2 * n - 2 - k
        box = self._boxes_px[int(np.abs(self._t_s - k / self._fps).argmin())]
        return np.asarray(cv2.imdecode(self._frames[k], cv2.IMREAD_COLOR), np.uint8), box


def names(folder: Path) -> list[str]:
    """All clips of a folder."""
    return sorted(path.stem for path in folder.glob("person_*.mp4"))


@functools.lru_cache(maxsize=1)
def _boxes(path: Path) -> dict[str, tuple[Float64, Float64]]:
    rows: dict[str, list[list[float]]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            values = [float(row[key]) if row[key] else math.nan for key in "txywh"]
            rows.setdefault(row["clip"], []).append(values)
    return {name: (np.array(values)[:, 0], np.array(values)[:, 1:]) for name, values in rows.items()}


@functools.lru_cache(maxsize=32)
def picture(name: str) -> UInt8:
    """A sample picture [H, W, 3] (BGR) of scikit-image or matplotlib: ``astronaut``, ``hopper`` and ``camera`` show a
    person, ``chelsea`` a cat; ``brick``, ``gravel``, ``grass``, ``coffee``, ``coins``, ``rocket`` are textures."""
    if name == "hopper":
        import matplotlib

        return np.asarray(
            cv2.imread(str(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg")), np.uint8
        )
    from skimage import data

    shown = np.asarray(getattr(data, name)(), np.uint8)
    code = cv2.COLOR_GRAY2BGR if shown.ndim == 2 else cv2.COLOR_RGB2BGR
    return np.asarray(cv2.cvtColor(shown, code), np.uint8)
