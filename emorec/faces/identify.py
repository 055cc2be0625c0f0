"""Who is who: tracks of a whole recording made into people, solved together.

1. Tracks that plainly continue each other (same place, hardly any gap, alike) become chains.
2. Two faces in one sample are two people, unless one of them is the speaker's second showing.
3. Chains are clustered by appearance under these constraints (:mod:`emorec.faces.cluster`).
4. Tracks too short to be recognised belong to who was at their place, or are left out.
5. A person who is none, on several grounds together, is left out (:mod:`emorec.faces.left_out`).
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from emorec.faces.boxes import iou
from emorec.faces.cluster import Pieces, cluster, mend
from emorec.faces.left_out import RECOGNISABLE_S, doubts, reasons_to_leave_out
from emorec.faces.summaries import Summaries, summarize
from emorec.settings.analysis import IdentitySettings
from emorec.types import Bool, Float64, Identities, Int64, Observations

__all__ = ["identify"]

SAME_PLACE_IOU = 0.4
"""Boxes of a face before and after a gap of a second or two overlap at least so much."""
ACROSS_CUT_REACH = 0.35
"""Distance up to which a track goes on at its place even across a cut; two people are rarely so close."""
NEARBY_IOU = 0.2
"""A face too short to be recognised is attached to one whose box overlaps so much."""
FULL_CROPS = 5.0
"""Crops from which a track's appearance counts fully."""
SINGLE_CROP_REACH = 0.04
"""A track of a single crop lies so much farther from others of the same person, one of several less in proportion."""
DOUBTFUL, DOUBTFUL_REACH = 1.25, 0.1
"""What looks like no person, even leaving aside how briefly it is seen, must be so much closer to be taken as one who
is known: a printed portrait of somebody is not that somebody."""
RETURNED_REACH, RETURNED_MARGIN = 0.1, 0.08
RETURNED_SHARE, LEAST_PRESENT, RETURNED_MASS = 0.7, 3, 0.6
"""Somebody who is seen together with so large a share of all people, and with so many, may be so much farther from the
one who is missing, if the next one who is missing is farther still by the margin; three crops at least must say so."""
PAIRS_AT_ONCE = 10_000


def identify(observations: Observations, settings: IdentitySettings) -> Identities:
    """Participants from 0 on by their first face (of several at once by place), −1 for tracks left out.

    Args:
        observations: of the whole recording; tracks without a face do not appear in the result.

    Returns:
        One row per track, by number; it does not depend on how tracks are numbered. Two tracks with faces in the same
        sample are one participant only where one is the other's second showing.
    """
    summaries, track_of_face = summarize(observations)
    if not len(summaries):
        return Identities(summaries.track, np.zeros(0, np.int32), np.zeros(0, np.str_))
    rows = observations.samples.rows_at(observations.faces.t_s)
    conflict = _conflicts(summaries, track_of_face, rows, settings)
    chain = _chains(observations, summaries, settings)
    doubt = doubts(observations, summaries, track_of_face, chain)[chain]
    reach = settings.reach + SINGLE_CROP_REACH / np.maximum(summaries.crops, 1.0)
    reach -= np.where(doubt >= DOUBTFUL, DOUBTFUL_REACH, 0.0)
    person = _people(summaries, chain, conflict, reach)
    person = _attach(summaries, person, conflict, observations.samples.t_s, settings)
    unplaced = person < 0
    # Chains that nobody could be recognised in stay by themselves.
    person[unplaced] = person.max() + 1 + np.unique(chain[unplaced], return_inverse=True)[1]
    seen_s = np.bincount(person, summaries.faces)[person] * observations.samples.step_s
    reason = reasons_to_leave_out(observations, summaries, track_of_face, person, settings)
    reason = np.where(unplaced & (seen_s < RECOGNISABLE_S), "too short to be recognised, and nobody near it", reason)
    kept = reason == ""
    number = np.full(len(person), -1, np.int64)
    if kept.any():
        # Summaries are ordered by first appearance, so a person's first track decides.
        ids, first, inverse = np.unique(person[kept], return_index=True, return_inverse=True)
        rank = np.empty(len(ids), np.int64)
        rank[np.argsort(first)] = np.arange(len(ids))
        number[kept] = rank[inverse]
    by_number = np.argsort(summaries.track)
    return Identities(summaries.track[by_number], number[by_number].astype(np.int32), reason[by_number].astype(np.str_))


def _distances(summaries: Summaries, i: Int64, j: Int64) -> Float64:
    """Distance of embeddings of pairs of tracks; NaN where one has none."""
    distance = np.empty(len(i))
    for first in range(0, len(i), PAIRS_AT_ONCE):
        part = slice(first, first + PAIRS_AT_ONCE)
        distance[part] = np.linalg.norm(summaries.embedding[i[part]] - summaries.embedding[j[part]], axis=1)
    return distance


