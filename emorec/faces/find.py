"""Where to look for faces, sample by sample: follow those that are known, search where something new may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from emorec.faces.boxes import centers, contains, grown, iou
from emorec.faces.change import Change, unchanged
from emorec.faces.detect import CONFIRMING_SCORE, FaceDetector, Sizes
from emorec.faces.merge import without_known
from emorec.faces.tiles import SAME_TILE_IOU, Layout, TileFinder
from emorec.faces.track import Tracker
from emorec.settings.faces import FacesSettings
from emorec.types import Bool, Detections, Float32, Int32, Landmarks, UInt8

__all__ = ["FaceFinder", "Found", "Known"]

# A body moves with its face: changes in this zone around a face (widths to each side, above, below) are no new face.
BODY_SIDES, BODY_ABOVE, BODY_BELOW = 1.0, 0.6, 2.2
# Where a face that was lost is searched for, in widths of its box.
LOST_EXTENT = 3.0
# Areas that fill more than this share of the picture are searched as the whole picture.
WHOLE_SHARE = 0.35
# An area that was searched is not searched again for this long, s, unless more than REPLACED_AT_ONCE of it is new.
AREA_REST_S = 2.0
# The pause between searches of the whole picture doubles up to this multiple while they find nobody new.
LONGEST_PAUSE = 4
# The smallest tiles are looked through in every third search only, but for the first after a cut.
SMALLEST_EVERY = 3
# A place of which this share was replaced may show another person in the same place.
REPLACED_PLACE = 0.6
# Of which this share was, it may show half of another tile, and a track through it needs the same appearance before
# and after.
UNCERTAIN_PLACE = 0.25
PLACE_EXTENT = 2.0
# A followed face in which the mesh sees none must be this sure to the detector (profiles are .6 to .9).
FOLLOWED_WITHOUT_MESH = 0.6
# A tile of which this share moves shows a camera's picture.
ALIVE_SHARE = 0.03
# A face of a crowd keeps its mesh for a sample if it moved by no more than this, in widths, changed its size by no more
# than this factor, and the detector is this sure of it.
TURN_SHIFT, TURN_SIZE, TURN_SCORE = 0.15, 1.15, 0.8
# The surroundings of a face that must stand still for its values to be repeated, in widths.
STILL_EXTENT = 1.4


@dataclass(frozen=True)
class Known:
    """The faces of the sample before: their tracks [n], and what was read of them."""

    track: Int32
    detections: Detections
    landmarks: Landmarks


@dataclass(frozen=True)
class Found:
    """The faces of a sample, and how they were found.

    ``track`` [n]; ``still`` [n]: the row of the sample before that a face repeats because nothing changed there, else
    −1; ``moved_on`` [n]: whether its mesh is that of the sample before, moved along with it; ``eyes`` [n]: whether its
    eyes are to be read at this sample, if they are large enough; ``searched``: whether the whole picture was searched;
    ``layout`` of tiles in force; ``relaid``: whether it is another one than before; ``moved``: whether tiles moved or
    went, not only came.
    """

    track: Int32
    detections: Detections
    landmarks: Landmarks
    still: Int32
    moved_on: Bool
    eyes: Bool
    searched: bool
    layout: Layout
    relaid: bool
    moved: bool


Read = Callable[[UInt8, Detections], Landmarks]
SamePerson = Callable[[UInt8, Landmarks, UInt8, Landmarks], bool]


class FaceFinder:
    """Finds and tracks the faces of one chunk; all it knows begins with the chunk's first sample."""

    def __init__(
        self, detector: FaceDetector, settings: FacesSettings, crowd_from: int, read: Read, same_person: SamePerson
    ) -> None:
        """Take the tools.

        Args:
            detector: stays open while this is used.
            settings: thresholds and times.
            crowd_from: in a sample with so many faces or more, every second one is read in turn.
            read: the landmarks of detected faces of a picture; their presence decides with the scores.
            same_person: whether one face of a picture, and one of another, by their landmarks, are one person.
        """
        self._detector, self._settings, self._read, self._same_person = detector, settings, read, same_person
        self._crowd_from, self._samples = crowd_from, 0
        self.tracker = Tracker(settings.max_gap_s)
        self._tiles = TileFinder()
        self._before: UInt8 | None = None
        self._known: Known | None = None
        self._next_search_s = -np.inf
        self._pause_s = settings.search_every_s
        self._searches = 0
        self._rested_s: Float32 | None = None

    @property
    def layout(self) -> Layout:
        """The tiles in force."""
        return self._tiles.layout

    def find(self, t_s: float, rgb: UInt8, change: Change) -> Found:
        """The faces of the next sample.

        Args:
            t_s: its time.
            rgb: [H, W, 3] uint8.
            change: against the sample before.
        """
        if change.cut:
            self.tracker.end()
            self._known, self._next_search_s = None, -np.inf
        self.tracker.expire(t_s)
        still = self._still_rows(rgb)
        numbers, expected = self.tracker.expected(t_s, change.shift_px)
        if self._known is not None:
            expected = expected[~np.isin(numbers, self._known.track[still])]
        followed = self._detector.follow(rgb, expected)
        seen = followed.score >= self._least_score(change, expected)
        held = self._held(still)
        known = without_known(held.detections, followed[seen])
        searched, sizes, areas = self._plan(t_s, change, known.box_px, expected[~seen])
        relaid, moved, tiles_before = False, False, self._tiles.layout.box_px
        if searched:
            news = self._detector.search(rgb, sizes="large")
            relaid, moved = self._tiles.update(rgb, without_known(known, news).box_px, cut=change.cut)
            if sizes == "all":
                news = self._with_small(rgb, known, news)
        else:
            news = self._detector.search(rgb, areas) if len(areas) else Detections.empty()
            if self._tiles.may_change(change):
                relaid, moved = self._tiles.update(rgb, without_known(known, news).box_px, cut=False)
        news = without_known(news, self._look_into_tiles(rgb, change, without_known(known, news), every=searched))
        fresh = without_known(known, news)[len(held.detections) :]
        kept = self._kept_rows(change, fresh)
        landmarks = self._with_kept(fresh, kept, self._read(rgb, fresh[kept < 0]))
        is_new = np.arange(len(fresh)) >= len(known) - len(held.detections)
        accepted = self._accepted(fresh, landmarks, is_new)
        fresh, landmarks, is_new, kept = fresh[accepted], landmarks[accepted], is_new[accepted], kept[accepted]
        if searched:
            self._set_next_search(t_s, found_new=bool(is_new.any()))
        self._end_replaced(rgb, change, fresh, landmarks, tiles_before if moved else None)
        detections = Detections.concatenate([held.detections, fresh])
        both = Landmarks.concatenate([held.landmarks, landmarks])
        track = self.tracker.update(t_s, detections.box_px, change.shift_px)
        rows = np.concatenate([still, np.full(len(fresh), -1, np.int32)])
        tracks_before = self._known.track if self._known is not None else np.zeros(0, np.int32)
        self._before, self._known = rgb, Known(track, detections, both)
        moved_on = np.concatenate([np.zeros(len(still), bool), kept >= 0])
        eyes = (rows < 0) & ((len(kept) < self._crowd_from) | self._has_turn(track) | ~np.isin(track, tracks_before))
        self._samples += 1
        return Found(track, detections, both, rows, moved_on, eyes, searched, self._tiles.layout, relaid, moved)

    def _has_turn(self, track: Int32) -> Bool:
        return np.asarray((track + self._samples) % 2 == 0)

    def _kept_rows(self, change: Change, faces: Detections) -> Int32:
        """For each face [n] the row of the sample before whose mesh it keeps, −1 where it is read.

        In a crowd every second face is read at a sample and the others at the next one; but those that moved, or may be
        others, at each.
        """
        kept = np.full(len(faces), -1, np.int32)
        if self._known is None or len(faces) < self._crowd_from:
            return kept
        was, now = self._known.detections.box_px, faces.box_px
        apart = np.linalg.norm(centers(now)[:, None] - centers(was)[None], axis=2)
        grew = now[:, None, 2] / np.maximum(was[None, :, 2], 1)
        same = (apart <= TURN_SHIFT * was[:, 2]) & (grew <= TURN_SIZE) & (grew >= 1 / TURN_SIZE)
        same &= ~self._has_turn(self._known.track) & (faces.score >= TURN_SCORE)[:, None]
        for i, row in np.argwhere(same & (same.sum(axis=0) == 1) & (same.sum(axis=1) == 1)[:, None]).tolist():
            if change.replaced_share(grown(now[i : i + 1], PLACE_EXTENT)[0]) < UNCERTAIN_PLACE:
                kept[i] = row
        return kept

    def _with_kept(self, faces: Detections, kept: Int32, read: Landmarks) -> Landmarks:
        """The landmarks of all faces: those that were read, and those kept, moved and scaled with the face."""
        if self._known is None or len(read) == len(faces):
            return read
        rows = kept[kept >= 0]
        was, now = self._known.detections.box_px[rows], faces.box_px[kept >= 0]
        scale = (now[:, 2] / was[:, 2])[:, None, None]
        mesh = self._known.landmarks.mesh_px[rows].copy()
        mesh[..., :2] = (mesh[..., :2] - centers(was)[:, None]) * scale + centers(now)[:, None]
        mesh[..., 2:] *= scale
        old = Landmarks(
            mesh,
            self._known.landmarks.presence[rows],
            *(
                np.full_like(eyes[rows], np.nan)
                for eyes in (self._known.landmarks.lids_px, self._known.landmarks.iris_px)
            ),
        )
        order = np.argsort(np.concatenate([np.flatnonzero(kept < 0), np.flatnonzero(kept >= 0)]))
        return Landmarks.concatenate([read, old])[order]

    def _with_small(self, rgb: UInt8, known: Detections, news: Detections) -> Detections:
        """The faces found, and small ones: in a call only where a tile has no face yet (a third of the cost)."""
        areas = self._faceless(without_known(known, news)) if len(self._tiles.layout.box_px) else None
        if areas is not None and not len(areas):
            return news
        return without_known(news, self._detector.search(rgb, areas, "small"))

    def _faceless(self, faces: Detections) -> Float32:
        """The tiles [n, 4] without a face."""
        tiles = self._tiles.layout.box_px
        return tiles[~contains(tiles, centers(faces.box_px)).any(axis=1)]

    def _look_into_tiles(self, rgb: UInt8, change: Change, faces: Detections, *, every: bool) -> Detections:
        """More faces, in tiles that have none: in every one, or in those in which something moves."""
        tiles = self._faceless(faces)
        alive = [every or float(change.moved[change.blocks_of(tile)].mean()) >= ALIVE_SHARE for tile in tiles]
        return self._detector.look_into(rgb, tiles[np.array(alive, bool)])

    def _set_next_search(self, t_s: float, *, found_new: bool) -> None:
        every_s = self._settings.search_every_s
        self._pause_s = every_s if found_new else min(2 * self._pause_s, LONGEST_PAUSE * every_s)
        self._next_search_s = t_s + self._pause_s

    def _still_rows(self, rgb: UInt8) -> Int32:
        """Rows of the faces known from the sample before around which no pixel changed."""
        if self._known is None or self._before is None:
            return np.zeros(0, np.int32)
        around = grown(self._known.detections.box_px, STILL_EXTENT)
        rows = [row for row in range(len(around)) if unchanged(self._before, rgb, around[row])]
        return np.array(rows, np.int32)

    def _held(self, still: Int32) -> Known:
        if self._known is None:
            return Known(np.zeros(0, np.int32), Detections.empty(), Landmarks.empty())
        return Known(self._known.track[still], self._known.detections[still], self._known.landmarks[still])

    def _plan(self, t_s: float, change: Change, known_px: Float32, lost_px: Float32) -> tuple[bool, Sizes, Float32]:
        """Whether to search the whole picture, for faces of which sizes; else in which areas [m, 4]."""
        if self._rested_s is None or change.cut:
            self._rested_s = np.full(change.moved.shape, -np.inf, np.float32)
        areas, shares = change.areas_outside(_bodies(known_px, self._tiles.layout.box_px))
        areas, shares = self._awake(t_s, change, areas, shares)
        if t_s >= self._next_search_s or shares.sum() > WHOLE_SHARE:
            self._rested_s[:] = t_s
            small = change.cut or self._searches % SMALLEST_EVERY == 0
            self._searches += 1
            return True, "all" if small else "large", np.zeros((0, 4), np.float32)
        for area in areas:
            self._rested_s[change.blocks_of(area)] = t_s
        return False, "all", np.concatenate([areas, grown(lost_px, LOST_EXTENT)])

    def _awake(self, t_s: float, change: Change, areas: Float32, shares: Float32) -> tuple[Float32, Float32]:
        """The areas that were not searched just now."""
        assert self._rested_s is not None
        rows = []
        for row, area in enumerate(areas):
            rested = t_s - float(self._rested_s[change.blocks_of(area)].max(initial=-np.inf))
            if rested >= AREA_REST_S or change.replaced_share(area) >= REPLACED_PLACE:
                rows.append(row)
        return areas[rows], shares[rows]

    def _accepted(self, faces: Detections, landmarks: Landmarks, is_new: Bool) -> Bool:
        """Which detections are faces: those that the mesh confirms, and those that the detector is sure of."""
        sure = np.where(is_new, self._settings.sure_score, FOLLOWED_WITHOUT_MESH)
        return np.asarray((landmarks.presence >= self._settings.min_presence) | (faces.score >= sure))

    def _least_score(self, change: Change, box_px: Float32) -> Float32:
        """Score that faces expected in boxes [n, 4] need: less where the picture around speaks for them."""
        new = np.array([change.replaced_share(place) for place in grown(box_px, PLACE_EXTENT)], np.float32)
        least = np.where(new >= UNCERTAIN_PLACE, FOLLOWED_WITHOUT_MESH, self._settings.follow_score)
        return np.where(new >= REPLACED_PLACE, CONFIRMING_SCORE, least).astype(np.float32)

    def _end_replaced(
        self, rgb: UInt8, change: Change, fresh: Detections, landmarks: Landmarks, left_px: Float32 | None
    ) -> None:
        """End tracks whose place now shows another picture, with another face or none.

        A track of two people cannot be mended later, but two tracks of one person can be joined by their appearance. So
        where tiles moved (``left_px`` [m, 4]: the ones before) tracks go on only in tiles that stayed.
        """
        known, before = self._known, self._before
        if known is None or before is None or not change.replaced.any():
            return
        boxes = known.detections.box_px
        places = boxes + np.array([*change.shift_px, 0, 0], np.float32)
        share = np.array([change.replaced_share(place) for place in grown(places, PLACE_EXTENT)])
        ended = np.zeros(len(boxes), bool)
        if left_px is not None:
            stayed = left_px[(iou(left_px, self._tiles.layout.box_px) >= SAME_TILE_IOU).any(axis=1)]
            ended |= ~contains(stayed, centers(boxes)).any(axis=0)
        apart = np.linalg.norm(centers(places)[:, None] - centers(fresh.box_px)[None], axis=2)
        near = contains(grown(places, PLACE_EXTENT), centers(fresh.box_px))
        for row in np.flatnonzero((share >= UNCERTAIN_PLACE) & ~ended).tolist():
            # The nearest face is the one that the track would go on with; the person may be in the next tile by now.
            here = np.flatnonzero(near[row])[np.argsort(apart[row, near[row]], kind="stable")[:1]]
            ended[row] = not any(
                self._same_person(before, known.landmarks[row : row + 1], rgb, landmarks[i : i + 1]) for i in here
            )
        self.tracker.end(known.track[ended])


def _bodies(box_px: Float32, tiles_px: Float32) -> Float32:
    """The zones in which a change comes from a known person, boxes [n, 4]: around the face, but within its tile."""
    x, y, w, h = box_px.T
    low = np.stack([x - BODY_SIDES * w, y - BODY_ABOVE * h], axis=1)
    high = np.stack([x + (1 + BODY_SIDES) * w, y + (1 + BODY_BELOW) * h], axis=1)
    inside = contains(tiles_px, centers(box_px))
    for row in np.flatnonzero(inside.any(axis=0)):
        tile = tiles_px[inside[:, row].argmax()]
        low[row], high[row] = np.maximum(low[row], tile[:2]), np.minimum(high[row], tile[:2] + tile[2:])
    return np.concatenate([low, high - low], axis=1).astype(np.float32)
