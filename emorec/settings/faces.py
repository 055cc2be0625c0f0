"""Detection, tracking and identity."""

from __future__ import annotations

from pydantic import Field

from emorec.settings.base import Area


class FacesSettings(Area):
    """Detection, tracking and identity."""

    min_face_px: int = Field(20, ge=12, le=400)
    """Smallest face that is searched for, px of the picture's width; smaller costs more looks at the picture, and
    landmarks and emotions mean nothing below this. Pictures above 1080 lines raise it in proportion."""

    search_score: float = Field(0.5, ge=0.3, lt=1)
    """Least detector score of a face that nobody knew before (0–1); MediaPipe's own default."""

    follow_score: float = Field(0.3, ge=0.1, lt=1)
    """Least detector score of a face where one was half a second ago."""

    min_presence: float = Field(0.5, ge=0, le=1)
    """Least probability of the landmark model that its crop shows a face, below which only a sure score counts."""

    sure_score: float = Field(0.9, ge=0, le=1)
    """Score that a face without landmarks (in profile, covered) needs: two looks that agree."""

    search_every_s: float = Field(5.0, gt=0)
    """The whole picture is searched so often, s (less often while nobody new is found); between, known faces are
    followed and areas that changed are searched."""

    max_gap_s: float = Field(1.8, ge=0)
    """A face that is not seen for longer begins a new track, s."""

    crops_per_track: int = Field(5, ge=1, le=20)
    """Crops that a track's appearance is made of."""
