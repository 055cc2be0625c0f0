"""Fixtures that every kind of test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from emorec.demo import Demo, compose


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of research data, which is never part of the project; tests that need it skip where it is missing."""
    folder = Path(os.environ.get("EMOREC_CORPUS", Path(__file__).parents[2] / "shared" / "corpus"))
    if not folder.is_dir():
        pytest.skip(f"the corpus is not at {folder} (set EMOREC_CORPUS)")
    return folder


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo recording and its truth, composed once."""
    return compose(tmp_path_factory.mktemp("demo"))
