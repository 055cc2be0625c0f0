"""How a session is told."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from emorec.settings.base import Area


class ReportSettings(Area):
    """How a session is told; nothing of it goes into the session."""

    language: Literal["en", "es"] = "en"
    """Language of reports: ``en``, or ``es`` with numbers and dates as in Mexico."""

    theme: Path | None = None
    """Folder of an institution's look: ``logo.svg`` or ``logo.png``, ``theme.json`` (``{"institution": "…"}``),
    ``theme.css``, ``palette.json``, ``plotly.json`` and ``templates/``, each laid over what emorec has."""
