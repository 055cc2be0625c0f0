"""Which runs have a process on this machine: a small file per run, with the process that works on it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emorec.files import make_private

__all__ = ["forget", "living", "present", "with_dead_process"]


@contextmanager
def present(home: Path, run: str, attempt: int) -> Iterator[None]:
    """Say that this process works on a run, for the so many-th time; that stays until its end is known."""
    import psutil

    path = _path(home, run)
    # A home that cannot be written: the run goes on, and only its death is noticed later.
    with contextlib.suppress(OSError):
        make_private(path.parent)
        path.write_text(json.dumps({"pid": os.getpid(), "started": psutil.Process().create_time(), "attempt": attempt}))
    # Nothing is removed at the end: whether the server has heard of it is seen by the one who looks there.
    yield


def with_dead_process(home: Path) -> dict[str, int]:
    """The runs whose process has died without a word, and which attempt that was; 0 where it cannot be told."""
    return {run: attempt for run, alive, attempt in _known(home) if not alive}


def living(home: Path) -> list[str]:
    """The runs that a process of this machine works on."""
    return [run for run, alive, _ in _known(home) if alive]


def forget(home: Path, run: str) -> None:
    """A run of which nothing more need be known here."""
    _path(home, run).unlink(missing_ok=True)


def _path(home: Path, run: str) -> Path:
    return home / "runs" / f"{run}.json"


def _known(home: Path) -> Iterator[tuple[str, bool, int]]:
    import psutil

    for path in sorted((home / "runs").glob("*.json")):
        alive, attempt = False, 0
        with contextlib.suppress(OSError, ValueError, KeyError, psutil.Error):
            known = json.loads(path.read_text())
            attempt = int(known["attempt"])
            process = psutil.Process(known["pid"])
            # A number may have gone to another process since.
            alive = process.create_time() == known["started"] and process.status() != psutil.STATUS_ZOMBIE
        yield path.stem, alive, attempt
