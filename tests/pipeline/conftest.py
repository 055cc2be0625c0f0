"""The demo recording, analysed once from the command line, as a person would."""

from __future__ import annotations

from typing import Any

import pytest

import emorec
from emorec.store import Session
from tests.commands import Done, run_emorec


@pytest.fixture(scope="session")
def analyzed(demo: Any, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """The demo recording's analysis."""
    store = tmp_path_factory.mktemp("analyzed") / "store"
    done = run_emorec("analyze", demo.recording, "--store", store, "--course", "demo", "--json", "--quiet")
    assert done.code == 0, done.err
    return done


@pytest.fixture(scope="session")
def session(analyzed: Done) -> Session:
    """The demo recording's session."""
    return emorec.load(analyzed.result["folder"])
