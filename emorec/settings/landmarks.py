"""Landmarks and attention."""

from __future__ import annotations

from pydantic import Field

from emorec.settings.base import Area


class LandmarksSettings(Area):
    """Landmarks and attention."""

    iris_min_face_px: float = Field(36.0, gt=0)
    """Narrower faces' eyes are not measured, px of the box."""
