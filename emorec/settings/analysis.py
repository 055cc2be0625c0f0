"""Who is who, windows, group, moments and the engagement index: all that resolve decides from observations."""

from __future__ import annotations

from typing import Self

from pydantic import Field, field_validator, model_validator

from emorec.settings.base import Area
from emorec.types import EMOTIONS


class IdentitySettings(Area):
    """Who is who over the whole recording, and which tracks are not people.

    Distances are Euclidean between embeddings of dlib's network: a person to themselves .3 to .45, two people .7 to
    .85; small faces are nearer to each other and farther from themselves.
    """

    reach: float = Field(0.46, gt=0, lt=1.5)
    """Distance between two tracks below which they are rather one person; higher joins more, and mixes people
    sooner."""

    second_showing_reach: float = Field(0.45, gt=0, lt=1.5)
    """Two faces in one picture are one person, shown large and in the strip, only below this distance."""

    second_showing_ratio: float = Field(1.5, ge=1)
    """... and only if one of them is at least so many times as wide."""

    join_gap_s: float = Field(2.5, ge=0)
    """A track that begins where another ended, within so many seconds, goes on with it if they look alike, s."""

    attach_gap_s: float = Field(10.0, ge=0)
    """A track too short to be recognised belongs to who was at its place within so many seconds, s."""

    gap_s: float = Field(1.5, ge=0)
    """A face missed for no longer than this, between two samples that show it, was there all the same, s."""

    grounds: float = Field(2.0, gt=0)
    """A person is left out as not a person when grounds of this weight come together; a single one weighs 0.5 to 1."""


class EngagementSettings(Area):
    """The engagement index of a window."""

    index: str = "emorec"
    """Name of the index: ``emorec`` (attention and expression together) or ``sharma2019`` (concentration index of
    Sharma et al. 2019, arXiv 1909.12913, on probabilities)."""

    attention_weight: float = Field(0.75, ge=0, le=1)
    """Weight of attention in the index ``emorec``, the rest is expression's. Head pose is the strongest cheap cue of
    engagement (TCCT-Net beats 98 features with two pose signals), expression a weak one."""

    expression: dict[str, float] = Field(
        default={
            "angry": 0.25,
            "disgust": 0.2,
            "fear": 0.3,
            "happy": 1.0,
            "neutral": 0.6,
            "sad": 0.3,
            "surprise": 1.0,
        }
    )
    """What each displayed expression adds in the index ``emorec`` (0–1). After Sharma et al. for the unpleasant ones;
    happy and surprise, which respond to something, stand above neutral (engagement as expressiveness, Affectiva)."""

    low_below: float = Field(0.45, ge=0, le=1)
    """Engagement below this is low (index ``emorec``)."""

    high_from: float = Field(0.70, ge=0, le=1)
    """Engagement from this on is high (index ``emorec``)."""

    sharma_emotions: dict[str, float] = Field(
        default={
            "angry": 0.25,
            "disgust": 0.2,
            "fear": 0.3,
            "happy": 0.6,
            "neutral": 0.9,
            "sad": 0.3,
            "surprise": 0.6,
        }
    )
    """Index ``sharma2019``: weight of each displayed expression, as implementations of Sharma et al. quote them."""

    sharma_low_to: float = Field(0.25, ge=0, le=1)
    """Index ``sharma2019``: up to this is low, as published."""

    sharma_high_above: float = Field(0.65, ge=0, le=1)
    """Index ``sharma2019``: above this is high, as published."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low_below > self.high_from or self.sharma_low_to > self.sharma_high_above:
            raise ValueError("what is low must end below where high begins")
        return self

    @field_validator("expression", "sharma_emotions")
    @classmethod
    def _of_every_emotion(cls, weights: dict[str, float]) -> dict[str, float]:
        if set(weights) != set(EMOTIONS):
            raise ValueError(f"there must be a weight for each of {', '.join(EMOTIONS)}, and for nothing else")
        if not all(0 <= weight <= 1 for weight in weights.values()) or not any(weights.values()):
            raise ValueError("weights must lie between 0 and 1, and not all be 0")
        return weights


class MomentSettings(Area):
    """Which stretches count as moments."""

    alpha: float = Field(0.01, gt=0, lt=0.5)
    """Chance that a session in which nothing happens has a moment of one kind at all."""

    shifts: int = Field(499, ge=99, le=9999)
    """Circular shifts that the chance level is estimated from."""

    smooth_s: float = Field(10.0, gt=0)
    """Attention and engagement are averaged over so many seconds before peaks and drops are looked for, s."""

    least_change: float = Field(0.1, ge=0, le=1)
    """A peak or drop of attention or engagement departs from the group's mean by at least so much."""

    least_length: float = Field(12.0, ge=1)
    """Recordings shorter than so many times ``smooth_s`` have no peaks, drops or shared laughter: too little to tell
    chance from."""

    edge_share: float = Field(0.5, gt=0, le=1)
    """A moment reaches as far as the signal stays above this share of what chance reaches."""

    laughter_s: float = Field(3.0, gt=0)
    """Happy expressions are averaged over so many seconds before shared laughter is looked for, s."""

    laughter_happy: float = Field(0.5, gt=0, lt=1)
    """Mean probability of happy from which a participant takes part in shared laughter."""

    least_people: int = Field(3, ge=2)
    """The group of a moment has at least so many people."""

    long_absence_s: float = Field(300.0, gt=0)
    """Somebody who is not in the picture for so long and then comes back is a moment, s."""