def _symmetric(i: Int64, j: Int64, n: int) -> sparse.csr_array:
    both = (np.concatenate([i, j]), np.concatenate([j, i]))
    return sparse.csr_array((np.ones(2 * len(i), bool), both), shape=(n, n))


def _conflicts(summaries: Summaries, track_of_face: Int64, rows: Int64, settings: IdentitySettings) -> sparse.csr_array:
    """Which tracks cannot be one person: those with faces in one sample, but for second showings."""
    n = len(summaries)
    seen = sparse.csr_array((np.ones(len(rows), np.int32), (track_of_face, rows)), shape=(n, int(rows.max()) + 1))
    together = sparse.csr_array(seen @ seen.T)
    upper = sparse.coo_array(sparse.triu(together, k=1))
    i, j = upper.coords[0].astype(np.int64), upper.coords[1].astype(np.int64)
    second = _second_showings(summaries, i, j, together, settings)
    return _symmetric(i[~second], j[~second], n)


def _second_showings(
    summaries: Summaries, i: Int64, j: Int64, together: sparse.csr_array, settings: IdentitySettings
) -> Bool:
    """Which pairs of tracks in one sample are one person shown large and small: alike, apart in place and size, and
    neither more like anybody else who is there with both of them."""
    if not len(i):
        return np.zeros(0, bool)
    width_i, width_j = summaries.box_px[i, 2], summaries.box_px[j, 2]
    ratio = np.maximum(width_i, width_j) / np.maximum(np.minimum(width_i, width_j), 1e-6)
    low = np.maximum(summaries.box_px[i, :2], summaries.box_px[j, :2])
    high = np.minimum(
        summaries.box_px[i, :2] + summaries.box_px[i, 2:], summaries.box_px[j, :2] + summaries.box_px[j, 2:]
    )
    second: Bool = (high <= low).any(axis=1) & (ratio >= settings.second_showing_ratio)
    distance = np.nan_to_num(_distances(summaries, i, j), nan=np.inf)
    second &= distance < settings.second_showing_reach
    there = sparse.csr_array(together)
    for k in np.flatnonzero(second).tolist():
        one, other = int(i[k]), int(j[k])
        both = np.setdiff1d(np.intersect1d(_row(there, one), _row(there, other)), [one, other])
        for track in (one, other):
            rivals = _distances(summaries, np.full(len(both), track), both)
            second[k] &= not (rivals < distance[k]).any()
    return second


def _row(matrix: sparse.csr_array, row: int) -> Int64:
    """The columns of a row that are not zero."""
    return np.asarray(matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]], np.int64)


def _people(summaries: Summaries, label: Int64, conflict: sparse.csr_array, reach: Float64) -> Int64:
    """The person of every track whose chain (``label``) has an appearance; −1 for the others."""
    n, n_chains = len(label), int(label.max()) + 1
    known: Bool = np.asarray(np.isfinite(summaries.embedding).all(axis=1))
    chain_known: Bool = np.zeros(n_chains, bool)
    chain_known[label[known]] = True
    if not chain_known.any():
        return np.full(n, -1, np.int64)
    tracks = Pieces(
        np.where(known[:, None], summaries.embedding, 0.0),
        # Tracks without an appearance weigh nothing, but their conflicts count.
        np.where(known, np.minimum(summaries.crops, FULL_CROPS) / FULL_CROPS, 1e-9),
        reach,
        conflict,
    )
    chains = tracks.merged(label)
    rows = np.flatnonzero(chain_known)
    person = np.full(n_chains, -1, np.int64)
    person[rows] = cluster(chains.taken(rows))
    found = person[label]
    placed = np.flatnonzero(found >= 0)
    # A chain may hold one track too many, that keeps a better one out.
    mended = mend(tracks.taken(placed), found[placed])
    found[placed] = _returned(tracks.taken(placed), mended)
    return found


def _returned(tracks: Pieces, label: Int64) -> Int64:
    """Join people whom only exclusion can tell to be one: somebody who is in the picture with nearly everybody but one
    person, and is by far more like that person than like the few others who are away, has come back changed."""
    people = tracks.merged(label)
    n = len(people)
    if n < LEAST_PRESENT:
        return label
    scatter = ((tracks.embedding - people.embedding[label]) ** 2).sum(axis=1)
    spread = np.bincount(label, tracks.mass * scatter, n) / people.mass
    # The root mean square distance of their tracks, from the means alone: memory stays small.
    between = cdist(people.embedding, people.embedding, "sqeuclidean") + spread[:, None] + spread[None]
    distance = np.sqrt(between)
    apart = np.asarray(people.conflict.todense()) > 0
    distance[apart | np.eye(n, dtype=bool)] = np.inf
    best = distance.argmin(axis=1)
    rows = np.arange(n)
    near = distance[rows, best]
    distance[rows, best] = np.inf
    clear = (near < people.reach + RETURNED_REACH) & (distance.min(axis=1) > near + RETURNED_MARGIN)
    known = people.mass >= RETURNED_MASS
    known &= apart.sum(axis=1) >= np.maximum(RETURNED_SHARE * (n - 2), LEAST_PRESENT)
    joined = label.copy()
    for row in np.flatnonzero(clear & known & (best[best] == rows)).tolist():
        joined[joined == max(row, int(best[row]))] = min(row, int(best[row]))
    return joined


