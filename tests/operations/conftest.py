"""emorec as an operator runs it: one `emorec up` for all tests, on loopback and in folders of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect_processes import Prefect
from up_process import Up, started

from tests.clips import write_clip


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Server, worker, watcher and pages."""
    with started(tmp_path_factory.mktemp("site")) as up:
        yield up


@pytest.fixture(scope="session")
def prefect(up: Up) -> Prefect:
    """The server and worker of that, to speak to."""
    return up.prefect


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a minute in chunks of five seconds, without a face."""
    return write_clip(tmp_path_factory.mktemp("long") / "long.mp4", seconds=30)
