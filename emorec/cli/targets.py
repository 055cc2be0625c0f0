"""Files that a command is asked to write: what cannot be written is said before the work, not after it."""

from __future__ import annotations

import os
from pathlib import Path

from emorec.errors import InputError


def check_target(path: Path | None) -> None:
    """Raise InputError where a file cannot be written; None is none that is asked for."""
    if path is None:
        return
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file")
    if not path.parent.is_dir():
        raise InputError(f"{path} cannot be written: there is no folder {path.parent}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise InputError(f"{path} cannot be written: no permission")
