"""What a person is told when something fails."""

from __future__ import annotations

from emorec.errors import EmorecError
from model.errors import ModelError


def failure_line(error: Exception) -> str:
    """One line for a person; what was not expected names its kind and how to see more."""
    if isinstance(error, EmorecError | ModelError):
        return f"emorec: {error}"
    return f"emorec: unexpected {type(error).__name__}: {error} (emorec --debug … shows where)"
