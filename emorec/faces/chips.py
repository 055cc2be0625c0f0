"""A few good, aligned crops of each track, from which its appearance is made."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field

import numpy as np

from emorec.types import Float32, UInt8

__all__ = ["Chip", "ChipKeeper", "appearance"]

# A crop replaces the worst one only if it is better by this factor: cutting crops costs more than keeping them.
BETTER = 1.1


@dataclass(frozen=True, slots=True)
class Chip:
    """An aligned crop [150, 150, 3] and how good it is (0–1)."""

    picture: UInt8
    quality: float


@dataclass(slots=True)
class _Kept:
    chips: list[Chip] = field(default_factory=list)
    last_t_s: float = -np.inf
    spacing_s: float = 0.0


class ChipKeeper:
    """Decides which faces of a track are worth a crop, and keeps the best of them, spread over time."""

    def __init__(self, per_track: int) -> None:
        self._per_track = per_track
        self._kept: dict[int, _Kept] = {}

    def wants(self, track: int, t_s: float, quality: float) -> bool:
        """Whether a face of this quality would be kept; ask before cutting the crop."""
        kept = self._kept.setdefault(track, _Kept())
        if t_s - kept.last_t_s < kept.spacing_s:
            return False
        return len(kept.chips) < self._per_track or quality > BETTER * min(chip.quality for chip in kept.chips)

    def keep(self, track: int, t_s: float, chip: Chip) -> None:
        """Keep a crop, in place of the worst where there are enough; the next one waits twice as long."""
        kept = self._kept.setdefault(track, _Kept())
        if len(kept.chips) >= self._per_track:
            del kept.chips[min(range(len(kept.chips)), key=lambda k: kept.chips[k].quality)]
        kept.chips.append(chip)
        kept.last_t_s = t_s
        kept.spacing_s = max(1.0, 2 * kept.spacing_s)

    def take(self, open_tracks: Set[int]) -> dict[int, list[Chip]]:
        """The crops of tracks that are not open any more, which are forgotten here."""
        ended = [track for track in self._kept if track not in open_tracks]
        return {track: self._kept.pop(track).chips for track in ended}


def appearance(embeddings: Float32) -> tuple[Float32, float]:
    """The mean [128] of a track's embeddings [n, 128], and their mean distance to it; NaN where n is 0."""
    if not len(embeddings):
        return np.full(embeddings.shape[1], np.nan, np.float32), float("nan")
    mean = np.asarray(embeddings.mean(axis=0), np.float32)
    return mean, float(np.linalg.norm(embeddings - mean, axis=1).mean())
