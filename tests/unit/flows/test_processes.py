"""Processes that are kept running."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from emorec.errors import ServiceError
from flows.processes import Part


def part(tmp_path: Path, program: str) -> Part:
    return Part("the part", (sys.executable, "-S", "-c", program), os.environ, tmp_path / "part.log")


def until(look: Callable[[], object], seconds: float = 60) -> None:
    end_s = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end_s
        time.sleep(0.02)


def test_one_that_dies_is_started_anew(tmp_path: Path) -> None:
    kept = part(tmp_path, "import time; time.sleep(60)")
    kept.start()
    first = kept.pid
    assert first
    os.kill(first, signal.SIGKILL)
    until(kept.keep)
    assert kept.pid not in (None, first)
    kept.stop(10)
    assert kept.pid is None


def test_one_that_only_dies_is_given_up_with_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.processes.LONGEST_PAUSE_S", 0.01)
    kept = part(tmp_path, "print('no licence')")
    kept.start()
    with pytest.raises(ServiceError, match=r"the part ended 5 times in a row \(no licence\)"):
        until(lambda: kept.keep() and False)


def test_a_family_is_ended_as_a_whole(tmp_path: Path) -> None:
    child = "import time; time.sleep(60)"
    program = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-S', '-c', '{child}']); time.sleep(60)"
    kept = part(tmp_path, program)
    kept.start()
    assert kept.pid
    parent = psutil.Process(kept.pid)
    until(parent.children)
    [started] = parent.children()
    kept.kill_family()
    until(lambda: not started.is_running())


def test_its_log_is_its_owners(tmp_path: Path) -> None:
    kept = part(tmp_path, "print('hello')")
    kept.start()
    kept.stop(30)
    assert (tmp_path / "part.log").stat().st_mode & 0o077 == 0
