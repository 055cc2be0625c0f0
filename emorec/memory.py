"""Memory that is free goes back to the system."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable

__all__ = ["give_back_free_memory"]


def give_back_free_memory() -> None:
    """Return what the process has freed to the system, where the C library is glibc; elsewhere nothing happens.

    Pictures of several MB come and go in several threads, and glibc keeps the gaps between them: without this a process
    that observes hour after hour grows by some MB a minute, though it holds nothing.
    """
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@functools.cache
def _malloc_trim() -> Callable[[int], int] | None:
    """Glibc's malloc_trim(3)."""
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
    return trim
