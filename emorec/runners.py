"""Observing the chunks of a recording one after another, or several at a time in threads or processes.

Chunks know nothing of each other, so on machines of one kind the result is the same bytes, whatever runs them and in
which order. CPUs with other instructions may round the networks' sums otherwise.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import TYPE_CHECKING, Any

from emorec import pipeline
from emorec.errors import EmorecError, SettingsError
from emorec.memory import note_helper, peak_memory_mb
from emorec.types import Progress, ProgressCallback

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emorec.pipeline import Plan

__all__ = ["observe"]

_PR_SET_PDEATHSIG = 1


def observe(plan: Plan, indices: Sequence[int], progress: ProgressCallback | None = None) -> None:
    """Observe those of the chunks that have not been, as the settings say (``run.runner``, ``run.workers``).

    Args:
        plan: of the recording.
        indices: of its chunks.
        progress: told from this thread: after every sample, or, with a pool, after every chunk.

    Raises:
        EmorecError: a worker process ended by itself; finished chunks are kept.
        SettingsError: ``run.runner`` is one of Prefect's flow.
    """
    runner = plan.settings.run.runner
    if runner not in ("threads", "processes"):
        raise SettingsError(
            f'run.runner "{runner}" is for the flow analyze-session; here it is "threads" or "processes"'
        )
    missing = pipeline.missing_chunks(plan, indices)
    workers = min(plan.settings.run.workers, len(missing))
    if workers and runner == "processes":
        with _processes(workers) as pool:
            _spread(pool, _observe_and_tell_memory, plan, missing, progress)
    elif workers:
        from emorec.observe import close_idle

        if workers > 1:
            with ThreadPoolExecutor(workers, thread_name_prefix="chunk") as pool:
                _spread(pool, pipeline.observe_chunk, plan, missing, progress)
        else:
            pipeline.observe_missing(plan, missing, progress)
        # The whole recording has been observed: the models make room for its tables.
        close_idle()


def _spread(
    pool: Executor,
    observe_one: Callable[[Plan, int], object],
    plan: Plan,
    missing: Sequence[int],
    progress: ProgressCallback | None,
) -> None:
    """Hand all chunks to a pool; the first failure ends what has not begun."""
    running = {pool.submit(observe_one, plan, index): index for index in missing}
    peaks: dict[int, float] = {}
    done_s = sum(chunk.t1_s - chunk.t0_s for chunk in plan.chunks if chunk.index not in set(missing))
    try:
        for future in as_completed(running):
            told = future.result()
            if isinstance(told, tuple):
                peaks[told[0]] = told[1]
            chunk = plan.chunks[running[future]]
            done_s += chunk.t1_s - chunk.t0_s
            if progress is not None:
                progress(Progress("observe", done_s, plan.info.duration_s))
    except BaseException:
        for future in running:
            future.cancel()
        raise
    note_helper(sum(peaks.values()))


@contextmanager
def _processes(workers: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of processes that ends with this block, also where that fails, and with this process."""
    context = _Context()
    pool = ProcessPoolExecutor(workers, context, initializer=_begin_worker, initargs=(os.getpid(),))
    try:
        yield pool
    except BaseException as error:
        for process in context.started:
            # One that the system refused to start is among them, with no process to end.
            if process.pid is not None:
                # Nobody waits for what it does now.
                process.terminate()
        # The pool's own thread waits for them: a second one that did so could find them gone and take them for alive.
        pool.shutdown(cancel_futures=True)
        if isinstance(error, BrokenProcessPool):
            raise EmorecError(
                "a worker process ended by itself, memory may be short; finished chunks are kept: "
                "run the same command again, with fewer workers"
            ) from error
        raise
    pool.shutdown()


class _Context(SpawnContext):
    """Starts processes anew, not as copies of this one with its threads, and knows which."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[SpawnProcess] = []

    def Process(self, *args: Any, **kwargs: Any) -> SpawnProcess:  # type: ignore[override]  # noqa: N802
        """As ``multiprocessing.Process``."""
        process = SpawnProcess(*args, **kwargs)
        self.started.append(process)
        return process


def _begin_worker(parent: int) -> None:
    # Ctrl-C reaches the parent too, which ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        # Not to outlive a parent that was killed.
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def _observe_and_tell_memory(plan: Plan, index: int) -> tuple[int, float]:
    """Observe a chunk; which process did, and the most memory that it has had, MB."""
    pipeline.observe_chunk(plan, index)
    return os.getpid(), peak_memory_mb()
