"""How the process holds memory while it trains."""

from __future__ import annotations

import ctypes
import sys

# glibc's <malloc.h>.
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
_MOST_KEPT_BYTES = 2**31 - 1


def keep_freed_memory() -> None:
    """From now on, use freed memory again instead of giving it back to the system; glibc only, elsewhere nothing.

    Every step of training frees gigabytes that the next one asks for, and the system hands them out cleared, page by
    page: with PyTorch a fifth of the time of a step. It holds for the process, to its end.
    """
    if sys.platform == "win32":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_MAX, 0)
        mallopt(_TRIM_THRESHOLD, _MOST_KEPT_BYTES)
