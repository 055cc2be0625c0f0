"""Running a command to its end, and what it and all its children took."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

__all__ = ["Done", "allowed_cores", "machine", "run"]

LOOK_EVERY_S = 0.1
"""Memory is looked at this often: a peak that lasts shorter can be missed."""
GROWN_MB = 5.0
"""Counting shared pages in proportion stops a process for some milliseconds: done only where its resident pages are so
many more than ever before."""


@dataclass(frozen=True)
class Done:
    """What a command wrote to stdout, and what it took: ``peak_mb`` of all its processes together, 2²⁰ bytes, shared
    pages counted once in proportion."""

    output: str
    wall_s: float
    cpu_s: float
    peak_mb: float


def run(command: Sequence[str], cores: Sequence[int] | None = None) -> Done:
    """Run to the end; CPU seconds are the operating system's own account of the process and its children.

    Args:
        command: program and arguments.
        cores: those that it may use.

    Raises:
        SystemExit: it failed.
    """
    if cores is not None:
        command = ["taskset", "-c", ",".join(str(core) for core in cores), *command]
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output)
        watch = _Memory(process.pid)
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.stop()
        if process.returncode:
            raise SystemExit(f"bench: {' '.join(command)} ended with {process.returncode}")
        output.seek(0)
        text = output.read().decode()
    return Done(text, wall_s, usage.ru_utime + usage.ru_stime, watch.peak_mb)


def allowed_cores() -> list[int]:
    """The numbers of the cores that this process may use, which need not begin with 0."""
    return sorted(os.sched_getaffinity(0))


def machine(device: str = "cpu") -> str:
    """The cores, the memory and the system, in words, and with ``device`` "gpu" the GPUs."""
    model = "unknown processor"
    if os.path.exists("/proc/cpuinfo"):  # noqa: PTH110 — one line
        with open("/proc/cpuinfo") as file:  # noqa: PTH123
            model = next((line.split(":")[1].strip() for line in file if "model name" in line), model)
    import platform

    gib = psutil.virtual_memory().total / 2**30
    here = f"{os.cpu_count()} cores of {model}, {gib:.0f} GiB, {platform.system()}, Python {platform.python_version()}"
    return f"{here}, {_gpus()}" if device == "gpu" else here


def _gpus() -> str:
    """What NVIDIA's driver calls the GPUs; their serial numbers are nobody's business."""
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return "a GPU that nvidia-smi does not name"
    return "; ".join(line.partition(" (UUID")[0] for line in listed.splitlines() if line)


class _Memory(threading.Thread):
    """Watches the memory of a process and its children."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak_mb = 0.0
        self._pid = pid
        self._ended = threading.Event()

    def run(self) -> None:
        highest_mb = -GROWN_MB
        while not self._ended.wait(LOOK_EVERY_S):
            try:
                parent = psutil.Process(self._pid)
                family = [parent, *parent.children(recursive=True)]
                resident_mb = sum(process.memory_info().rss for process in family) / 2**20
                if resident_mb > highest_mb + GROWN_MB:
                    highest_mb = resident_mb
                    self.peak_mb = max(self.peak_mb, sum(map(_own_bytes, family)) / 2**20)
            except psutil.Error:
                # One of them has ended meanwhile.
                continue

    def stop(self) -> None:
        """End watching."""
        self._ended.set()
        self.join()


def _own_bytes(process: psutil.Process) -> int:
    memory = process.memory_full_info()
    return int(getattr(memory, "pss", memory.uss))
