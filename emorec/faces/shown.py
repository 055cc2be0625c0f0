"""Grounds on which a face is shown rather than present: in a picture on somebody's wall, on a page, in a film.

All of them compare: a portrait stands still while the others move; a film runs in a tile far larger than the others',
and the one in it is not among the tiles when the gallery shows everybody.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emorec.types import Bool, Float64, Int64, Observations

__all__ = ["SHARED_AREA", "SMALL_IN_TILE", "Shown", "shown"]

SHARED_AREA = 3.0
"""A tile so many times as large as the median one shows the speaker, or something that is shared."""
QUIET, QUIET_SHARE, QUIET_QUANTILE = 0.012, 0.2, 0.9
"""Nine tenths of a portrait's changes of grey level (0–1) are below QUIET, and below so large a share of what is usual
for the others: portraits on composed walls and pages reach .009 and .11, the calmest live faces .015 and .23."""
LEAST_CHANGES = 4
"""Samples that must tell of a face's motion."""
BESIDE_SHARE = 0.5
SAME_PIXELS, FAR_SHARE = 0.5, 0.6
"""Of portraits on composed walls and pages, .56 to .88 of all samples repeat the one before pixel by pixel."""
ONLY_SHARE = 0.9
SMALL_IN_TILE = 0.25
"""A profile picture's face has less than this share of its tile's height; a webcam's rarely."""
NEAR_S = 120.0
"""Galleries so far before and after somebody's sightings tell whether they were among its tiles."""
LEAST_GALLERY = 2
"""Samples that a gallery must last, to show who is in it."""


@dataclass(frozen=True)
class Shown:
    """Per person [n]: whether they hardly ever change while others do (``quiet``, with ``change``, their usual most);
    are in one camera's picture with others (``beside``); are ever only in a tile far larger than the others'
    (``large_only``); and are not among the tiles of the galleries before and after (``not_in_gallery``); and the height
    of their face as a share of their tile (``of_tile``, NaN without tiles)."""

    quiet: Bool
    change: Float64
    beside: Bool
    large_only: Bool
    not_in_gallery: Bool
    of_tile: Float64


def shown(observations: Observations, owner: Int64, n: int) -> Shown:
    """The grounds for n people; ``owner`` [faces] says whose each face is."""
    row = observations.samples.rows_at(observations.faces.t_s)
    quiet, change = _quiet(observations, owner, row, n)
    share = _tile_shares(observations)
    large_only, not_in_gallery = _in_large_tiles(observations, owner, row, n, share)
    beside = _beside(observations, owner, row, quiet, n)
    beside &= _tiled(observations, owner, n) | _printed(observations, owner, n)
    return Shown(quiet, change, beside, large_only, not_in_gallery, _height_in_tile(observations, owner, n))


def _quiet(observations: Observations, owner: Int64, row: Int64, n: int) -> tuple[Bool, Float64]:
    faces, samples = observations.faces, observations.samples
    _, first = np.unique(faces.track, return_index=True)
    told = np.isfinite(faces.motion) & ~samples.cut[row]
    # Before a track's first face something else was at its place.
    told[first] = False
    usual, most = (_quantile(faces.motion[told], owner[told], n, q) for q in (0.5, QUIET_QUANTILE))
    enough = np.bincount(owner[told], minlength=n) >= LEAST_CHANGES
    others = np.array(
        [np.nanmedian(rest) if np.isfinite(rest := np.delete(usual, k)).any() else np.nan for k in range(n)]
    )
    return enough & (most <= QUIET) & (most <= QUIET_SHARE * others), most


def _quantile(values: NDArray[np.floating], group: Int64, n: int, q: float) -> Float64:
    """A quantile (one of the values) of each group; NaN for one without any."""
    ordered = values[np.lexsort((values, group))].astype(np.float64)
    counts = np.bincount(group, minlength=n)
    at = np.cumsum(counts) - counts + np.floor(q * np.maximum(counts - 1, 0)).astype(np.int64)
    found = np.full(n, np.nan)
    found[counts > 0] = ordered[at[counts > 0]]
    return found


def _beside(observations: Observations, owner: Int64, row: Int64, quiet: Bool, n: int) -> Bool:
    """Who is mostly in one tile, or in one picture outside tiles, with others who move."""
    faces = observations.faces
    place = row * (int(faces.tile.max(initial=-1)) + 2) + faces.tile + 1
    moving = ~quiet[owner]
    places, index = np.unique(place, return_inverse=True)
    others = np.bincount(index[moving], minlength=len(places))[index] - moving
    count = np.maximum(np.bincount(owner, minlength=n), 1)
    return np.asarray(np.bincount(owner[others > 0], minlength=n) / count >= BESIDE_SHARE)


