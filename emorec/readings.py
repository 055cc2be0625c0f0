"""What is read of the faces of each sample once they are found: eyes, signals, crops, motion, appearance.

Nothing of it decides where the next sample's faces are, so it is done a few samples behind, in a thread of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np

from emorec.attention import signals
from emorec.clock import StageClock
from emorec.emotion import crop_faces
from emorec.faces.boxes import grown
from emorec.faces.change import Change, motion_in_and_around
from emorec.faces.chips import Chip, ChipKeeper, appearance
from emorec.faces.embed import align
from emorec.faces.find import Found
from emorec.faces.plates import PlateReader, PlateSchedule
from emorec.faces.quality import face_quality
from emorec.faces.tiles import tile_of, tile_signatures
from emorec.landmarks import EyeMemory, LandmarkReader, eye_centers
from emorec.observed import EmotionQueue, FaceRows, HeldSignals, SampleRows, TileRows, TrackRows
from emorec.settings.faces import FacesSettings
from emorec.types import Bool, Float32, Landmarks, Observations, UInt8

__all__ = ["Readings", "Seen"]

# A change of this share of the picture in one place without a face is a new slide or a new page.
SCREEN_CHANGE_SHARE = 0.1
# Faces and what moves around them: kept out of what counts as a change of the screen, in widths of the box.
FACE_ZONE = 3.0

EmbedLater = Callable[[list[Chip]], Future[Float32]]


@dataclass(frozen=True)
class Seen:
    """A sample whose faces are found, with meshes but without eyes.

    ``before``: the picture of the sample before, None for the first; ``open_tracks``: the tracks that may go on after
    it.
    """

    t_s: float
    rgb: UInt8
    before: UInt8 | None
    change: Change
    found: Found
    open_tracks: frozenset[int]


class Readings:
    """Turns samples with found faces into the rows of a chunk's observations."""

    def __init__(
        self,
        reader: LandmarkReader,
        embed_later: EmbedLater,
        emotions: EmotionQueue,
        settings: FacesSettings,
        clock: StageClock,
        plates: PlateReader | None = None,
    ) -> None:
        self._plates, self._plates_due = plates, PlateSchedule()
        self._reader, self._embed_later, self._emotions = reader, embed_later, emotions
        self._settings, self._clock = settings, clock
        self._chips = ChipKeeper(settings.crops_per_track)
        self._held = HeldSignals()
        self._known = Landmarks.empty()
        self._eyes: dict[int, EyeMemory] = {}
        self._appearances: list[tuple[int, Future[Float32]]] = []
        self._sample_rows, self._tile_rows = SampleRows(), TileRows()
        self._face_rows, self._track_rows = FaceRows(), TrackRows()

    def add(self, seen: Seen) -> None:
        """Read the next sample."""
        found, change = seen.found, seen.change
        if found.relaid:
            self._add_tiles(seen)
        if self._plates is not None and len(found.layout.tile):
            self._read_plates(seen, self._plates)
        screen_change = _screen_changed(change, found.detections.box_px)
        cut = change.cut or found.moved
        self._sample_rows.add(seen.t_s, cut, change.share, screen_change, found.searched, found.layout.number)
        landmarks = self._with_eyes(seen)
        with self._clock.measure("rows", faces=len(found.track)):
            self._add_faces(seen, landmarks)
        self._embed_ended(seen.open_tracks)

    def finish(self) -> Observations:
        """The observations of the chunk."""
        self._embed_ended(frozenset())
        for track, embeddings in self._appearances:
            self._track_rows.add(track, *appearance(embeddings.result()), len(embeddings.result()))
        faces = self._face_rows.table(self._emotions.probabilities())
        tracks = self._track_rows.table(np.unique(faces.track))
        return Observations(self._sample_rows.table(), self._tile_rows.table(), faces, tracks)

    def _with_eyes(self, seen: Seen) -> Landmarks:
        """The landmarks of a sample's faces with their eyes; faces that stand still have those of the sample before."""
        still = seen.found.still
        held = still >= 0
        tracks = seen.found.track.tolist()
        self._eyes = {track: self._eyes.get(track) or EyeMemory() for track in {*tracks, *seen.open_tracks}}
        memories = [self._eyes[track] for track in tracks]
        wanted = seen.found.eyes & self._reader.shows_eyes(seen.found.detections.box_px)
        with self._clock.measure("landmarks"):
            read = self._reader.read_eyes(seen.rgb, seen.found.landmarks, wanted, memories)
        read.lids_px[held] = self._known.lids_px[still[held]]
        read.iris_px[held] = self._known.iris_px[still[held]]
        self._known = read
        return read

    def _add_tiles(self, seen: Seen) -> None:
        layout = seen.found.layout
        has_face = np.isin(layout.tile, tile_of(layout, seen.found.detections.box_px))
        signatures = tile_signatures(seen.rgb, layout.box_px)
        self._tile_rows.add(seen.t_s, layout.number, layout.tile, layout.box_px, has_face, signatures)

    def _read_plates(self, seen: Seen, reader: PlateReader) -> None:
        """Read the labels that are due, each row of Tiles once more with what it says."""
        layout, found = seen.found.layout, seen.found
        inside = tile_of(layout, found.detections.box_px)
        occupant = np.full(len(layout.tile), -1, np.int32)
        for row, tile in enumerate(layout.tile):
            here = np.flatnonzero(inside == tile)
            if len(here):
                occupant[row] = found.track[here[found.detections.box_px[here, 2].argmax()]]
        due = np.flatnonzero(self._plates_due.due(seen.t_s, layout.tile, occupant))
        with self._clock.measure("plates", tiles=len(due)):
            read = reader.read(seen.rgb, layout.box_px[due], occupant[due] < 0)
        rows = due[[reading is not None for reading in read]]
        texts = [reading.text for reading in read if reading is not None]
        signatures = tile_signatures(seen.rgb, layout.box_px[rows])
        boxes, has_face = layout.box_px[rows], occupant[rows] >= 0
        self._tile_rows.add(seen.t_s, layout.number, layout.tile[rows], boxes, has_face, signatures, texts)

    def _add_faces(self, seen: Seen, landmarks: Landmarks) -> None:
        t_s, rgb, found = seen.t_s, seen.rgb, seen.found
        boxes = found.detections.box_px
        fresh = found.still < 0
        measured = self._held.held(t_s, found.track, signals(landmarks), found.moved_on)
        crops = crop_faces(rgb, boxes)
        quality = face_quality(boxes[:, 2], crops, measured.yaw, measured.pitch)
        motion = np.full((len(boxes), 2), np.nan, np.float32)
        if seen.before is not None:
            for row, box in enumerate(boxes):
                motion[row] = motion_in_and_around(seen.before, rgb, box)
        usable = fresh & (landmarks.presence >= self._settings.min_presence)
        queued = self._emotions.add(crops, usable, self._face_rows.last_queued(found.still))
        self._face_rows.add(t_s, found, tile_of(found.layout, boxes), measured, quality, motion, queued, skipped=~fresh)
        self._keep_chips(seen, quality, usable & ~found.moved_on)

    def _keep_chips(self, seen: Seen, quality: Float32, usable: Bool) -> None:
        eyes = eye_centers(seen.found.landmarks.mesh_px)
        for row in np.flatnonzero(usable).tolist():
            track = int(seen.found.track[row])
            if self._chips.wants(track, seen.t_s, float(quality[row])):
                self._chips.keep(track, seen.t_s, Chip(align(seen.rgb, eyes[row]), float(quality[row])))

    def _embed_ended(self, open_tracks: frozenset[int]) -> None:
        """Turn the crops of tracks that ended into their appearance, in a thread of its own."""
        for track, chips in self._chips.take(open_tracks).items():
            self._appearances.append((track, self._embed_later(chips)))


def _screen_changed(change: Change, face_boxes_px: Float32) -> bool:
    """Whether something large that is no face was replaced: a slide, a shared page; not a cut, which replaces all."""
    if change.cut:
        return False
    _, shares = change.areas_outside(grown(face_boxes_px, FACE_ZONE))
    return bool((shares >= SCREEN_CHANGE_SHARE).any())
