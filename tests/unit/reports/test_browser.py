"""Reports as paper and picture: the browser is found, used and missed."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from emorec.app import print_report
from emorec.cli import app
from emorec.errors import AssetError
from emorec.store import Session
from reports import browser, picture
from tests.unit.reports.prose import prose

Build = Callable[..., Session]
HAS_BROWSER = any(map(shutil.which, browser.NAMES))
needs_browser = pytest.mark.skipif(not HAS_BROWSER, reason="no browser (Debian: apt-get install chromium)")


def test_without_a_browser_it_says_what_to_install(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(browser, "PLACES", ())
    session = build(participants=2, minutes=2, rate_hz=0.5)

    with pytest.raises(AssetError, match=r"install Chromium or Chrome .* or open the HTML report"):
        print_report(session, "pdf")


def test_a_browser_that_fails_is_told_of_with_its_last_words(
    build: Build, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\necho 'no display, sorry' >&2\n")
    broken.chmod(0o700)
    monkeypatch.setattr(browser, "find", lambda: str(broken))

    with pytest.raises(AssetError, match="no display, sorry"):
        print_report(build(participants=2, minutes=2, rate_hz=0.5), "png")


@needs_browser
def test_a_summary_is_a_small_picture_beside_the_session(build: Build) -> None:
    session = build(participants=6, minutes=5, rate_hz=0.5)

    where = Path(print_report(session, "png", "es"))

    content = where.read_bytes()
    assert where == Path(session.folder) / "summary.png"
    assert content.startswith(b"\x89PNG")
    assert struct.unpack(">II", content[16:24]) == picture.SIZE_PX
    assert len(content) < 150_000
    assert where.stat().st_mode & 0o077 == 0


@needs_browser
@pytest.mark.slow
def test_the_command_puts_a_report_with_its_charts_on_paper(build: Build, tmp_path: Path) -> None:
    session = build(participants=6, minutes=5, rate_hz=0.5)

    done = CliRunner().invoke(app, ["report", session.folder, "--format", "pdf"])

    assert done.exit_code == 0
    content = Path(done.stdout.strip()).read_bytes()
    assert content.startswith(b"%PDF")
    # Without its charts a report is under 110 kB.
    assert len(content) > 500_000


def test_a_summary_says_what_the_session_was_and_what_not_to_do_with_it(build: Build) -> None:
    text = prose(picture.render(build(participants=6, minutes=20, rate_hz=0.5)))

    assert "Lecture 7: sampling" in text
    assert "Attention held near 0.7" in text
    assert "Displayed expressions, not feelings." in text


def test_a_summary_of_a_small_group_in_aggregate_mode_tells_nothing_of_it(build: Build) -> None:
    page = picture.render(build(participants=3, minutes=20, rate_hz=0.5, mode="aggregate"))

    assert "too few to tell" in prose(page)
    assert 'class="line"' not in page
