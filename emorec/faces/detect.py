"""Faces in a picture: MediaPipe's detector, over a pyramid of tiles or over the surroundings of known faces.

The short-range model sees a face that is 12 to 80 % of its input's side. A gallery of 49 people needs far more range,
so :meth:`FaceDetector.search` looks through overlapping tiles of several sizes, and :meth:`FaceDetector.follow` puts
the surroundings of known faces side by side in a mosaic, four to a call: a tenth of a search's cost, and nothing lost.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Literal, Self, TypeVar

import numpy as np

from emorec.faces.boxes import centers, contains, intersections
from emorec.faces.looks import MOSAIC_FACES, DetectorModel, Square
from emorec.faces.merge import Sightings, merge_sightings, unopposed, without_known
from emorec.settings.faces import FacesSettings
from emorec.types import Detections, Float32, UInt8

__all__ = ["CONFIRMING_SCORE", "FaceDetector", "Sizes"]

# The smallest face that the model finds reliably, as a share of the side of what it looks at (measured on faces pasted
# into 720p pictures).
SMALLEST_FACE_SHARE = 0.135
# Above this many lines of the picture the smallest face grows with it.
LINES_FOR_SMALLEST_FACE = 1080
# Faces up to this share of a tile lie wholly in one of the overlapping tiles of a level.
TILE_OVERLAP = 1 / 3
# Sides of successive levels differ by at most this, so that two levels see every face well.
LEVEL_RATIO = 1.95
# A tile whose grey levels deviate less than this (of 255) shows no face: a gutter, a slide's margin.
FLAT_DEVIATION = 4.0
# A tile is not looked at again where larger tiles have surely shown a face of this share of its side or more.
SEEN_SHARE = 0.35
SEEN_SCORE = 0.9

# What a centred look gives true faces (0.78 and more in 99 of 100) and hardly ever false ones.
CONFIRMING_SCORE = 0.7
# A face of this share of the picture's shorter side or more fills every look but one: the landmarks, which are sure at
# that size, judge it.
LARGE_SHARE = 1 / 3

Sizes = Literal["all", "large", "small"]
Item = TypeVar("Item")
Result = TypeVar("Result")


class FaceDetector:
    """MediaPipe's face detector, opened once and closed once (a context manager), for one caller at a time.

    Calls of the model are spread over ``threads`` threads with a detector each; results do not depend on their timing.
    ``calls`` counts them.
    """

    def __init__(self, model_path: Path, settings: FacesSettings, threads: int = 2) -> None:
        """Load the model.

        Raises:
            AssetError: LiteRT cannot read the file.
        """
        self._settings = settings
        self._models = [DetectorModel(model_path, settings.follow_score) for _ in range(threads)]
        self._free: SimpleQueue[DetectorModel] = SimpleQueue()
        for model in self._models:
            self._free.put(model)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="detect")
        self.calls = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the threads and free the models."""
        self._pool.shutdown()
        self._models.clear()

    def search(self, rgb: UInt8, areas_px: Float32 | None = None, sizes: Sizes = "all") -> Detections:
        """All faces in a picture, or in some areas of it.

        Args:
            rgb: [H, W, 3] uint8.
            areas_px: boxes [m, 4]; only tiles that touch one of them, and are not far larger, are looked at.
            sizes: "small" looks through the smallest tiles only, which are two thirds of the cost and show faces up to
                twice ``min_face_px``; "large" through all others.

        Returns:
            Faces that no other one explains better, by falling score; a score above 0.9 says that two looks agreed.
        """
        height, width = rgb.shape[:2]
        sightings = Sightings.empty()
        levels = self._levels(width, height)
        for side in {"all": levels, "large": levels[:-1], "small": levels[-1:]}[sizes]:
            seen = merge_sightings(sightings, SEEN_SCORE)
            squares = [s for s in _squares(width, height, side) if not _is_seen(s, seen) and not _is_flat(rgb, s)]
            if areas_px is not None:
                squares = [s for s in squares if _serves(s, areas_px)]
            parts = self._map(lambda model, square: model.look(rgb, square), squares)
            sightings = Sightings.concatenate([sightings, *parts])
        return self._verified(rgb, merge_sightings(sightings, self._settings.search_score))

    def _verified(self, rgb: UInt8, merged: Detections) -> Detections:
        """The detections without those that a second, centred look does not confirm, or that another one explains.

        Confirmed first: inside a large face, looks through small tiles see faces that are none, and two of them
        together would outvote it.
        """
        doubtful = merged.score < SEEN_SCORE
        looks = self.follow(rgb, merged.box_px[doubtful])
        large = merged.box_px[doubtful, 2] >= LARGE_SHARE * min(rgb.shape[:2])
        confirmed = looks.score >= np.where(large, self._settings.search_score, CONFIRMING_SCORE)
        score = 1 - (1 - merged.score[doubtful]) * (1 - looks.score)
        moved = Detections(looks.box_px, score.astype(np.float32), looks.points_px)[confirmed]
        # A look at a half face finds the whole one, which is often known already.
        return unopposed(without_known(unopposed(merged[~doubtful]), moved))

    def look_into(self, rgb: UInt8, boxes_px: Float32) -> Detections:
        """Faces in each of some tiles [n, 4] alone, where a search finds heads cut off by a tile's edge less well."""
        parts = self._map(lambda model, box: model.look_into(rgb, box), list(boxes_px))
        found = Detections.concatenate([Detections.empty(), *parts])
        return without_known(Detections.empty(), found[found.score >= CONFIRMING_SCORE])

    def follow(self, rgb: UInt8, boxes_px: Float32) -> Detections:
        """The faces that are now where known faces were: one row per box; score 0 and NaN where none was found.

        Args:
            rgb: [H, W, 3] uint8.
            boxes_px: [n, 4], where the faces are expected.
        """
        groups = [boxes_px[first : first + MOSAIC_FACES] for first in range(0, len(boxes_px), MOSAIC_FACES)]
        parts = self._map(lambda model, boxes: model.look_at_mosaic(rgb, boxes), groups)
        return Detections.concatenate([Detections.empty(), *parts])

    def _levels(self, width: int, height: int) -> list[int]:
        """Sides of the tiles of each level, largest (the whole picture) first."""
        longer, shorter = max(width, height), min(width, height)
        face = self._settings.min_face_px * max(1.0, shorter / LINES_FOR_SMALLEST_FACE)
        smallest = min(face / SMALLEST_FACE_SHARE, shorter)
        steps = max(1, math.ceil(math.log(shorter / smallest, LEVEL_RATIO) - 1e-9))
        sides = [round(shorter * (smallest / shorter) ** (step / steps)) for step in range(steps + 1)]
        return sorted({longer, *sides}, reverse=True)

    def _map(self, look: Callable[[DetectorModel, Item], Result], items: Sequence[Item]) -> list[Result]:
        """``look`` at all items with whichever model is free; results in the order of the items."""

        def with_free_model(item: Item) -> Result:
            model = self._free.get()
            try:
                return look(model, item)
            finally:
                self._free.put(model)

        self.calls += len(items)
        if len(items) == 1:
            # Two changes of thread would cost as much as they gain.
            return [with_free_model(items[0])]
        return list(self._pool.map(with_free_model, items))


