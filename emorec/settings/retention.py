"""How long what emorec makes is kept."""

from __future__ import annotations

from pydantic import Field

from emorec.settings.base import Area


class RetentionSettings(Area):
    """How long what emorec makes is kept; recordings are never deleted."""

    keep_days: int | None = Field(None, ge=1)
    """Sessions whose date is longer ago are deleted with every trace; without a number they are kept."""

    work_days: float = Field(7.0, ge=0)
    """Unfinished work, face embeddings in it, is deleted after this long, days."""

    runs_days: int | None = Field(90, ge=1)
    """What Prefect keeps of finished runs is deleted after this long; without a number it is kept."""
