"""Correlation clustering with constraints: which pieces belong to one person, decided for all of them together.

Every pair of pieces speaks for or against being one person by ``mass_i · mass_j · (reach − distance)``; a clustering is
as good as the sum over the pairs that it puts together, and some pairs must stay apart. (Bansal, Blum, Chawla:
Correlation Clustering, 2004.) Average linkage finds a first clustering; then single pieces move, two pieces swap, and
clusters merge as long as the sum grows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial.distance import cdist

from emorec.types import Bool, Float64, Int64

__all__ = ["Pieces", "cluster", "mend"]

LARGEST_PROBLEM = 1500
"""So many pieces are solved at once (a few matrices of n × n); more are solved in blocks first, whose clusters become
the pieces of the next round, so that memory grows in proportion to the number of pieces."""
BLOCK = 750
SAFE_MARGIN = 0.05
"""Within a block, where not all of a person's pieces are in sight, clusters must be so much closer."""
LEAST_GAIN = 1e-6


@dataclass(frozen=True)
class Pieces:
    """What is to be clustered.

    ``embedding`` [n, d]; ``mass`` [n] > 0, how much each counts; ``reach`` [n], the distance up to which another piece
    is rather the same person; ``conflict`` [n, n], symmetric, who cannot be one person.
    """

    embedding: Float64
    mass: Float64
    reach: Float64
    conflict: sparse.csr_array

    def __len__(self) -> int:
        return len(self.mass)

    def merged(self, label: Int64) -> Pieces:
        """Each cluster as one piece: mean embedding and reach by mass, all masses, all conflicts."""
        n_clusters = int(label.max(initial=-1)) + 1
        rows = np.arange(len(label))
        share: Any = sparse.csr_array((self.mass, (label, rows)), shape=(n_clusters, len(label)))
        member: Any = sparse.csr_array((np.ones(len(label), np.int32), (label, rows)), shape=share.shape)
        mass: Float64 = np.asarray(share.sum(axis=1)).ravel()
        conflict = (member @ self.conflict.astype(np.int32) @ member.T) > 0
        return Pieces(
            (share @ self.embedding) / mass[:, None], mass, (share @ self.reach) / mass, sparse.csr_array(conflict)
        )

    def taken(self, rows: Int64) -> Pieces:
        """Some of the pieces."""
        conflict = sparse.csr_array(self.conflict[rows][:, rows])
        return Pieces(self.embedding[rows], self.mass[rows], self.reach[rows], conflict)


def cluster(pieces: Pieces) -> Int64:
    """A label from 0 on for every piece; pieces in conflict never get the same.

    Pieces are expected in order of time. Time and memory: quadratic up to LARGEST_PROBLEM pieces, linear above.
    """
    label = np.arange(len(pieces), dtype=np.int64)
    current, by_time = pieces, True
    while len(current) > LARGEST_PROBLEM:
        order = np.arange(len(current)) if by_time else _by_main_direction(current.embedding)
        found = np.empty(len(current), np.int64)
        used = 0
        for first in range(0, len(order), BLOCK):
            rows = order[first : first + BLOCK]
            part = _solve(current.taken(rows), SAFE_MARGIN)
            found[rows] = part + used
            used += int(part.max()) + 1
        if used > 0.9 * len(current) and not by_time:
            # Thousands of different people: nothing is left to be merged that neighbouring blocks would see.
            return _in_order(found[label])
        by_time = used <= 0.9 * len(current)
        label, current = found[label], current.merged(found)
    return _in_order(_solve(current, 0.0)[label])


def mend(pieces: Pieces, label: Int64) -> Int64:
    """The same clustering, where pieces that were put together before by other evidence stay together, but for those
    that keep a better one out of a cluster. Left as it is above LARGEST_PROBLEM pieces."""
    if not 0 < len(pieces) <= LARGEST_PROBLEM:
        return label
    clustering = _Clustering(label, _gain(pieces, 0.0), _apart(pieces))
    while clustering.try_swap() or clustering.try_merge():
        pass
    return _in_order(clustering.label)


def _by_main_direction(embedding: Float64) -> Int64:
    """Pieces ordered along the direction in which they differ most, so that neighbours look alike."""
    centred = embedding - embedding.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    return np.argsort(centred @ vectors[:, -1], kind="stable")