def _tiled(observations: Observations, owner: Int64, n: int) -> Bool:
    """Who is mostly in tiles: outside of them a picture may be a call whose tiles were not found."""
    count = np.maximum(np.bincount(owner, minlength=n), 1)
    return np.asarray(np.bincount(owner[observations.faces.tile >= 0], minlength=n) / count >= BESIDE_SHARE)


def _printed(observations: Observations, owner: Int64, n: int) -> Bool:
    """Who hardly ever changes by a single pixel, or is far smaller than the others: printed, or hung at the back."""
    faces = observations.faces
    count = np.maximum(np.bincount(owner, minlength=n), 1)
    same = np.bincount(owner[faces.skipped], minlength=n) / count >= SAME_PIXELS
    width = _quantile(faces.box_px[:, 2], owner, n, 0.5)
    others = np.array([np.median(rest) if len(rest := np.delete(width, k)) else np.nan for k in range(n)])
    return np.asarray(same | (width < FAR_SHARE * others))


def _tile_shares(observations: Observations) -> Float64:
    """The area of each tile (by number) over the median of its layout; 1 for one that no layout has."""
    tiles = observations.tiles
    numbers = np.concatenate([tiles.tile, observations.faces.tile])
    share = np.ones(int(numbers.max(initial=-1)) + 1)
    for layout in np.unique(tiles.layout):
        rows = np.flatnonzero(tiles.layout == layout)
        rows = rows[np.unique(tiles.tile[rows], return_index=True)[1]]
        area = tiles.box_px[rows, 2] * tiles.box_px[rows, 3]
        share[tiles.tile[rows]] = area / np.median(area)
    return share


def _in_large_tiles(observations: Observations, owner: Int64, row: Int64, n: int, share: Float64) -> tuple[Bool, Bool]:
    """Who is ever only in a tile far larger than the others', and who of them is missing in the galleries around."""
    faces, samples = observations.faces, observations.samples
    in_large = np.zeros(len(faces), bool)
    tiled = faces.tile >= 0
    in_large[tiled] = share[faces.tile[tiled]] >= SHARED_AREA
    count = np.maximum(np.bincount(owner, minlength=n), 1)
    large_only: Bool = np.asarray(np.bincount(owner[in_large], minlength=n) / count >= ONLY_SHARE)
    # Where somebody is in it, at the same time, who has a tile of their own elsewhere, two tiles were taken as one.
    places, index = np.unique(row * (len(share) + 1) + faces.tile + 1, return_inverse=True)
    in_large &= np.bincount(index[~large_only[owner]], minlength=len(places))[index] == 0
    large_only &= np.bincount(owner[in_large], minlength=n) / count >= ONLY_SHARE
    missing = np.zeros(n, bool)
    if not large_only.any():
        return large_only, missing
    galleries = _full_galleries(observations, row, share)
    for who in np.flatnonzero(large_only).tolist():
        seen = samples.t_s[row[owner == who]]
        near = [
            (start, end)
            for start, end in galleries
            if samples.t_s[end] >= seen.min() - NEAR_S and samples.t_s[start] <= seen.max() + NEAR_S
        ]
        there = [((seen >= samples.t_s[start]) & (seen <= samples.t_s[end])).any() for start, end in near]
        missing[who] = bool(near) and not any(there)
    return large_only, missing


def _full_galleries(observations: Observations, row: Int64, share: Float64) -> list[tuple[int, int]]:
    """First and last samples of stretches in which all tiles are of about one size and each has a face."""
    samples, tiles, faces = observations.samples, observations.tiles, observations.faces
    segment = samples.segments()
    starts = np.flatnonzero(np.diff(segment, prepend=segment[:1] - 1))
    ends = np.append(starts[1:], len(segment))[: len(starts)] - 1
    of_layout = {int(layout): np.unique(tiles.tile[tiles.layout == layout]) for layout in np.unique(tiles.layout)}
    order = np.argsort(row, kind="stable")
    found = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        own = of_layout.get(int(samples.layout[start]))
        if own is None or end - start + 1 < LEAST_GALLERY or share[own].max() >= SHARED_AREA:
            continue
        low, high = np.searchsorted(row[order], [start, end + 1])
        if np.isin(own, faces.tile[order[low:high]]).all():
            found.append((start, end))
    return found


def _height_in_tile(observations: Observations, owner: Int64, n: int) -> Float64:
    """The median height of each person's face as a share of its tile's; NaN where it is in none."""
    tiles, faces = observations.tiles, observations.faces
    height = np.full(int(tiles.tile.max(initial=-1)) + 1, np.nan)
    height[tiles.tile] = tiles.box_px[:, 3]
    tiled = np.flatnonzero((faces.tile >= 0) & np.isin(faces.tile, tiles.tile))
    return _quantile(faces.box_px[tiled, 3] / height[faces.tile[tiled]], owner[tiled], n, 0.5)
