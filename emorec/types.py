"""The arrays that stages exchange.

Pixels: x right, y down, boxes as x, y, w, h in the picture as displayed. Times in seconds of the recording. Angles in
degrees: yaw > 0 turns to the picture's right, pitch > 0 up, roll > 0 leans the top of the head to the picture's right.
A number that is not known is NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "EMBEDDING_SIZE",
    "EMOTIONS",
    "STATES",
    "Chunk",
    "Columns",
    "Detections",
    "Faces",
    "Identities",
    "Landmarks",
    "Observations",
    "Progress",
    "ProgressCallback",
    "RecordingInfo",
    "Sample",
    "Samples",
    "Signals",
    "State",
    "Tiles",
    "Timeline",
    "Tracks",
]

EMOTIONS = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
"""The displayed emotions, always in this order."""

EMBEDDING_SIZE = 128
"""Length of a face embedding."""

State = Literal["visible", "camera_off", "absent"]
STATES: tuple[State, ...] = ("visible", "camera_off", "absent")

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
UInt8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class RecordingInfo:
    """What is known of a recording without looking at its pictures.

    ``duration_s`` is where the last picture ends, or where the file says so, if it breaks off before; ``width_px`` and
    ``height_px`` are as displayed (rotation applied, pixels square), ``rotation_deg`` is how far the stored pictures
    are turned clockwise for that, and ``mirrored`` whether they are mirrored left to right then. ``warnings``: what is
    wrong with the file as a whole, one line each. ``modified_s``: when the file was last changed, seconds since the
    epoch. ``broken_off``: the file states more than could be read.
    """

    path: Path
    sha256: str
    size_bytes: int
    duration_s: float
    width_px: int
    height_px: int
    fps: float
    codec: str
    container: str
    rotation_deg: int
    mirrored: bool = False
    warnings: tuple[str, ...] = ()
    modified_s: float = 0.0
    broken_off: bool = False


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch [t0_s, t1_s) of a recording that starts at a keyframe and is observed on its own."""

    index: int
    t0_s: float
    t1_s: float


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture of a recording: ``rgb`` [H, W, 3] uint8 as displayed, at ``t_s``."""

    t_s: float
    rgb: UInt8


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage has come: seconds of the recording done, of all; counts so far."""

    stage: str
    done_s: float
    total_s: float
    samples: int = 0
    faces: int = 0


ProgressCallback = Callable[[Progress], None]


@dataclass(frozen=True)
class Columns:
    """Parallel arrays with the same first dimension: a table whose rows can be masked, and joined to others."""

    def __post_init__(self) -> None:
        lengths = {f.name: len(getattr(self, f.name)) for f in fields(self)}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"{type(self).__name__}: columns differ in length: {lengths}")

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))

    def __getitem__(self, rows: Any) -> Self:
        """The rows that a mask, an index array or a slice selects."""
        return type(self)(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """The rows of all parts, in order; at least one part (it may be empty)."""
        return cls(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)})