def _in_order(label: Int64) -> Int64:
    """The same clusters, numbered by the first piece of each."""
    _, first, inverse = np.unique(label, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def _solve(pieces: Pieces, margin: float) -> Int64:
    """Clusters of a problem that fits into a matrix of n × n."""
    n = len(pieces)
    if n == 0:
        return np.zeros(0, np.int64)
    gain, apart = _gain(pieces, margin), _apart(pieces)
    return _improve(_average_linkage(gain, pieces.mass, apart), gain, apart)


def _gain(pieces: Pieces, margin: float) -> Float64:
    """What each pair adds to a clustering that puts it together [n, n]."""
    distance = cdist(pieces.embedding, pieces.embedding)
    reach = (pieces.reach[:, None] + pieces.reach[None]) / 2 - margin
    gain: Float64 = (reach - distance) * pieces.mass[:, None] * pieces.mass[None]
    np.fill_diagonal(gain, 0.0)
    return gain


def _apart(pieces: Pieces) -> Bool:
    return np.asarray(pieces.conflict.todense()) > 0


def _average_linkage(gain: Float64, mass: Float64, conflict: Bool) -> Int64:
    """Merge the two clusters whose pairs gain most on average, until none gain; O(n²) with a best partner per row."""
    n = len(mass)
    total, weight, apart = gain.copy(), mass.copy(), conflict.copy()
    label = np.arange(n, dtype=np.int64)
    alive = np.ones(n, bool)

    def partner(row: int) -> tuple[int, float]:
        mean = np.where(alive & ~apart[row], total[row] / (weight[row] * weight), -np.inf)
        mean[row] = -np.inf
        best = int(np.argmax(mean))
        return best, float(mean[best])

    best, value = np.zeros(n, np.int64), np.full(n, -np.inf)
    for row in range(n):
        best[row], value[row] = partner(row)
    while True:
        keep = int(np.argmax(value))
        if not value[keep] > 0:
            return label
        gone = int(best[keep])
        label[label == gone] = keep
        total[keep] += total[gone]
        total[:, keep] += total[:, gone]
        weight[keep] += weight[gone]
        apart[keep] |= apart[gone]
        apart[:, keep] |= apart[:, gone]
        alive[gone], value[gone] = False, -np.inf
        mean = np.where(alive & ~apart[keep], total[keep] / (weight[keep] * weight), -np.inf)
        mean[keep] = -np.inf
        stale = alive & ((best == keep) | (best == gone))
        closer = alive & ~stale & (mean > value)
        best[closer], value[closer] = keep, mean[closer]
        stale[keep] = True
        for row in np.flatnonzero(stale).tolist():
            best[row], value[row] = partner(row)


class _Clustering:
    """A clustering that is being improved: each piece's gain from each cluster, and conflicts there."""

    def __init__(self, label: Int64, gain: Float64, conflict: Bool) -> None:
        self.gain, self.conflict = gain, conflict
        self.label = np.unique(label, return_inverse=True)[1].astype(np.int64)
        # One empty cluster more, to which a piece can move that is better alone.
        member = np.eye(int(self.label.max()) + 2)[self.label]
        self.to: Float64 = gain @ member
        self.clash: NDArray[np.float64] = conflict @ member
        self.size: NDArray[np.float64] = member.sum(axis=0)

    def move(self, piece: int, target: int) -> None:
        source = int(self.label[piece])
        for cluster_, sign in ((source, -1.0), (target, 1.0)):
            self.to[:, cluster_] += sign * self.gain[:, piece]
            self.clash[:, cluster_] += sign * self.conflict[:, piece]
            self.size[cluster_] += sign
        self.label[piece] = target
        if not (self.size == 0).any():
            column = np.zeros((len(self.label), 1))
            self.to, self.clash = np.hstack([self.to, column]), np.hstack([self.clash, column])
            self.size = np.append(self.size, 0.0)

    def try_move(self) -> bool:
        """The one move of a piece that gains most, if any gains."""
        rows = np.arange(len(self.label))
        rise = np.where(self.clash == 0, self.to, -np.inf) - self.to[rows, self.label][:, None]
        rise[rows, self.label] = -np.inf
        piece, target = (int(i) for i in np.unravel_index(int(np.argmax(rise)), rise.shape))
        if rise[piece, target] <= LEAST_GAIN:
            return False
        self.move(piece, target)
        return True

    def try_merge(self) -> bool:
        """The one union of two clusters that gains most, if any gains."""
        member = np.eye(len(self.size))[self.label]
        rise = np.where(member.T @ self.clash == 0, member.T @ self.to, -np.inf)
        np.fill_diagonal(rise, -np.inf)
        keep, gone = (int(i) for i in np.unravel_index(int(np.argmax(rise)), rise.shape))
        if rise[keep, gone] <= LEAST_GAIN:
            return False
        for piece in np.flatnonzero(self.label == gone):
            self.move(int(piece), keep)
        return True

    def try_swap(self) -> bool:
        """The first piece found that pays the way for the only one that keeps it out of a better cluster."""
        rows = np.arange(len(self.label))
        own = self.to[rows, self.label]
        wanted = (self.clash == 1) & (self.to - own[:, None] > LEAST_GAIN)
        wanted[rows, self.label] = False
        for piece, target in np.argwhere(wanted):
            source = int(self.label[piece])
            other = int(np.flatnonzero(self.conflict[piece] & (self.label == target))[0])
            comes = self.to[piece, target] - self.gain[piece, other] - own[piece]
            clash = self.clash[other] - np.where(np.arange(len(self.size)) == source, self.conflict[other, piece], 0)
            worth = self.to[other] - np.where(np.arange(len(self.size)) == source, self.gain[other, piece], 0)
            worth = np.where(clash == 0, worth, -np.inf)
            worth[target] = -np.inf
            place = int(np.argmax(worth))
            if comes + worth[place] - own[other] > LEAST_GAIN:
                self.move(other, int(np.flatnonzero(self.size == 0)[0]))
                self.move(int(piece), int(target))
                self.move(other, place)
                return True
        return False


def _improve(label: Int64, gain: Float64, conflict: Bool) -> Int64:
    """Move, merge and swap while the sum grows."""
    clustering = _Clustering(label, gain, conflict)
    while clustering.try_move() or clustering.try_merge() or clustering.try_swap():
        pass
    return clustering.label