def _chains(observations: Observations, summaries: Summaries, settings: IdentitySettings) -> Int64:
    """Tracks that plainly continue each other; each has one successor and one predecessor at most, so that a chain
    never has two faces in one sample. Numbered by first appearance."""
    samples, n = observations.samples, len(summaries)
    i, j = _successors(summaries, samples.t_s, settings.join_gap_s)
    overlap = _paired_iou(summaries, i, j)
    distance = _distances(summaries, i, j)
    cut = np.cumsum(samples.cut)
    whole: Bool = cut[summaries.last[i]] == cut[summaries.first[j]]
    unknown: Bool = ~np.isfinite(distance)
    same_tile: Bool = (summaries.tile[i] >= 0) & (summaries.tile[i] == summaries.tile[j])
    place: Bool = (overlap >= SAME_PLACE_IOU) | same_tile
    same_segment: Bool = samples.segments()[summaries.last[i]] == summaries.segment[j]
    alike: Bool = np.where(whole, distance < settings.reach, distance < ACROSS_CUT_REACH)
    joined: Bool = place & (alike | (unknown & same_segment))
    gap: Float64 = samples.t_s[summaries.first[j]] - samples.t_s[summaries.last[i]]
    cost = np.where(joined, gap + 1 - overlap + np.where(unknown, 1.0, distance), np.inf)
    best_next, best_before = np.full(n, np.inf), np.full(n, np.inf)
    np.minimum.at(best_next, i, cost)
    np.minimum.at(best_before, j, cost)
    chosen = joined & (cost <= best_next[i]) & (cost <= best_before[j])
    # Of exact ties the first pair counts.
    _, first_i = np.unique(i[chosen], return_index=True)
    i, j = i[chosen][first_i], j[chosen][first_i]
    _, first_j = np.unique(j, return_index=True)
    i, j = i[first_j], j[first_j]
    _, label = connected_components(_symmetric(i, j, n), directed=False)
    _, start, inverse = np.unique(label, return_index=True, return_inverse=True)
    rank = np.empty(len(start), np.int64)
    rank[np.argsort(start)] = np.arange(len(start))
    return rank[inverse]


def _successors(summaries: Summaries, t_s: Float64, gap_s: float) -> tuple[Int64, Int64]:
    """Pairs of tracks of which the second begins within ``gap_s`` after the first has ended."""
    begin, end = t_s[summaries.first], t_s[summaries.last]
    low = np.searchsorted(begin, end, side="right")
    count = np.maximum(np.searchsorted(begin, end + gap_s + 1e-6, side="right") - low, 0)
    i = np.repeat(np.arange(len(begin)), count)
    j = np.repeat(low - (np.cumsum(count) - count), count) + np.arange(len(i))
    return i.astype(np.int64), j.astype(np.int64)


def _paired_iou(summaries: Summaries, i: Int64, j: Int64) -> Float64:
    """Overlap of the last box of each i with the first of its j."""
    a, b = summaries.last_box_px[i], summaries.first_box_px[j]
    low, high = np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, :2] + a[:, 2:], b[:, :2] + b[:, 2:])
    common = np.clip(high - low, 0, None).prod(axis=1)
    return np.asarray(common / np.maximum(a[:, 2] * a[:, 3] + b[:, 2] * b[:, 3] - common, 1e-6), np.float64)


def _attach(
    summaries: Summaries, person: Int64, conflict: sparse.csr_array, t_s: Float64, settings: IdentitySettings
) -> Int64:
    """Give tracks without a person to who was at their place (same tile, or overlapping box) nearest in time, in the
    same stretch without a cut; −1 stays where nobody was."""
    person = person.copy()
    begin, end = t_s[summaries.first], t_s[summaries.last]
    for row in np.flatnonzero(person < 0):
        near = np.flatnonzero((summaries.segment == summaries.segment[row]) & (person >= 0))
        gap = np.maximum(np.maximum(begin[near] - end[row], begin[row] - end[near]), 0)
        tile = summaries.tile[row]
        place = iou(summaries.box_px[near], summaries.box_px[row][None])[:, 0] >= NEARBY_IOU
        place |= (tile >= 0) & (summaries.tile[near] == tile)
        near, gap = near[place & (gap <= settings.attach_gap_s)], gap[place & (gap <= settings.attach_gap_s)]
        against = set(person[conflict[[row]].indices].tolist())
        for k in np.argsort(gap, kind="stable"):
            if person[near[k]] not in against:
                person[row] = person[near[k]]
                break
    return person
