"""Seconds and counts by stage; part of a session's result."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["StageClock"]


class StageClock:
    """Adds up wall and CPU seconds by stage, from any number of threads.

    CPU seconds are those of the threads that measure: what a library spends in threads of its own is not seen.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stages: dict[str, dict[str, float]] = {}

    @contextmanager
    def measure(self, stage: str, **counts: int) -> Iterator[None]:
        """Count the block's seconds, and ``counts`` of what it works on, to a stage."""
        wall_s, cpu_s = time.perf_counter(), time.thread_time()
        try:
            yield
        finally:
            figures = {"wall_s": time.perf_counter() - wall_s, "cpu_s": time.thread_time() - cpu_s, **counts}
            self.add(stage, figures)

    def add(self, stage: str, figures: dict[str, float]) -> None:
        """Add to a stage's figures."""
        with self._lock:
            total = self._stages.setdefault(stage, {})
            for name, value in figures.items():
                total[name] = total.get(name, 0) + value

    def stages(self) -> dict[str, dict[str, float]]:
        """Each stage's figures so far: ``wall_s``, ``cpu_s`` and counts."""
        with self._lock:
            return {stage: {name: round(value, 6) for name, value in f.items()} for stage, f in self._stages.items()}
