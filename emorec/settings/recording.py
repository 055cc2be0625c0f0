"""How a recording is read."""

from __future__ import annotations

from pydantic import Field

from emorec.settings.base import Area


class RecordingSettings(Area):
    """How a recording is sampled and cut into chunks, and what is refused."""

    rate_hz: float = Field(2.0, gt=0, le=30)
    """Samples per second of the recording; more costs in proportion, and expressions change slower than this."""

    chunk_s: float = Field(120.0, ge=5)
    """Length aimed at for a chunk, s; each starts at the keyframe nearest to a multiple of it."""

    max_duration_s: float = Field(12 * 3600, gt=0)
    """Longer recordings are refused, s."""

    max_pixels: int = Field(64_000_000, gt=0)
    """Larger pictures are refused, px per picture (8K is 33 million)."""
