"""A real browser, without any network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.opened import Opened


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Opened]:
    """Opens pages as from a mail attachment, and notes what they ask for and complain about."""
    opened = Opened(browser, tmp_path)
    yield opened
    opened.close()
