"""Folders that go, whatever comes in between."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Final

GONE: Final = ".gone"
PART: Final = ".part"

LEFT_S: Final = 3600.0
"""What is being written is written in seconds; after an hour nobody writes it any more."""


def part_of(folder: Path) -> Path:
    """Where a folder is written, beside its place, until it is whole."""
    return folder.with_name(f".{folder.name}{PART}")


def remove(folder: Path) -> None:
    """Delete a folder, if there is one; a kill leaves it whole, or nothing of that name.

    It is renamed first, so that nobody takes what is left of it for the folder; `sweep` deletes that.
    """
    gone = folder.with_name(f".{folder.name}-{token_hex(4)}{GONE}")
    with suppress(FileNotFoundError):  # never there, or another process deletes it too
        folder.rename(gone)
        shutil.rmtree(gone)


def remove_every_trace(folder: Path) -> bool:
    """Delete a folder and what a kill left of writing or of deleting it; return whether there was anything."""
    left = [part_of(folder), *folder.parent.glob(f".{folder.name}-*{GONE}")]
    found = any(path.exists() for path in (folder, *left))
    remove(folder)
    for path in left:
        with suppress(FileNotFoundError):
            shutil.rmtree(path)
    return found


def sweep(parent: Path) -> None:
    """Delete what kills left in a folder: removals that were cut off, and parts that nobody writes any more."""
    for path in [*parent.glob(f".*{GONE}"), *parent.glob(f".*{PART}")]:
        with suppress(FileNotFoundError):
            if path.suffix == GONE or path.stat().st_mtime < time.time() - LEFT_S:
                shutil.rmtree(path)
