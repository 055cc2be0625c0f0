"""Native libraries write to the process's stderr as they please; a person and a script shall not have to read it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer

# A log that has grown beyond this is begun anew.
LARGEST_LOG_BYTES = 1_000_000


def divert_native_output(ctx: typer.Context) -> None:
    """From now on, what native code writes to stderr goes to ``native.log`` in the user's log folder.

    What Python writes to ``sys.stderr`` still reaches the terminal. Nothing changes with ``--debug``, nor where
    ``sys.stderr`` is no file.
    """
    if ctx.find_root().obj:
        return
    import platformdirs

    try:
        told_to = os.dup(sys.stderr.fileno())
    except (AttributeError, OSError):  # none at all, or one that is not a file
        return

    log = platformdirs.user_log_path("emorec") / "native.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        begin = log.exists() and log.stat().st_size > LARGEST_LOG_BYTES
        target = os.open(log, os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if begin else os.O_APPEND), 0o600)
    except OSError:
        # A home that cannot be written: better no log than no analysis.
        target = os.open(os.devnull, os.O_WRONLY)
    sys.stderr.flush()
    sys.stderr = os.fdopen(told_to, "w", buffering=1, errors="backslashreplace")
    os.dup2(target, 2)
    os.close(target)
