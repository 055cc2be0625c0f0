"""The processes in which a cluster's worker observes chunks: there, too, a recording that crashes the decoder, hangs or
grows is a failure with a name, and the worker lives on.

A process takes one chunk after another, since it costs a second or two to start; one that nobody has needed for a while
is ended, with the models that it holds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from emorec import pipeline
from emorec.isolation import Isolation
from emorec.pipeline import Plan
from emorec.settings.limits import LimitsSettings
from emorec.types import Progress

__all__ = ["IDLE_S", "end_idle", "observe_chunk", "run"]

P = ParamSpec("P")
T = TypeVar("T")

IDLE_S: Final = 60.0
"""How long a process waits for another chunk: longer than the pause before one is tried again."""

_idle: list[tuple[LimitsSettings, Isolation]] = []
_lock = threading.Lock()
_timer: threading.Timer | None = None


def observe_chunk(plan: Plan, index: int) -> None:
    """As ``pipeline.observe_chunk``; the limits of the settings hold for the chunk.

    Raises:
        InputError, LimitError, MemoryError: as :meth:`Isolation.run`.
    """
    from emorec.recording import shown_path

    run(plan.settings.limits, shown_path(plan.info.path), pipeline.observe_chunk, plan, index, _say_nothing)


def run(limits: LimitsSettings, what: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function in a process that is not in use, or in a new one; arguments and errors as of Isolation.run."""
    with _lock:
        at = next((i for i, (known, _) in enumerate(_idle) if known == limits), None)
        process = Isolation(limits) if at is None else _idle.pop(at)[1]
    try:
        return process.run(what, function, *args, **kwargs)
    finally:
        with _lock:
            _idle.append((limits, process))
            _end_later()


def end_idle() -> None:
    """End the processes that are not in use."""
    with _lock:
        processes, _idle[:] = [process for _, process in _idle], []
    for process in processes:
        process.close()


def _end_later() -> None:
    global _timer
    if _timer is not None:
        _timer.cancel()
    _timer = threading.Timer(IDLE_S, end_idle)
    _timer.daemon = True
    _timer.start()


def _say_nothing(_: Progress) -> None:
    """Called after every sample: by that it is seen that a chunk moves."""
