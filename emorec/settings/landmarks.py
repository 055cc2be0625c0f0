"""Landmarks and attention."""

from __future__ import annotations

from emorec.settings.base import Area


class LandmarksSettings(Area):
    """Landmarks and attention."""
