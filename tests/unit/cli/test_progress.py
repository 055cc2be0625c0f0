"""What a person at a terminal is told, and what a script is not."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

SHOW = [sys.executable, "-c", "from emorec.cli.progress import legal_notice; legal_notice()"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A machine on which emorec has never run."""
    return {**os.environ, "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}


def on_a_terminal(environment: dict[str, str]) -> str:
    """What is said where standard error is a terminal."""
    ours, theirs = pty.openpty()
    subprocess.run(SHOW, env=environment, stderr=theirs, check=True, timeout=60)
    # What was said lies in the buffer; nothing more can come.
    os.set_blocking(ours, False)
    try:
        said = os.read(ours, 65536)
    except BlockingIOError:
        said = b""
    os.close(theirs)
    os.close(ours)
    return said.decode()


def test_the_legal_notice_is_shown_on_a_terminal_once_per_machine(environment: dict[str, str]) -> None:
    assert "Article 5(1)(f)" in on_a_terminal(environment)
    assert on_a_terminal(environment) == ""


def test_a_script_sees_no_legal_notice_and_does_not_use_up_the_first(environment: dict[str, str]) -> None:
    piped = subprocess.run(SHOW, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert (piped.stdout, piped.stderr) == ("", "")
    assert "Article 5(1)(f)" in on_a_terminal(environment)


def test_the_legal_notice_comes_again_where_nothing_can_be_kept(environment: dict[str, str]) -> None:
    Path(environment["XDG_STATE_HOME"]).write_text("a file where the folder should be")
    assert "Article 5(1)(f)" in on_a_terminal(environment)
    assert "Article 5(1)(f)" in on_a_terminal(environment)
