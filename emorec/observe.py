"""One chunk of a recording, seen: samples → the four tables of observations.

The expensive half of emorec, and the only one that touches pixels. It knows nothing of other chunks: all state begins
with the chunk's first sample, so that chunks can be observed anywhere, in any order. No picture outlives the next
sample, but for a few small aligned crops per open track.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from queue import SimpleQueue
from types import TracebackType
from typing import Self

import cv2
import numpy as np

from emorec import assets
from emorec.ahead import read_ahead
from emorec.attention import signals
from emorec.clock import StageClock
from emorec.emotion import EmotionClassifier, crop_faces
from emorec.faces.boxes import grown
from emorec.faces.change import Change, ChangeMeter, motion_in_and_around
from emorec.faces.chips import Chip, ChipKeeper, appearance
from emorec.faces.detect import FaceDetector
from emorec.faces.embed import FaceEmbedder, align
from emorec.faces.find import FaceFinder, Found
from emorec.faces.quality import face_quality
from emorec.faces.tiles import tile_of, tile_signatures
from emorec.landmarks import LandmarkReader, eye_centers
from emorec.memory import give_back_free_memory, keep_pictures_apart
from emorec.observed import EmotionQueue, FaceRows, HeldEyes, SampleRows, TileRows, TrackRows
from emorec.settings import Settings
from emorec.types import (
    EMBEDDING_SIZE,
    Bool,
    Detections,
    Float32,
    Landmarks,
    Observations,
    Progress,
    ProgressCallback,
    Sample,
    UInt8,
)

__all__ = ["ObserveResult", "Observer"]

# Pictures decoded ahead: enough to even out the costs of samples, few enough for 4K pictures (25 MB each).
SAMPLES_AHEAD = 3
# Two cores are what emorec is made for; more gain little, since a sample's faces are found before they are read.
THREADS = 2
# Faces that a thread reads in one go: few, so that no thread is left behind when others need its core.
FACES_AT_ONCE = 3
# Embeddings of one face half a second apart differ by .2 to .35, of two people by .5 and more (composed calls).
SAME_PERSON_DISTANCE = 0.42
# A change of this share of the picture in one place without a face is a new slide or a new page.
SCREEN_CHANGE_SHARE = 0.1
# Faces and what moves around them: kept out of what counts as a change of the screen, in widths of the box.
FACE_ZONE = 3.0


@dataclass(frozen=True)
class ObserveResult:
    """What was seen of a chunk; ``stages``: wall_s, cpu_s and counts by stage (see ``emorec.clock``)."""

    observations: Observations
    stages: dict[str, dict[str, float]]


class Observer:
    """All models that observe needs, opened once and closed once: a context manager, used by one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        """Load the models that the settings ask for.

        Raises:
            AssetError: a model file is missing or is not the pinned one.
        """
        # OpenCV's own threads would compete with ours for the same cores.
        cv2.setNumThreads(1)
        keep_pictures_apart()
        self._settings = settings
        path = {name.removesuffix(".tflite"): assets.locate(name, settings.assets) for name in assets.OPENED}
        with ExitStack() as stack:
            self._detector = stack.enter_context(
                FaceDetector(path["face_detection_short_range"], settings.faces, THREADS)
            )
            self._readers: SimpleQueue[LandmarkReader] = SimpleQueue()
            for _ in range(THREADS):
                self._readers.put(LandmarkReader(path["face_landmark"], path["iris_landmark"], settings.landmarks))
            self._pool = stack.enter_context(ThreadPoolExecutor(THREADS, thread_name_prefix="read"))
            # One to decide with now, one for tracks that ended.
            self._embedder, self._later_embedder = (FaceEmbedder(path["face_embedder"]) for _ in range(2))
            self._later = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="embed"))
            self._classifier = (
                stack.enter_context(EmotionClassifier(settings.emotion)) if settings.privacy.emotions else None
            )
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def observe(self, samples: Iterable[Sample], progress: ProgressCallback | None = None) -> ObserveResult:
        """Observe one chunk.

        Args:
            samples: of one size, by time; they are read ahead in a thread of their own.
            progress: called after every sample.

        Returns:
            The observations, with tracks, tiles and layouts numbered from 0, and the cost of each stage.
        """
        started, cpu = time.perf_counter(), time.process_time()
        clock = StageClock()
        with EmotionQueue(self._classifier, clock) as emotions:
            chunk = _Chunk(self, clock, emotions)
            with read_ahead(_timed(samples, clock), SAMPLES_AHEAD) as ahead:
                for sample in ahead:
                    chunk.add(sample)
                    if progress is not None:
                        progress(Progress("observe", sample.t_s, sample.t_s, chunk.samples, chunk.faces))
            observations = chunk.finish()
        give_back_free_memory()
        figures = {"wall_s": time.perf_counter() - started, "cpu_s": time.process_time() - cpu}
        clock.add("observe", {**figures, "samples": chunk.samples, "faces": chunk.faces})
        return ObserveResult(observations, clock.stages())

    def read_landmarks(self, rgb: UInt8, faces: Detections, eyes: bool, clock: StageClock) -> Landmarks:
        """The landmarks of the faces of a picture, with or without their eyes, shared between threads."""

        def read(reader: LandmarkReader, share: Detections) -> Landmarks:
            with clock.measure("landmarks", faces=len(share)):
                return reader.read(rgb, share, None if eyes else np.zeros(len(share), bool))

        def read_group(rows: slice) -> Landmarks:
            reader = self._readers.get()
            try:
                return read(reader, faces[rows])
            finally:
                self._readers.put(reader)

        groups = [slice(first, first + FACES_AT_ONCE) for first in range(0, len(faces), FACES_AT_ONCE)]
        return Landmarks.concatenate([Landmarks.empty(), *self._pool.map(read_group, groups)])

    def embed_later(self, chips: list[Chip], clock: StageClock) -> Future[Float32]:
        """The embeddings [n, 128] of aligned crops, once they are made."""

        def embed() -> Float32:
            with clock.measure("identity", crops=len(chips)):
                embeddings = [self._later_embedder.embed_chip(chip.picture) for chip in chips]
            return np.array(embeddings, np.float32).reshape(-1, EMBEDDING_SIZE)

        return self._later.submit(embed)

    def same_person(self, before: UInt8, known: Landmarks, now: UInt8, found: Landmarks) -> bool:
        """Whether one face of a picture and one of the next are the same person; not if either cannot be seen."""
        one = self._embedder.embed(before, eye_centers(known.mesh_px))
        other = self._embedder.embed(now, eye_centers(found.mesh_px))
        return bool(np.linalg.norm(one - other) < SAME_PERSON_DISTANCE)


