"""Files beside a recording, and what of them is kept."""

from __future__ import annotations

from pydantic import Field

from emorec.settings.base import Area


class SidecarsSettings(Area):
    """Files beside a recording (transcript, chat, attendance, chapters), and what of them is kept."""

    beside: bool = True
    """Whether files beside the recording are taken whose names say that they belong to it."""

    keep_text: bool = False
    """Whether what was said and written is kept in the session; without it times, speakers, lengths and questions."""

    keep_names: bool = False
    """Whether names in these files are kept; without it whoever is no known participant is called S01, A01, …"""

    slide_s: float = Field(5.0, ge=0)
    """Screen changes that follow each other faster than this are one slide's animation, s."""

    edge_s: float = Field(60.0, ge=0)
    """How far a face may be seen before a person came or after they left by an attendance file, s, for both to be the
    same person."""
