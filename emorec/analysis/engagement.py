"""The engagement index, by name: attention and displayed expression together, from probabilities, never the winner.

Another index is one function and one entry in INDEXES. Where expressions were not classified every index falls back to
attention alone; where attention is not known there is no engagement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emorec.errors import SettingsError
from emorec.settings.analysis import EngagementSettings
from emorec.types import EMOTIONS, Float64, Timeline

__all__ = ["INDEXES", "LEVELS", "Index", "engagement", "index_of"]

LEVELS = ("low", "medium", "high")


@dataclass(frozen=True)
class Index:
    """An engagement index: ``score`` takes attention [n] and emotions [n, 7], NaN where unknown, and gives 0–1 [n];
    ``bounds`` says from where on that is medium, and from where on high."""

    score: Callable[[Float64, Float64, EngagementSettings], Float64]
    bounds: Callable[[EngagementSettings], tuple[float, float]] = lambda settings: (
        settings.low_below,
        settings.high_from,
    )

    def level(self, score: Float64, settings: EngagementSettings) -> NDArray[np.int8]:
        """0, 1, 2 (LEVELS) of scores [n], −1 where one is NaN."""
        level = np.searchsorted(self.bounds(settings), score, side="right")
        return np.where(np.isfinite(score), level, -1).astype(np.int8)


def index_of(settings: EngagementSettings) -> Index:
    """The index that the settings name.

    Raises:
        SettingsError: there is none of that name.
    """
    if settings.index not in INDEXES:
        known = ", ".join(INDEXES)
        raise SettingsError(f"setting analysis.engagement.index: there is no {settings.index!r}; there are {known}")
    return INDEXES[settings.index]


def engagement(timeline: Timeline, settings: EngagementSettings) -> Float64:
    """The index of every row of the timeline on its own, 0–1, NaN where attention is not known.

    Raises:
        SettingsError: the settings name an index that does not exist.
    """
    attention, emotions = timeline.attention.astype(np.float64), timeline.emotions.astype(np.float64)
    return index_of(settings).score(attention, emotions, settings)


def _expected(emotions: Float64, weights: dict[str, float]) -> Float64:
    """The expected weight of the displayed emotion, NaN where it was not classified."""
    known: Float64 = emotions @ np.array([weights[name] for name in EMOTIONS])
    return known


def _emorec(attention: Float64, emotions: Float64, settings: EngagementSettings) -> Float64:
    expression = _expected(emotions, settings.expression)
    both = settings.attention_weight * attention + (1 - settings.attention_weight) * expression
    return np.where(np.isfinite(expression), both, attention)


def _sharma2019(attention: Float64, emotions: Float64, settings: EngagementSettings) -> Float64:
    """Emotion weight × gaze weight over the greatest possible product (4.5 = .9 × 5 in the published scale); attention
    stands for the gaze weight."""
    weight = _expected(emotions, settings.sharma_emotions) / max(settings.sharma_emotions.values())
    return np.where(np.isfinite(weight), weight * attention, attention)


def _sharma2019_bounds(settings: EngagementSettings) -> tuple[float, float]:
    """As published, up to the lower bound is low and only above the upper one is high."""
    return float(np.nextafter(settings.sharma_low_to, 2)), float(np.nextafter(settings.sharma_high_above, 2))


INDEXES: dict[str, Index] = {
    "emorec": Index(_emorec),
    "sharma2019": Index(_sharma2019, _sharma2019_bounds),
}
"""Every index by the name that the setting ``analysis.engagement.index`` knows."""
