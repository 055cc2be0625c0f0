"""Whose tile is whose: so that a tile without a face is somebody's camera that is off.

Within a stretch with one layout a tile belongs to who was last (or else next) seen in it. Across a change of layout an
empty tile goes on belonging to the same person if the tiles lie where they lay and everybody seen sits where they sat;
else by exclusion: if there are as many empty tiles as people who are missing, it is theirs. What stays ambiguous stays
unattributed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from emorec.faces.boxes import iou
from emorec.faces.shown import SHARED_AREA
from emorec.types import Bool, Float32, Identities, Int64, Observations

__all__ = ["seated"]

SAME_SEAT_IOU = 0.85
"""Tiles of two stretches that overlap so much hold the same seat: stricter than what makes one tile of two detections
(tiles.SAME_TILE_IOU), since an empty tile is given to a person on the strength of it."""


@dataclass
class _Stretch:
    """Samples [first, last] with one layout: its tiles, each one's faces as (samples, people), and whose they are."""

    first: int
    last: int
    tiles: Int64
    boxes_px: Float32
    sightings: dict[int, tuple[Int64, Int64]]
    holder: dict[int, int] = field(default_factory=dict)
    off: set[int] = field(default_factory=set)
    """Who is there by exclusion, with a camera that is off throughout."""

    @property
    def seen(self) -> set[int]:
        """Who was seen in a tile."""
        return {int(who) for _, people in self.sightings.values() for who in people}

    @property
    def empty(self) -> list[int]:
        """Tiles of nobody, but for one that is far larger than the usual: what it shows is shared."""
        area = self.boxes_px[:, 2] * self.boxes_px[:, 3]
        usual = area <= SHARED_AREA * np.median(area)
        return [int(tile) for tile in self.tiles[usual] if int(tile) not in self.holder]


def seated(observations: Observations, identities: Identities, named: Mapping[int, int] | None = None) -> Bool:
    """Whether each person has a tile at each sample [people, samples], with or without a face in it.

    ``named``: whom the labels of tiles without a face name, by tile.
    """
    person, row = identities.of_faces(observations.faces), observations.samples.rows_at(observations.faces.t_s)
    n_people = identities.people
    has_tile = np.zeros((n_people, len(observations.samples)), bool)
    stretches = _stretches(observations, person, row)
    for stretch in stretches:
        for tile in stretch.empty:
            if named and tile in named and named[tile] not in stretch.holder.values():
                stretch.holder[tile] = named[tile]
    for before, after in pairwise(stretches):
        _hand_on(before, after)
    for after, before in pairwise(reversed(stretches)):
        _hand_on(after, before)
    _exclude(stretches, person, row, n_people)
    for stretch in stretches:
        columns = np.arange(stretch.first, stretch.last + 1)
        for tile, holder in stretch.holder.items():
            if tile in stretch.sightings:
                samples, people = stretch.sightings[tile]
                latest = np.searchsorted(samples, columns, side="right") - 1
                has_tile[people[np.maximum(latest, 0)], columns] = True
            else:
                has_tile[holder, columns] = True
        for who in stretch.off:
            has_tile[who, columns] = True
    return has_tile


def _stretches(observations: Observations, person: Int64, row: Int64) -> list[_Stretch]:
    """All stretches with tiles, in order of time, with what was seen in their tiles."""
    samples, faces, tiles = observations.samples, observations.faces, observations.tiles
    segment = samples.segments()
    starts = np.flatnonzero(np.diff(segment, prepend=segment[:1] - 1))
    ends = np.append(starts[1:], len(segment))[: len(starts)] - 1
    counted = np.flatnonzero((faces.tile >= 0) & (person >= 0))
    counted = counted[np.lexsort((row[counted], faces.tile[counted], segment[row[counted]]))]
    span = int(faces.tile.max(initial=-1)) + 1
    _, first = np.unique(segment[row[counted]] * span + faces.tile[counted], return_index=True)
    by_segment: dict[int, dict[int, tuple[Int64, Int64]]] = {}
    for part in np.split(counted, first[1:]) if len(counted) else []:
        sightings = by_segment.setdefault(int(segment[row[part[0]]]), {})
        sightings[int(faces.tile[part[0]])] = row[part], person[part]
    of_layout: dict[int, Int64] = {}
    for layout in np.unique(tiles.layout):
        rows = np.flatnonzero(tiles.layout == layout)
        of_layout[int(layout)] = rows[np.unique(tiles.tile[rows], return_index=True)[1]]
    found = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        layout = int(samples.layout[start])
        if layout < 0 or layout not in of_layout:
            continue
        rows = of_layout[layout]
        sightings = by_segment.get(int(segment[start]), {})
        holder = {tile: int(np.bincount(people).argmax()) for tile, (_, people) in sightings.items()}
        found.append(_Stretch(start, end, tiles.tile[rows].astype(np.int64), tiles.box_px[rows], sightings, holder))
    return found


