"""Observations as they grow, row by row; emotions come later, in batches."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import fields, replace
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np

from emorec.clock import StageClock
from emorec.faces.find import Found
from emorec.types import (
    EMBEDDING_SIZE,
    EMOTIONS,
    Bool,
    Faces,
    Float32,
    Int32,
    Int64,
    Samples,
    Signals,
    Tiles,
    Tracks,
    UInt8,
)

__all__ = ["EmotionQueue", "FaceRows", "HeldSignals", "SampleRows", "TileRows", "TrackRows"]

NOT_QUEUED = -1
# What eyes were at a sample holds for the next, not longer, s.
EYES_HOLD_S = 1.0


class Classifier(Protocol):
    """What the queue needs of an emotion classifier; ``batch``: how many faces at a time are the cheapest per face."""

    @property
    def batch(self) -> int:
        """Faces at a time."""
        ...

    def classify(self, crops: UInt8) -> Float32:
        """Crops [n, 48, 48] → probabilities [n, 7]."""
        ...


class EmotionQueue:
    """Collects crops over samples and classifies them in a thread of its own, in batches of one size.

    Faces get a place in the queue; what stands there is known at the end. Without a classifier nothing is queued. Where
    faces come faster than they are classified, crops wait: no more than a chunk's, of 2 kB each.
    """

    def __init__(self, classifier: Classifier | None, clock: StageClock) -> None:
        self._classifier, self._clock = classifier, clock
        self._batch = 1 if classifier is None else classifier.batch
        self._waiting: list[UInt8] = []
        self._batches: list[Future[Float32]] = []
        self._queued = 0
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="emotions")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def add(self, crops: UInt8, wanted: Bool, repeated: Int32) -> Int32:
        """Places in the queue [n] of a sample's faces.

        Args:
            crops: [n, 48, 48].
            wanted: [n], faces to classify; the others get the place ``repeated`` [n] says, which may be none (−1).
        """
        places = repeated.copy()
        if self._classifier is None:
            return places
        for row in np.flatnonzero(wanted).tolist():
            places[row] = self._queued
            self._queued += 1
            self._waiting.append(crops[row])
            if len(self._waiting) == self._batch:
                self._submit()
        return places

    def probabilities(self) -> Float32:
        """Of all faces queued so far, by place, [m, 7]; waits for them."""
        if self._waiting:
            self._submit()
        done = [batch.result() for batch in self._batches]
        return np.concatenate([np.zeros((0, len(EMOTIONS)), np.float32), *done])

    def _submit(self) -> None:
        self._batches.append(self._pool.submit(self._classify, np.stack(self._waiting)))
        self._waiting = []

    def _classify(self, crops: UInt8) -> Float32:
        assert self._classifier is not None
        with self._clock.measure("emotions", faces=len(crops)):
            return self._classifier.classify(crops)


class SampleRows:
    """The rows of :class:`Samples`."""

    def __init__(self) -> None:
        self._rows: list[tuple[Any, ...]] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, t_s: float, cut: bool, change: float, screen_change: bool, searched: bool, layout: int) -> None:
        """Add a sample."""
        self._rows.append((t_s, cut, change, screen_change, searched, layout))

    def table(self) -> Samples:
        """All rows so far."""
        if not self._rows:
            return Samples.empty()
        t_s, cut, change, screen_change, searched, layout = zip(*self._rows, strict=True)
        return Samples(
            np.array(t_s, np.float64),
            np.array(cut, bool),
            np.array(change, np.float32),
            np.array(screen_change, bool),
            np.array(searched, bool),
            np.array(layout, np.int32),
        )


class TileRows:
    """The rows of :class:`Tiles`."""

    def __init__(self) -> None:
        self._parts: list[Tiles] = [Tiles.empty()]

    def add(
        self,
        t_s: float,
        layout: int,
        tile: Int32,
        box_px: Float32,
        has_face: Bool,
        signature: Int64,
        plate: Sequence[str] | None = None,
    ) -> None:
        """Add a layout's tiles [n], or some of them once more, with what their labels say."""
        n = len(tile)
        times, layouts = np.full(n, t_s), np.full(n, layout, np.int32)
        text = np.array(plate if plate is not None else [""] * n, np.str_).reshape(n)
        self._parts.append(Tiles(times, layouts, tile, box_px, has_face, signature, text))

    def table(self) -> Tiles:
        """All rows so far."""
        return Tiles.concatenate(self._parts)


