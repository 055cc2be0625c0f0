"""Observations as observe would make them, without any video: for tests of who is who, timeline and analysis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emorec.types import EMBEDDING_SIZE, EMOTIONS, Faces, Observations, Samples, Tiles, Tracks

Array = NDArray[Any]
Box = tuple[float, float, float, float]

SAME_DISTANCE = 0.33
DIFFERENT_DISTANCE = 0.80
"""Usual distances of embeddings of dlib's network."""


@dataclass(frozen=True)
class Appearance:
    """A track: a person (by number) at a place from ``t0`` up to, but not including, ``t1``."""

    person: int
    t0: float
    t1: float
    box: Box = (100, 100, 80, 80)
    tile: int = -1
    embedded: bool = True
    score: float = 0.95
    presence: float = 0.99
    motion: float = 0.02
    around: float = 0.02
    skipped: bool = False


@dataclass(frozen=True)
class Layout:
    """Tiles in force from ``t0`` on; their numbers count on through all layouts."""

    t0: float
    boxes: Sequence[Box]


Values = Callable[[int, Array], Array]
"""From a person's number and times [n] to values [n] (or [n, 7])."""


def neutral(person: int, t_s: Array) -> Array:
    """A calm face at every time."""
    row = np.full(len(EMOTIONS), 0.05)
    row[EMOTIONS.index("neutral")] = 0.7
    return np.tile(row, (len(t_s), 1))


def observe(
    appearances: Sequence[Appearance],
    duration_s: float,
    *,
    rate_hz: float = 2.0,
    cuts: Sequence[float] = (),
    layouts: Sequence[Layout] = (),
    emotions: Values = neutral,
    yaw: Values = lambda person, t_s: np.zeros(len(t_s)),
    noise: float = SAME_DISTANCE,
    seed: int = 0,
) -> Observations:
    """The observations of appearances; a change of layout is a cut."""
    rng = np.random.default_rng(seed)
    t_s = np.arange(0, duration_s - 1e-9, 1 / rate_hz)
    samples = _samples(t_s, cuts, layouts)
    parts, embeddings = [], []
    for number, seen in enumerate(appearances):
        times = t_s[(t_s >= seen.t0 - 1e-9) & (t_s < seen.t1 - 1e-9)]
        parts.append(_faces(number, seen, times, emotions(seen.person, times), yaw(seen.person, times), rng))
        jitter = rng.normal(size=EMBEDDING_SIZE)
        jitter *= noise / np.sqrt(2) / np.linalg.norm(jitter)
        embeddings.append(looks_of(seen.person) + jitter if seen.embedded else np.full(EMBEDDING_SIZE, np.nan))
    faces = Faces.concatenate([Faces.empty(), *parts])
    faces = faces[np.lexsort((faces.track, faces.t_s))]
    embedded = np.array([seen.embedded for seen in appearances], bool)
    tracks = Tracks(
        np.arange(len(appearances), dtype=np.int32),
        np.asarray(embeddings, np.float32).reshape(-1, EMBEDDING_SIZE),
        np.where(embedded, 5, 0).astype(np.int32),
        np.where(embedded, 0.2, np.nan).astype(np.float32),
    )
    return Observations(samples, _tiles(layouts, t_s), faces, tracks)


def looks_of(person: int) -> Array:
    """A person's embedding; any two people's are about DIFFERENT_DISTANCE apart."""
    direction = np.random.default_rng(1000 + person).normal(size=EMBEDDING_SIZE)
    return np.asarray(direction / np.linalg.norm(direction) * DIFFERENT_DISTANCE / np.sqrt(2))


def tiles_of_gallery(count: int, columns: int = 5, width: float = 240, height: float = 135) -> list[Box]:
    """Rectangles of a gallery, row by row."""
    return [((k % columns) * (width + 8), (k // columns) * (height + 8), width, height) for k in range(count)]


def face_in(tile: Box) -> Box:
    """The box of a face in the middle of a tile."""
    x, y, w, h = tile
    side = 0.45 * h
    return (x + (w - side) / 2, y + (h - side) / 2, side, side)


def renumbered(observations: Observations, order: Sequence[int]) -> Observations:
    """The same observations with track k called order[k]."""
    names = np.asarray(order, np.int32)
    faces = replace(observations.faces, track=names[observations.faces.track])
    tracks = replace(observations.tracks, track=names[observations.tracks.track])
    return replace(
        observations,
        faces=faces[np.lexsort((faces.track, faces.t_s))],
        tracks=tracks[np.argsort(tracks.track)],
    )


def _samples(t_s: Array, cuts: Sequence[float], layouts: Sequence[Layout]) -> Samples:
    n = len(t_s)
    layout = np.full(n, -1, np.int32)
    cut = np.zeros(n, bool)
    for number, one in enumerate(layouts):
        layout[t_s >= one.t0 - 1e-9] = number
        cut[np.searchsorted(t_s, one.t0 - 1e-9)] |= one.t0 > 0
    for at in cuts:
        cut[np.searchsorted(t_s, at - 1e-9)] = True
    return Samples(t_s, cut, np.full(n, 0.01, np.float32), np.zeros(n, bool), np.ones(n, bool), layout)


def _tiles(layouts: Sequence[Layout], t_s: Array) -> Tiles:
    parts, used = [Tiles.empty()], 0
    for number, layout in enumerate(layouts):
        n = len(layout.boxes)
        parts.append(
            Tiles(
                np.full(n, t_s[np.searchsorted(t_s, layout.t0 - 1e-9)]),
                np.full(n, number, np.int32),
                np.arange(used, used + n, dtype=np.int32),
                np.asarray(layout.boxes, np.float32).reshape(-1, 4),
                np.ones(n, bool),
                np.zeros(n, np.int64),
                np.full(n, "", np.str_),
            )
        )
        used += n
    return Tiles.concatenate(parts)


def _faces(track: int, seen: Appearance, t_s: Array, emotions: Array, yaw: Array, rng: np.random.Generator) -> Faces:
    n = len(t_s)
    given: dict[str, Any] = {
        "t_s": t_s,
        "track": np.full(n, track, np.int32),
        "tile": np.full(n, seen.tile, np.int32),
        "box_px": np.tile(np.asarray(seen.box, np.float32), (n, 1)) + rng.normal(0, 0.5, (n, 4)).astype(np.float32),
        "emotions": emotions.astype(np.float32),
        "skipped": np.full(n, seen.skipped),
    }
    usual = {
        "score": seen.score,
        "presence": seen.presence,
        "motion": seen.motion,
        "motion_around": seen.around,
        "eyes_open": 0.3,
        "mouth_open": 0.1,
        "quality": 0.8,
    }
    for field in fields(Faces):
        given.setdefault(field.name, np.full(n, usual.get(field.name, 0.0), np.float32))
    given["yaw"] = yaw.astype(np.float32)
    return Faces(**given)