def _hand_on(source: _Stretch, target: _Stretch) -> None:
    """Give empty tiles of the neighbouring stretch to who held the same tile, if the arrangement is the same."""
    if len(source.tiles) != len(target.tiles) or not target.empty:
        return
    overlap = iou(source.boxes_px, target.boxes_px)
    partner = overlap.argmax(axis=1)
    if len(set(partner.tolist())) < len(partner) or overlap.max(axis=1).min() < SAME_SEAT_IOU:
        return
    pairs = [(int(source.tiles[k]), int(target.tiles[partner[k]])) for k in range(len(partner))]
    both = [(source.holder[a], target.holder[b]) for a, b in pairs if a in source.holder and b in target.holder]
    if not both or any(a != b for a, b in both):
        return
    taken = set(target.holder.values())
    for a, b in pairs:
        if b not in target.holder and a in source.holder and source.holder[a] not in taken:
            target.holder[b] = source.holder[a]


def _exclude(stretches: list[_Stretch], person: Int64, row: Int64, n_people: int) -> None:
    """Find who must be behind the tiles that are still nobody's.

    Those whose camera was off just before or after come first, then those who were there both before and after, then
    those who were there either before or after; a group that is larger than the number of empty tiles is ambiguous.
    """
    first = np.full(n_people, np.iinfo(np.int64).max)
    last = np.full(n_people, -1)
    known = person >= 0
    np.minimum.at(first, person[known], row[known])
    np.maximum.at(last, person[known], row[known])
    visible: list[set[int]] = []
    order = np.argsort(row, kind="stable")
    for stretch in stretches:
        low = np.searchsorted(row[order], stretch.first)
        high = np.searchsorted(row[order], stretch.last, side="right")
        visible.append({int(who) for who in person[order[low:high]] if who >= 0})
    for k in [*range(len(stretches)), *reversed(range(len(stretches)))]:
        stretch = stretches[k]
        left = len(stretch.empty) - len(stretch.off)
        missing = set(range(n_people)) - visible[k] - set(stretch.holder.values()) - stretch.off
        adjacent = set()
        for other in (k - 1, k + 1):
            if 0 <= other < len(stretches):
                adjacent |= stretches[other].off | (set(stretches[other].holder.values()) - visible[other])
        groups = [
            missing & (adjacent | _off_at_edge(stretches, k)),
            {who for who in missing if first[who] < stretch.first and last[who] > stretch.last},
            missing,
        ]
        for group in groups:
            group = group - stretch.off
            if left <= 0 or len(group) > left:
                break
            stretch.off |= group
            left -= len(group)


def _off_at_edge(stretches: list[_Stretch], k: int) -> set[int]:
    """Who had a tile without a face at the end of the stretch before, or at the start of the one after."""
    found: set[int] = set()
    if k > 0:
        found |= _without_face(stretches[k - 1], stretches[k - 1].last)
    if k + 1 < len(stretches):
        found |= _without_face(stretches[k + 1], stretches[k + 1].first)
    return found


def _without_face(stretch: _Stretch, sample: int) -> set[int]:
    there = {int(p[s == sample][0]) for s, p in stretch.sightings.values() if (s == sample).any()}
    return {holder for holder in stretch.holder.values() if holder not in there}
