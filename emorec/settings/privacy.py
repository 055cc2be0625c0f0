"""What a session may hold."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from emorec.settings.base import Area


class PrivacySettings(Area):
    """What a session may hold."""

    mode: Literal["participant", "aggregate"] = "participant"
    """``participant``: a row per participant, labelled P01, P02, …; ``aggregate``: only the group, never a person."""

    emotions: bool = True
    """Whether displayed emotions are classified and stored; without them attention, presence and speaking remain."""

    names: str = "none"
    """``none``: participants are P01, P02, …; ``plates``: they get the names that are read in the labels of their
    tiles; any other value is a CSV file of names, by which the labels' spelling is corrected. Never in aggregate."""

    @property
    def reads_plates(self) -> bool:
        """Whether the labels of tiles are read."""
        return self.names != "none" and self.mode == "participant"

    @property
    def roster(self) -> Path | None:
        """The CSV file of names, where one is given."""
        return Path(self.names) if self.reads_plates and self.names != "plates" else None
