"""Running the installed command as a person would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EMOREC = Path(sys.executable).with_name("emorec")


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, Any]:
        """The one line of JSON that --json prints."""
        result: dict[str, Any] = json.loads(self.out)
        return result


def run_emorec(*args: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> Done:
    """Run the command in a process of its own."""
    done = subprocess.run(
        [EMOREC, *map(str, args)],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return Done(done.returncode, done.stdout, done.stderr)