class AnalysisSettings(Area):
    """Windows, group, moments and the engagement index."""

    window_s: float = Field(10.0, gt=0)
    """Length of a window, s."""

    least_coverage: float = Field(0.5, gt=0, le=1)
    """A window in which a face was seen in a smaller share of the samples has no engagement and no level."""

    bootstrap: int = Field(400, ge=50, le=10000)
    """Resamples of the participants for the bands of the group."""

    synchrony_window_s: float = Field(30.0, gt=0)
    """Length of the window over which expressions of participants are correlated, s."""

    synchrony_step_s: float = Field(5.0, gt=0)
    """How far that window moves from one value to the next, s."""

    synchrony_coverage: float = Field(0.7, gt=0, le=1)
    """A participant counts in a window of synchrony when seen in at least this share of its samples: fewer would say
    more of when somebody was seen than of what they showed."""

    synchrony_flat: float = Field(0.02, ge=0, le=1)
    """Expressions that deviate less than this over a window (probabilities, root mean square) show nothing to
    correlate."""

    synchrony_draws: int = Field(4000, ge=100)
    """Values of chance, from circular shifts, that the null band of synchrony is estimated from, at least."""

    valence: dict[str, float] = Field(
        default={
            "angry": -1.0,
            "disgust": -1.0,
            "fear": -1.0,
            "happy": 1.0,
            "neutral": 0.0,
            "sad": -1.0,
            "surprise": 0.0,
        }
    )
    """Pleasantness of each displayed expression, −1…1: happy less the unpleasant ones, as in FaceReader's valence;
    surprise may be either."""

    least_group: int = Field(5, ge=2)
    """In privacy mode aggregate, smaller groups have no values."""

    @field_validator("valence")
    @classmethod
    def _valence_of_every_emotion(cls, weights: dict[str, float]) -> dict[str, float]:
        if set(weights) != set(EMOTIONS) or not all(-1 <= weight <= 1 for weight in weights.values()):
            raise ValueError(f"there must be a number in -1…1 for each of {', '.join(EMOTIONS)}, and for nothing else")
        return weights

    identity: IdentitySettings = IdentitySettings()
    engagement: EngagementSettings = EngagementSettings()
    moments: MomentSettings = MomentSettings()
