"""Fixtures of the unit tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from emorec import assets
from emorec.errors import AssetError
from emorec.settings import Settings

# No deadline: a shared machine may stand still for a moment. The same cases every time: a red test stays red.
settings.register_profile("emorec", deadline=None, derandomize=True)
settings.load_profile("emorec")


@pytest.fixture(scope="session")
def models() -> Path:
    """The cache folder of third-party model files, verified."""
    folder = Settings.load().assets
    try:
        for name in assets.NAMES:
            assets.locate(name, folder)
    except AssetError as error:
        pytest.skip(str(error))
    return folder
