"""Who is who, windows, group, moments and the engagement index: all that resolve decides from observations."""

from __future__ import annotations

from pydantic import Field

from emorec.settings.base import Area


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

    sharma_low_to: float = Field(0.25, ge=0, le=1)
    """Index ``sharma2019``: up to this is low, as published."""

    sharma_high_above: float = Field(0.65, ge=0, le=1)
    """Index ``sharma2019``: above this is high, as published."""


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

    least_group: int = Field(5, ge=2)
    """In privacy mode aggregate, smaller groups have no values."""

    identity: IdentitySettings = IdentitySettings()
    engagement: EngagementSettings = EngagementSettings()
    moments: MomentSettings = MomentSettings()
