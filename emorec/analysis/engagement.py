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
from emorec.types import EMOTIONS, Float64

__all__ = ["INDEXES", "LEVELS", "Index", "index_of"]

LEVELS = ("low", "medium", "high")

SHARMA_WEIGHTS = {
    "angry": 0.25,
    "disgust": 0.2,
    "fear": 0.3,
    "happy": 0.6,
    "neutral": 0.9,
    "sad": 0.3,
    "surprise": 0.6,
}
"""Emotion weights of the concentration index of Sharma et al. 2019 (arXiv 1909.12913) as implementations quote them."""


@dataclass(frozen=True)
class Index:
    """An engagement index: ``score`` takes attention [n] and emotions [n, 7], NaN where unknown, and gives 0–1 [n];
    ``level`` takes that and gives 0, 1, 2 (LEVELS), −1 where it is NaN."""

    score: Callable[[Float64, Float64, EngagementSettings], Float64]
    level: Callable[[Float64, EngagementSettings], NDArray[np.int8]]


def index_of(settings: EngagementSettings) -> Index:
    """The index that the settings name.

    Raises:
        SettingsError: there is none of that name.
    """
    if settings.index not in INDEXES:
        known = ", ".join(INDEXES)
        raise SettingsError(f"setting analysis.engagement.index: there is no {settings.index!r}; there are {known}")
    return INDEXES[settings.index]


def _expected(emotions: Float64, weights: dict[str, float]) -> Float64:
    """The expected weight of the displayed emotion, NaN where it was not classified."""
    known: Float64 = emotions @ np.array([weights[name] for name in EMOTIONS])
    return known


def _emorec(attention: Float64, emotions: Float64, settings: EngagementSettings) -> Float64:
    expression = _expected(emotions, settings.expression)
    both = settings.attention_weight * attention + (1 - settings.attention_weight) * expression
    return np.where(np.isfinite(expression), both, attention)


def _emorec_level(score: Float64, settings: EngagementSettings) -> NDArray[np.int8]:
    level = np.where(score < settings.low_below, 0, np.where(score >= settings.high_from, 2, 1))
    return np.where(np.isfinite(score), level, -1).astype(np.int8)


def _sharma2019(attention: Float64, emotions: Float64, settings: EngagementSettings) -> Float64:
    """Emotion weight × gaze weight over the greatest possible product (4.5 = .9 × 5 in the published scale); attention
    stands for the gaze weight."""
    del settings
    weight = _expected(emotions, SHARMA_WEIGHTS) / max(SHARMA_WEIGHTS.values())
    return np.where(np.isfinite(weight), weight * attention, attention)


def _sharma2019_level(score: Float64, settings: EngagementSettings) -> NDArray[np.int8]:
    level = np.where(score > settings.sharma_high_above, 2, np.where(score > settings.sharma_low_to, 1, 0))
    return np.where(np.isfinite(score), level, -1).astype(np.int8)


INDEXES: dict[str, Index] = {
    "emorec": Index(_emorec, _emorec_level),
    "sharma2019": Index(_sharma2019, _sharma2019_level),
}
"""Every index by the name that the setting ``analysis.engagement.index`` knows."""
