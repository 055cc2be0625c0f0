"""What a session may hold."""

from __future__ import annotations

from typing import Literal

from emorec.settings.base import Area


class PrivacySettings(Area):
    """What a session may hold."""

    mode: Literal["participant", "aggregate"] = "participant"
    """``participant``: a row per participant, labelled P01, P02, …; ``aggregate``: only the group, never a person."""

    emotions: bool = True
    """Whether displayed emotions are classified and stored; without them attention, presence and speaking remain."""
