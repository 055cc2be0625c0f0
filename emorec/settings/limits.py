"""What one analysis may take, so that a hostile or broken file costs no more than that."""

from __future__ import annotations

from pydantic import Field

from emorec.settings.base import Area


class LimitsSettings(Area):
    """What one analysis may take; length and picture size are limited in ``recording``."""

    max_file_gb: float = Field(200.0, gt=0)
    """Larger files are refused, 10⁹ bytes; twelve hours of a 4K lecture have some 100."""

    max_run_h: float = Field(48.0, gt=0)
    """An analysis that takes longer is ended, h; twelve hours with fifty people take four on two cores."""

    max_stall_s: float = Field(900.0, gt=0)
    """An analysis that reads no further for this long is ended, s; the slowest sample takes seconds."""

    max_memory_mb: int = Field(6000, ge=256)
    """An analysis of which a process needs more memory is ended, 2²⁰ bytes, with the libraries that it shares with
    others; 1 to 49 people take 360 to 460 (docs/scale.md). With several worker processes each may take so much."""