@dataclass(frozen=True)
class Detections(Columns):
    """Faces found in one picture: boxes [n, 4] px, scores [n] in 0–1, six points [n, 6, 2] px.

    The points are MediaPipe's: the eye at the picture's left, the eye at its right, nose tip, mouth, both ear tragions.
    """

    box_px: Float32
    score: Float32
    points_px: Float32

    @classmethod
    def empty(cls) -> Self:
        """No face."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 6, 2), np.float32))


@dataclass(frozen=True)
class Landmarks(Columns):
    """Meshes and irises of n faces.

    ``mesh_px`` [n, 468, 3]: MediaPipe's face mesh, x and y in px of the picture, z in the same scale (towards the
    camera is negative). ``presence`` [n]: probability 0–1 that the crop showed a face. ``lids_px`` [n, 2, 16, 2]: the
    contour of the eye at the picture's left, then right (0–8 the lower lid, 9–15 the upper lid). ``iris_px``
    [n, 2, 5, 2]: pupil, then four points of its rim. Eyes that were not measured are NaN.
    """

    mesh_px: Float32
    presence: Float32
    lids_px: Float32
    iris_px: Float32

    @classmethod
    def empty(cls) -> Self:
        """No landmarks of no face."""
        shapes = ((0, 468, 3), (0,), (0, 2, 16, 2), (0, 2, 5, 2))
        return cls(*(np.zeros(shape, np.float32) for shape in shapes))


@dataclass(frozen=True)
class Signals(Columns):
    """What the landmarks of n faces say, before any calibration to the person; NaN where it cannot be measured.

    Angles in degrees; ``gaze_x``, ``gaze_y`` in −1…1 relative to the head (x > 0 right, y > 0 up); ``eyes_open`` (lid
    opening over eye width) and ``mouth_open`` (lip opening over mouth width) as ratios ≥ 0.
    """

    yaw: Float32
    pitch: Float32
    roll: Float32
    gaze_x: Float32
    gaze_y: Float32
    eyes_open: Float32
    mouth_open: Float32


@dataclass(frozen=True)
class Samples(Columns):
    """One row per sample: its time, whether a cut (scene or layout change) lies before it, share of the picture that
    changed since the sample before (0–1), whether a large part that is not a face changed (a slide), whether the whole
    picture was searched for faces, and the layout of tiles in force (−1 where there are no tiles)."""

    t_s: Float64
    cut: Bool
    change: Float32
    screen_change: Bool
    searched: Bool
    layout: Int32

    @classmethod
    def empty(cls) -> Self:
        """No sample."""
        none = np.zeros(0, bool)
        return cls(np.zeros(0), none, np.zeros(0, np.float32), none, none, np.zeros(0, np.int32))

    @property
    def step_s(self) -> float:
        """The usual time from one sample to the next, s; 0 where there is only one."""
        return float(np.median(np.diff(self.t_s))) if len(self) > 1 else 0.0

    def rows_at(self, t_s: Float64) -> Int64:
        """The rows of the samples at some times, each of which must be a sample's."""
        return np.minimum(np.searchsorted(self.t_s, t_s - 1e-6), max(len(self) - 1, 0)).astype(np.int64)

    def segments(self) -> Int64:
        """For each sample the number of the stretch that it lies in, without a cut or another layout inside."""
        changed = self.cut.copy()
        changed[1:] |= self.layout[1:] != self.layout[:-1]
        return np.cumsum(changed).astype(np.int64)


@dataclass(frozen=True)
class Tiles(Columns):
    """One row per tile of each layout: ``t_s`` of the first sample that shows it, ``tile`` unique in the recording,
    its rectangle, whether a face was in it at that sample, a small colour hash, and its name plate ("" if not read)."""

    t_s: Float64
    layout: Int32
    tile: Int32
    box_px: Float32
    has_face: Bool
    signature: Int64
    plate: NDArray[np.str_]

    @classmethod
    def empty(cls) -> Self:
        """No tile."""
        ints = np.zeros(0, np.int32)
        return cls(
            np.zeros(0),
            ints,
            ints,
            np.zeros((0, 4), np.float32),
            np.zeros(0, bool),
            np.zeros(0, np.int64),
            np.zeros(0, np.str_),
        )


@dataclass(frozen=True)
class Faces(Columns):
    """One row per face × sample, by time, then track.

    ``tile`` is −1 outside tiles. ``presence`` to ``mouth_open`` as in Landmarks and Signals. ``emotions`` [n, 7]
    calibrated probabilities (NaN where not classified). ``quality`` 0–1 (size, sharpness, pose). ``motion`` and
    ``motion_around``: mean absolute change of grey level (0–1) inside the box and in the ring around it since the
    sample before. ``skipped``: the picture here had not changed, so all values were repeated; it does not mark eyes
    that were held because they look the same, nor meshes that a crowd's faces keep in turn.
    """

    t_s: Float64
    track: Int32
    tile: Int32
    box_px: Float32
    score: Float32
    presence: Float32
    yaw: Float32
    pitch: Float32
    roll: Float32
    gaze_x: Float32
    gaze_y: Float32
    eyes_open: Float32
    mouth_open: Float32
    emotions: Float32
    quality: Float32
    motion: Float32
    motion_around: Float32
    skipped: Bool

    @classmethod
    def empty(cls) -> Self:
        """No face."""
        ints, floats = np.zeros(0, np.int32), np.zeros(0, np.float32)
        shapes: dict[str, Any] = {"t_s": np.zeros(0), "track": ints, "tile": ints, "skipped": np.zeros(0, bool)}
        shapes |= {"box_px": np.zeros((0, 4), np.float32), "emotions": np.zeros((0, len(EMOTIONS)), np.float32)}
        return cls(**{f.name: shapes.get(f.name, floats) for f in fields(cls)})


