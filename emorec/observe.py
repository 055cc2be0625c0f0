"""One chunk of a recording, seen: samples → the four tables of observations.

The expensive half of emorec, and the only one that touches pixels. It knows nothing of other chunks: all state begins
with the chunk's first sample, so that chunks can be observed anywhere, in any order. No picture outlives the next
sample, but for a few small aligned crops per open track.
"""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from types import TracebackType
from typing import Self

import cv2
import numpy as np

from emorec import assets
from emorec.ahead import hand_on, read_ahead
from emorec.clock import StageClock
from emorec.emotion import EmotionClassifier
from emorec.faces.change import ChangeMeter
from emorec.faces.chips import Chip
from emorec.faces.detect import FaceDetector
from emorec.faces.embed import FaceEmbedder
from emorec.faces.find import FaceFinder
from emorec.faces.plates import PlateReader
from emorec.landmarks import LandmarkReader, eye_centers
from emorec.memory import give_back_free_memory, keep_pictures_apart
from emorec.observed import EmotionQueue
from emorec.readings import Readings, Seen
from emorec.settings import Settings
from emorec.types import (
    EMBEDDING_SIZE,
    Detections,
    Float32,
    Landmarks,
    Observations,
    Progress,
    ProgressCallback,
    Sample,
    UInt8,
)

__all__ = ["ObserveResult", "Observer", "borrowed", "close_idle"]