class _Chunk:
    """What is known of a chunk while it is observed."""

    def __init__(self, observer: Observer, clock: StageClock, emotions: EmotionQueue) -> None:
        settings = observer._settings.faces
        self._observer, self._clock, self._emotions = observer, clock, emotions
        self._meter = ChangeMeter()
        self._finder = FaceFinder(observer._detector, settings, self._read, self._same_person)
        self._chips = ChipKeeper(settings.crops_per_track)
        self._eyes = HeldEyes()
        self._appearances: list[tuple[int, Future[Float32]]] = []
        self._before: UInt8 | None = None
        self._sample_rows, self._tile_rows = SampleRows(), TileRows()
        self._face_rows, self._track_rows = FaceRows(), TrackRows()

    @property
    def samples(self) -> int:
        """Samples so far."""
        return len(self._sample_rows)

    @property
    def faces(self) -> int:
        """Faces so far, over all samples."""
        return len(self._face_rows)

    def add(self, sample: Sample) -> None:
        """Observe the next sample."""
        t_s, rgb = sample.t_s, sample.rgb
        with self._clock.measure("change"):
            change = self._meter.measure(rgb, may_pan=self._finder.layout.number < 0)
        with self._clock.measure("faces", samples=1):
            found = self._finder.find(t_s, rgb, change)
        if found.relaid:
            self._add_tiles(t_s, rgb, found)
        screen_change = _screen_changed(change, found.detections.box_px)
        cut = change.cut or found.moved
        self._sample_rows.add(t_s, cut, change.share, screen_change, found.searched, found.layout.number)
        with self._clock.measure("rows", faces=len(found.track)):
            self._add_faces(t_s, rgb, found)
        self._embed_ended(self._finder.tracker.numbers())
        self._before = rgb

    def finish(self) -> Observations:
        """The observations of the chunk."""
        self._embed_ended(set())
        for track, embeddings in self._appearances:
            self._track_rows.add(track, *appearance(embeddings.result()), len(embeddings.result()))
        faces = self._face_rows.table(self._emotions.probabilities())
        tracks = self._track_rows.table(np.unique(faces.track))
        return Observations(self._sample_rows.table(), self._tile_rows.table(), faces, tracks)

    def _read(self, rgb: UInt8, faces: Detections) -> Landmarks:
        crowd = len(faces) >= self._observer._settings.landmarks.eyes_in_turn_from_faces
        return self._observer.read_landmarks(rgb, faces, not crowd or self.samples % 2 == 0, self._clock)

    def _same_person(self, before: UInt8, known: Landmarks, now: UInt8, found: Landmarks) -> bool:
        with self._clock.measure("identity", crops=2):
            return self._observer.same_person(before, known, now, found)

    def _add_tiles(self, t_s: float, rgb: UInt8, found: Found) -> None:
        layout = found.layout
        has_face = np.isin(layout.tile, tile_of(layout, found.detections.box_px))
        signatures = tile_signatures(rgb, layout.box_px)
        self._tile_rows.add(t_s, layout.number, layout.tile, layout.box_px, has_face, signatures)

    def _add_faces(self, t_s: float, rgb: UInt8, found: Found) -> None:
        boxes, landmarks = found.detections.box_px, found.landmarks
        fresh = found.still < 0
        measured = self._eyes.held(t_s, found.track, signals(landmarks))
        crops = crop_faces(rgb, boxes)
        quality = face_quality(boxes[:, 2], crops, measured.yaw, measured.pitch)
        motion = np.full((len(boxes), 2), np.nan, np.float32)
        if self._before is not None:
            for row, box in enumerate(boxes):
                motion[row] = motion_in_and_around(self._before, rgb, box)
        readable = landmarks.presence >= self._observer._settings.faces.min_presence
        queued = self._emotions.add(crops, fresh & readable, self._face_rows.last_queued(found.still))
        self._face_rows.add(t_s, found, tile_of(found.layout, boxes), measured, quality, motion, queued, skipped=~fresh)
        self._keep_chips(t_s, rgb, found, quality, fresh & readable)

    def _keep_chips(self, t_s: float, rgb: UInt8, found: Found, quality: Float32, usable: Bool) -> None:
        eyes = eye_centers(found.landmarks.mesh_px)
        for row in np.flatnonzero(usable).tolist():
            track = int(found.track[row])
            if self._chips.wants(track, t_s, float(quality[row])):
                self._chips.keep(track, t_s, Chip(align(rgb, eyes[row]), float(quality[row])))

    def _embed_ended(self, open_tracks: set[int]) -> None:
        """Turn the crops of tracks that ended into their appearance, in a thread of its own."""
        for track, chips in self._chips.take(open_tracks).items():
            self._appearances.append((track, self._observer.embed_later(chips, self._clock)))


def _timed(samples: Iterable[Sample], clock: StageClock) -> Iterable[Sample]:
    """The same samples, their decoding measured."""
    iterator = iter(samples)
    while True:
        with clock.measure("decode"):
            sample = next(iterator, None)
        if sample is None:
            return
        yield sample


def _screen_changed(change: Change, face_boxes_px: Float32) -> bool:
    """Whether something large that is no face was replaced: a slide, a shared page; not a cut, which replaces all."""
    if change.cut:
        return False
    _, shares = change.areas_outside(grown(face_boxes_px, FACE_ZONE))
    return bool((shares >= SCREEN_CHANGE_SHARE).any())