@dataclass(frozen=True)
class Tracks(Columns):
    """One row per track: the mean embedding [128] of a few good crops (NaN where there was none), how many crops it is
    made of, and their mean distance to it."""

    track: Int32
    embedding: Float32
    crops: Int32
    spread: Float32

    @classmethod
    def empty(cls) -> Self:
        """No track."""
        ints = np.zeros(0, np.int32)
        return cls(ints, np.zeros((0, EMBEDDING_SIZE), np.float32), ints, np.zeros(0, np.float32))


@dataclass(frozen=True)
class Identities(Columns):
    """Who each track is, one row per track, by number.

    ``participant`` counts from 0 by first face and is −1 where the track is left out; ``reason`` says why ("" else).
    """

    track: Int32
    participant: Int32
    reason: NDArray[np.str_]

    @property
    def people(self) -> int:
        """How many participants there are."""
        return int(self.participant.max(initial=-1)) + 1

    def of_faces(self, faces: Faces) -> Int64:
        """The participant of every face, −1 for those left out."""
        return self.participant[np.searchsorted(self.track, faces.track)].astype(np.int64)


@dataclass(frozen=True)
class Timeline(Columns):
    """One row per participant × sample from the first to the last time that they were in the picture, by participant,
    then time.

    ``participant`` counts from 0 by first appearance; ``sample`` and ``face`` are rows of Samples and Faces (face −1:
    none); ``state`` is an index into STATES. ``emotions`` [n, 7], ``eyes_open`` (ratio), ``speaking`` and ``attention``
    (0–1) are NaN where there is no face or they cannot be measured. A sample that the detector missed between two that
    it did not is ``visible`` without a face.
    """

    participant: Int32
    sample: Int32
    t_s: Float64
    state: NDArray[np.int8]
    face: Int32
    emotions: Float32
    eyes_open: Float32
    speaking: Float32
    attention: Float32


@dataclass(frozen=True)
class Observations:
    """All that observe saw, of a chunk or of a whole recording; resolve needs nothing else."""

    samples: Samples
    tiles: Tiles
    faces: Faces
    tracks: Tracks

    @classmethod
    def concatenate(cls, chunks: Sequence[Observations]) -> Observations:
        """The observations of consecutive chunks as one, with tracks, tiles and layouts renumbered to stay unique."""
        parts: list[Observations] = []
        tracks = tiles = layouts = 0
        for chunk in chunks:
            parts.append(_renumbered(chunk, tracks, tiles, layouts))
            tracks += int(chunk.tracks.track.max(initial=-1)) + 1
            tiles += int(chunk.tiles.tile.max(initial=-1)) + 1
            layouts += int(chunk.tiles.layout.max(initial=-1)) + 1
        if not parts:
            return cls(Samples.empty(), Tiles.empty(), Faces.empty(), Tracks.empty())
        return cls(
            Samples.concatenate([p.samples for p in parts]),
            Tiles.concatenate([p.tiles for p in parts]),
            Faces.concatenate([p.faces for p in parts]),
            Tracks.concatenate([p.tracks for p in parts]),
        )


def _renumbered(part: Observations, tracks: int, tiles: int, layouts: int) -> Observations:
    """The same observations with ids moved up; −1 (none) stays."""

    def moved(ids: Int32, by: int) -> Int32:
        return np.where(ids >= 0, ids + by, ids).astype(np.int32)

    return Observations(
        replace(part.samples, layout=moved(part.samples.layout, layouts)),
        replace(part.tiles, layout=moved(part.tiles.layout, layouts), tile=moved(part.tiles.tile, tiles)),
        replace(part.faces, track=moved(part.faces.track, tracks), tile=moved(part.faces.tile, tiles)),
        replace(part.tracks, track=moved(part.tracks.track, tracks)),
    )
