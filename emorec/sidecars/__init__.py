"""Files beside a recording: transcript, chat, attendance, chapters.

What a file is, is known by its content; every line of it is accounted for, and a bad one never ends the reading.
"""

from __future__ import annotations

from emorec.sidecars.read import parse, read
from emorec.sidecars.rows import KINDS, BadLine, Chapter, Kind, Message, Sidecar, Stay, Utterance

__all__ = ["KINDS", "BadLine", "Chapter", "Kind", "Message", "Sidecar", "Stay", "Utterance", "parse", "read"]
