"""Processes that are started anew when they die, unless they do nothing but die."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from emorec.errors import ServiceError

__all__ = ["Part"]

LOOP_DEATHS: Final = 5
LOOP_S: Final = 600.0
"""A part that dies this often within this time is in a loop that restarting does not end."""

LONGEST_PAUSE_S: Final = 30.0
LARGEST_LOG_BYTES: Final = 20_000_000
"""A log that has grown beyond this is put aside when its part starts; one older log is kept."""

_PR_SET_PDEATHSIG: Final = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class Part:
    """A process of ours with a log of its own, ended with the one who started it."""

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self.name, self.log = name, log
        self._command, self._env = list(command), dict(env)
        self._process: subprocess.Popen[bytes] | None = None
        self._deaths: list[float] = []
        self._not_before_s = 0.0

    @property
    def pid(self) -> int | None:
        """Its process, while there is one."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start it."""
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._process = subprocess.Popen(  # noqa: S603 — our own programs
                self._command,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        finally:
            os.close(descriptor)

    def keep(self) -> bool:
        """Start it anew if it has died; whether it had.

        Raises:
            ServiceError: it has died too often.
        """
        if self._process is None or self._process.poll() is None:
            return False
        now_s = time.monotonic()
        if not self._not_before_s:
            self._deaths = [s for s in self._deaths if s > now_s - LOOP_S] + [now_s]
            if len(self._deaths) >= LOOP_DEATHS:
                raise ServiceError(
                    f"{self.name} ended {len(self._deaths)} times in a row ({self.last_words()}); see {self.log}"
                )
            self._not_before_s = now_s + min(2.0 ** (len(self._deaths) - 1), LONGEST_PAUSE_S)
        if now_s < self._not_before_s:
            return False
        self._not_before_s = 0.0
        self.start()
        return True

    def stop(self, within_s: float) -> None:
        """End it: ask first, insist after so long."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(within_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        self._process = None

    def kill_family(self) -> None:
        """End it and all that it started, at once."""
        import psutil

        if self._process is None:
            return
        try:
            parent = psutil.Process(self._process.pid)
            # Stopped first, so that it says nothing of what its children come to.
            parent.suspend()
            family = [*parent.children(recursive=True), parent]
        except psutil.NoSuchProcess:
            family = []
        for process in family:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(family, timeout=10)
        self._process.wait()
        self._process = None

    def last_words(self) -> str:
        """The last line of its log."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            lines = []
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


def _die_with_parent() -> None:
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
