"""Sessions to report on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emorec.store import Session
from tests.builders import write_session


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., Session]:
    """Commits a session with the given participants, minutes, … to a store of the test's own."""

    def built(**wanted: Any) -> Session:
        return write_session(tmp_path / "store", **wanted)

    return built
