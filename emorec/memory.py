"""Memory that is free goes back to the system, so that a long recording takes no more than a short one.

All of it concerns glibc; with other C libraries nothing happens.
"""

from __future__ import annotations

import ctypes
import functools
import resource
import sys
from pathlib import Path

__all__ = ["give_back_free_memory", "keep_pictures_apart", "note_helper", "peak_memory_mb"]

# Of mallopt(3).
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
M_ARENA_MAX = -8
PICTURE_BYTES = 1 << 20
# Every thread that comes and goes may leave a heap of its own behind; two cores need no more than this.
HEAPS = 2
# What is smaller than a picture comes and goes with every sample: pages for it are kept, since bringing them anew takes
# the time of using them several times over. A heap that is trimmed at once (by itself, glibc keeps 128 KiB) costs a
# tenth of all CPU time.
KEPT_BYTES = 24 << 20


def keep_pictures_apart() -> None:
    """From now on what is as large as a picture has pages of its own, which go back as soon as it is freed.

    By itself glibc raises that limit with the first picture that is freed, up to 32 MiB; from then on pictures of
    several threads leave gaps in the heaps that only grow.
    """
    library = _libc()
    if library is not None:
        library.mallopt(M_MMAP_THRESHOLD, PICTURE_BYTES)
        library.mallopt(M_ARENA_MAX, HEAPS)
        library.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


def give_back_free_memory() -> None:
    """Return what the process has freed to the system."""
    library = _libc()
    if library is not None:
        library.malloc_trim(0)


def peak_memory_mb() -> float:
    """The most memory that this process has had so far, and that of its helpers beside it, 2²⁰ bytes."""
    return _own_peak_mb() + _helpers_mb[0]


_helpers_mb = [0.0]


def note_helper(peak_mb: float) -> None:
    """Count what a process that works for this one, or all that do so at the same time, have needed."""
    _helpers_mb[0] = max(_helpers_mb[0], peak_mb)


def _own_peak_mb() -> float:
    status = Path("/proc/self/status")
    if status.exists():
        # getrusage carries the parent's peak over into a child; this does not.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


@functools.cache
def _libc() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):
        return None
    return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None
