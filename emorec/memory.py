"""Memory that is free goes back to the system, so that a long recording takes no more than a short one.

All of it concerns glibc; with other C libraries nothing happens.
"""

from __future__ import annotations

import ctypes
import functools

__all__ = ["give_back_free_memory", "keep_pictures_apart"]

# Of mallopt(3).
M_MMAP_THRESHOLD = -3
M_ARENA_MAX = -8
PICTURE_BYTES = 1 << 20
# Every thread that comes and goes may leave a heap of its own behind; two cores need no more than this.
HEAPS = 2


def keep_pictures_apart() -> None:
    """From now on what is as large as a picture has pages of its own, which go back as soon as it is freed.

    By itself glibc raises that limit with the first picture that is freed, up to 32 MiB; from then on pictures of
    several threads leave gaps in the heaps that only grow.
    """
    library = _libc()
    if library is not None:
        library.mallopt(M_MMAP_THRESHOLD, PICTURE_BYTES)
        library.mallopt(M_ARENA_MAX, HEAPS)


def give_back_free_memory() -> None:
    """Return what the process has freed to the system."""
    library = _libc()
    if library is not None:
        library.malloc_trim(0)


@functools.cache
def _libc() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):
        return None
    return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None
