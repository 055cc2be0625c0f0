"""What every area of settings has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Area(BaseModel):
    """Some settings that belong together: immutable, unknown names refused, so that a typing error is noticed."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