class HeldSignals:
    """What was last read of each track, for samples at which it was not."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[float, np.float32, np.float32, np.float32]] = {}
        self._last = np.zeros(0, np.int32), Signals(*(np.zeros(0, np.float32) for _ in fields(Signals)))

    def held(self, t_s: float, track: Int32, now: Signals, moved_on: Bool) -> Signals:
        """The signals of a sample's faces, one row per track; what was not read is as at the sample before: all of
        those that ``moved_on`` with the mesh that they had, and the eyes of others that were not read."""
        last_track, last = self._last
        rows, held = np.nonzero((track[:, None] == last_track[None]) & moved_on[:, None])
        values = {f.name: getattr(now, f.name).copy() for f in fields(Signals)}
        for name, of_all in values.items():
            of_all[rows] = getattr(last, name)[held]
        held_now = self._with_eyes(t_s, track, Signals(**values))
        self._last = track, held_now
        return held_now

    def _with_eyes(self, t_s: float, track: Int32, now: Signals) -> Signals:
        before, self._known = self._known, {}
        eyes = np.column_stack([now.eyes_open, now.gaze_x, now.gaze_y])
        for row, number in enumerate(track.tolist()):
            if not np.isnan(eyes[row]).all():
                self._known[number] = (t_s, *eyes[row])
            elif number in before and t_s - before[number][0] < EYES_HOLD_S:
                self._known[number] = before[number]
                eyes[row] = before[number][1:]
        return replace(now, eyes_open=eyes[:, 0], gaze_x=eyes[:, 1], gaze_y=eyes[:, 2])


class FaceRows:
    """The rows of :class:`Faces`, without their emotions."""

    def __init__(self) -> None:
        self._parts: list[Faces] = [Faces.empty()]
        self._queued: list[Int32] = [np.zeros(0, np.int32)]
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def last_queued(self, rows: Int32) -> Int32:
        """Places in the emotion queue of rows of the last sample; none (−1) where a row is −1."""
        last = self._queued[-1]
        return np.array([last[row] if row >= 0 else NOT_QUEUED for row in rows], np.int32)

    def add(
        self,
        t_s: float,
        found: Found,
        tile: Int32,
        measured: Signals,
        quality: Float32,
        motion: Float32,
        queued: Int32,
        *,
        skipped: Bool,
    ) -> None:
        """Add a sample's faces [n]; ``motion`` [n, 2]: inside and around; ``queued``: places in the emotion queue."""
        n = len(found.track)
        self._parts.append(
            Faces(
                t_s=np.full(n, t_s),
                track=found.track,
                tile=tile,
                box_px=found.detections.box_px,
                score=found.detections.score,
                presence=found.landmarks.presence,
                **{column.name: getattr(measured, column.name) for column in fields(Signals)},
                emotions=np.full((n, len(EMOTIONS)), np.nan, np.float32),
                quality=quality,
                motion=motion[:, 0],
                motion_around=motion[:, 1],
                skipped=skipped,
            )
        )
        self._queued.append(queued)
        self._length += n

    def table(self, probabilities: Float32) -> Faces:
        """All rows so far, by time, then track; ``probabilities`` [m, 7] by place in the queue."""
        faces, queued = Faces.concatenate(self._parts), np.concatenate(self._queued)
        known = queued >= 0
        faces.emotions[known] = probabilities[queued[known]]
        return faces[np.lexsort((faces.track, faces.t_s))]


class TrackRows:
    """The rows of :class:`Tracks`."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, Float32, float, int]] = []

    def add(self, track: int, embedding: Float32, spread: float, crops: int) -> None:
        """Add a track that ended."""
        self._rows.append((track, embedding, spread, crops))

    def table(self, every: Int32) -> Tracks:
        """A row for each of the tracks ``every``, by number; those that were never added have no embedding."""
        known = {row[0]: row for row in self._rows}
        nothing = np.full(EMBEDDING_SIZE, np.nan, np.float32)
        rows = [known.get(int(track), (int(track), nothing, float("nan"), 0)) for track in every]
        if not rows:
            return Tracks.empty()
        return Tracks(
            np.array([row[0] for row in rows], np.int32),
            np.array([row[1] for row in rows], np.float32),
            np.array([row[3] for row in rows], np.int32),
            np.array([row[2] for row in rows], np.float32),
        )
