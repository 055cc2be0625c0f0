"""Files that are written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from model.errors import ModelError


def write_whole(path: Path, text: str) -> None:
    """Write a text; killed meanwhile, what was there before is there still."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, "utf-8")
    part.replace(path)


def read_json(path: Path) -> Any:
    """Return what a file of JSON holds. Raises FileNotFoundError, and ModelError where it cannot be read."""
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read ({error}); restore the file, or delete it") from error