# Pictures decoded ahead: enough to even out the costs of samples, few enough for 4K pictures (25 MB each).
SAMPLES_AHEAD = 3
# Pictures whose faces are found and still to be read, likewise.
BEHIND = 2
# Two cores are what emorec is made for; more gain little, since a sample's faces are found before they are read.
THREADS = 2
# Faces that a thread reads in one go: few, so that no thread is left behind when others need its core.
FACES_AT_ONCE = 3
# Embeddings of one face half a second apart differ by .2 to .35, of two people by .5 and more (composed calls).
SAME_PERSON_DISTANCE = 0.42


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
            self._eye_reader = LandmarkReader(path["face_landmark"], path["iris_landmark"], settings.landmarks)
            self._pool = stack.enter_context(ThreadPoolExecutor(THREADS, thread_name_prefix="read"))
            # One to decide with now, one for tracks that ended.
            self._embedder, self._later_embedder = (FaceEmbedder(path["face_embedder"]) for _ in range(2))
            self._later = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="embed"))
            self._plates = _plate_reader(settings)
            self._classifier = (
                stack.enter_context(EmotionClassifier(settings.emotion)) if settings.privacy.emotions else None
            )
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the threads and let the models go; closing twice is harmless."""
        self._stack.close()

    def observe(self, samples: Iterable[Sample], progress: ProgressCallback | None = None) -> ObserveResult:
        """Observe one chunk.

        Decoding runs ahead and what is only read of faces runs behind, each in a thread of its own; here, sample by
        sample, faces are found.

        Args:
            samples: of one size, by time.
            progress: called after every sample.

        Returns:
            The observations, with tracks, tiles and layouts numbered from 0, and the cost of each stage.
        """
        started, cpu = time.perf_counter(), time.process_time()
        clock = StageClock()
        counts = {"samples": 0, "faces": 0}
        with EmotionQueue(self._classifier, clock) as emotions:
            embed = functools.partial(self.embed_later, clock=clock)
            readings = Readings(self._eye_reader, embed, emotions, self._settings.faces, clock, self._plates)
            finding = _Finding(self, clock)
            with read_ahead(_timed(samples, clock), SAMPLES_AHEAD) as ahead, hand_on(readings.add, BEHIND) as hand:
                for sample in ahead:
                    seen = finding.find(sample)
                    hand(seen)
                    counts["samples"] += 1
                    counts["faces"] += len(seen.found.track)
                    if progress is not None:
                        progress(Progress("observe", sample.t_s, sample.t_s, **counts))
            observations = readings.finish()
        give_back_free_memory()
        figures = {"wall_s": time.perf_counter() - started, "cpu_s": time.process_time() - cpu}
        clock.add("observe", {**figures, **counts})
        return ObserveResult(observations, clock.stages())

    def read_meshes(self, rgb: UInt8, faces: Detections, clock: StageClock) -> Landmarks:
        """The meshes of the faces of a picture, shared between threads."""

        def read_group(rows: slice) -> Landmarks:
            reader = self._readers.get()
            try:
                with clock.measure("landmarks", faces=len(faces[rows])):
                    return reader.read_meshes(rgb, faces[rows])
            finally:
                self._readers.put(reader)

        groups = [slice(first, first + FACES_AT_ONCE) for first in range(0, len(faces), FACES_AT_ONCE)]
        spread = self._pool.map if len(groups) > 1 else map
        return Landmarks.concatenate([Landmarks.empty(), *spread(read_group, groups)])

    def embed_later(self, chips: list[Chip], clock: StageClock) -> Future[Float32]:
        """The embeddings [n, 128] of aligned crops, once they are made; what waits is bounded by the chunk alone, a few
        crops for each of its tracks."""

        def embed() -> Float32:
            with clock.measure("identity", crops=len(chips)):
                embeddings = [self._later_embedder.embed_chip(chip.picture) for chip in chips]
            return np.array(embeddings, np.float32).reshape(-1, EMBEDDING_SIZE)

        return self._later.submit(embed)

    def embed(self, rgb: UInt8, eyes_px: Float32) -> Float32:
        """The embedding [1, 128] of one face of a picture by its eyes [1, 2, 2]; NaN where they are not known."""
        return self._embedder.embed(rgb, eyes_px)


@contextmanager
def borrowed(settings: Settings) -> Iterator[Observer]:
    """An open observer, from those that are not in use where one has these settings; it is given back after use.

    So the next chunk need not load the models again. One that failed is closed, and so is one with other settings. What
    is given back stays open until :func:`close_idle`, or as long as its process.
    """
    # Threads do not live on in a forked process.
    key = f"{os.getpid()} {settings.model_dump_json()}"
    with _idle_lock:
        mine = [entry for entry in _idle if entry[0] == key]
        others = [entry for entry in _idle if entry[0] != key]
        _idle[:] = mine[1:]
    for made, observer in others:
        if made.startswith(f"{os.getpid()} "):
            observer.close()
    observer = mine[0][1] if mine else Observer(settings)
    try:
        yield observer
    except BaseException:
        observer.close()
        raise
    with _idle_lock:
        _idle.append((key, observer))


def close_idle() -> None:
    """Close the observers that are not in use: what comes next needs the memory."""
    with _idle_lock:
        entries, _idle[:] = list(_idle), []
    for made, observer in entries:
        if made.startswith(f"{os.getpid()} "):
            observer.close()


_idle: list[tuple[str, Observer]] = []
_idle_lock = threading.Lock()


class _Finding:
    """What decides where the faces of a chunk's next sample are."""

    def __init__(self, observer: Observer, clock: StageClock) -> None:
        settings = observer._settings
        self._observer, self._clock = observer, clock
        self._meter = ChangeMeter()
        crowd_from = settings.landmarks.in_turn_from_faces
        self._finder = FaceFinder(observer._detector, settings.faces, crowd_from, self._read, self._same_person)
        self._before: UInt8 | None = None
        self._looks: dict[bytes, Float32] = {}
        self._looks_before: dict[bytes, Float32] = {}

    def find(self, sample: Sample) -> Seen:
        """The faces of the next sample."""
        t_s, rgb = sample.t_s, sample.rgb
        with self._clock.measure("change"):
            change = self._meter.measure(rgb, may_pan=self._finder.layout.number < 0)
        self._looks_before, self._looks = self._looks, {}
        with self._clock.measure("faces", samples=1):
            found = self._finder.find(t_s, rgb, change)
        open_tracks = frozenset(self._finder.tracker.numbers())
        seen = Seen(t_s, rgb, self._before, change, found, open_tracks)
        self._before = rgb
        return seen

    def _read(self, rgb: UInt8, faces: Detections) -> Landmarks:
        return self._observer.read_meshes(rgb, faces, self._clock)

    def _same_person(self, before: UInt8, known: Landmarks, now: UInt8, found: Landmarks) -> bool:
        """Whether one face of a picture and one of the next are the same person; not if either cannot be seen."""
        one = self._look(before, known, self._looks_before)
        other = self._look(now, found, self._looks)
        return bool(np.linalg.norm(one - other) < SAME_PERSON_DISTANCE)

    def _look(self, rgb: UInt8, face: Landmarks, known: dict[bytes, Float32]) -> Float32:
        """The embedding of a face of a picture, of whose faces some are ``known`` by their eyes."""
        eyes = eye_centers(face.mesh_px)
        key = eyes.tobytes()
        if key not in known:
            with self._clock.measure("identity", crops=1):
                known[key] = self._observer.embed(rgb, eyes)
        return known[key]


def _plate_reader(settings: Settings) -> PlateReader | None:
    """What reads labels, where the settings ask for names."""
    if not settings.privacy.reads_plates:
        return None
    return PlateReader(*(assets.locate(name, settings.assets) for name in assets.PLATES))


def _timed(samples: Iterable[Sample], clock: StageClock) -> Iterable[Sample]:
    """The same samples, their decoding measured."""
    iterator = iter(samples)
    while True:
        with clock.measure("decode"):
            sample = next(iterator, None)
        if sample is None:
            return
        yield sample
