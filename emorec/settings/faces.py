"""Detection, tracking and identity."""

from __future__ import annotations

from emorec.settings.base import Area


class FacesSettings(Area):
    """Detection, tracking and identity."""