def _squares(width: int, height: int, side: int) -> list[Square]:
    """Overlapping squares that cover the picture; one that is larger than the picture lies around it."""
    return [Square(x, y, side) for y in _starts(height, side) for x in _starts(width, side)]


def _starts(length: int, side: int) -> list[int]:
    """Where squares begin along one axis."""
    if length <= side:
        return [(length - side) // 2]
    steps = math.ceil((length - side) / (side * (1 - TILE_OVERLAP)))
    return [round(i * (length - side) / steps) for i in range(steps + 1)]


def _box(square: Square) -> Float32:
    return np.array([[square.x, square.y, square.side, square.side]], np.float32)


def _serves(square: Square, areas_px: Float32) -> bool:
    """Whether the square shows part of an area and is not so much larger that a face in it would be lost."""
    common = intersections(_box(square), areas_px)[0]
    longest = areas_px[:, 2:].max(axis=1)
    return bool(((common > 0) & (square.side * SMALLEST_FACE_SHARE <= longest)).any())


def _is_seen(square: Square, seen: Detections) -> bool:
    """Whether a face that fills a good part of the square is already known in it."""
    large = seen.box_px[:, 2] >= SEEN_SHARE * square.side
    return bool(contains(_box(square), centers(seen.box_px[large])).any())


def _is_flat(rgb: UInt8, square: Square) -> bool:
    """Whether nothing is to be seen in the square; every eighth pixel tells."""
    part = rgb[max(square.y, 0) : square.y + square.side : 8, max(square.x, 0) : square.x + square.side : 8, 1]
    return bool(part.std() < FLAT_DEVIATION)
