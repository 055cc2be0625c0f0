"""What happens to recordings, disks and decoders while an analysis goes on, from the command line."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from emorec.store import Store
from tests.clips import write_clip
from tests.commands import EMOREC, run_emorec

CHUNKS = {"EMOREC_RECORDING__CHUNK_S": "5"}

# In the process that reads recordings, files of these names do what a broken decoder would.
FAULTS = """
import os, sys, time
if "emorec.isolation" in sys.orig_argv:
    really_open = os.open
    def opened(path, *args, **kwargs):
        if str(path).endswith("crash.mp4"):
            import ctypes
            ctypes.string_at(0)
        if str(path).endswith("hang.mp4"):
            time.sleep(3600)
        return really_open(path, *args, **kwargs)
    os.open = opened
"""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


@pytest.fixture
def faults(tmp_path: Path) -> dict[str, str]:
    """An environment in which some recordings crash or hang."""
    folder = tmp_path / "faults"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(FAULTS)
    return {"PYTHONPATH": str(folder)}


def test_a_recording_that_crashes_the_decoder_fails_by_name_and_the_others_are_done(
    tmp_path: Path, clip: Path, faults: dict[str, str]
) -> None:
    for name in ("crash.mp4", "good.mp4"):
        shutil.copy(clip, tmp_path / name)
    done = run_emorec("analyze", "crash.mp4", "good.mp4", "--quiet", cwd=tmp_path, env=faults)
    assert done.code == 1
    assert done.err == "emorec: crash.mp4: crashes the decoder (SIGSEGV); the file is damaged, export it again\n"
    assert len(Store(tmp_path / "emorec-store").ids()) == 1


def test_a_recording_that_hangs_is_given_up(tmp_path: Path, clip: Path, faults: dict[str, str]) -> None:
    shutil.copy(clip, tmp_path / "hang.mp4")
    env = {**faults, "EMOREC_LIMITS__MAX_STALL_S": "2"}
    done = run_emorec("analyze", "hang.mp4", "--quiet", cwd=tmp_path, env=env)
    assert done.code == 1
    assert "hang.mp4: came to a standstill" in done.err


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ({"EMOREC_LIMITS__MAX_FILE_GB": "0.000001"}, "is larger (.* GB) than limits.max_file_gb"),
        ({"EMOREC_RECORDING__MAX_DURATION_S": "1"}, "is longer than recording.max_duration_s"),
        ({"EMOREC_RECORDING__MAX_PIXELS": "1000"}, "are larger than recording.max_pixels"),
    ],
    ids=["size of the file", "duration", "pixels"],
)
def test_what_is_beyond_a_limit_is_refused_with_the_limits_name(
    tmp_path: Path, clip: Path, limit: dict[str, str], message: str
) -> None:
    import re

    done = run_emorec("analyze", clip, "--quiet", cwd=tmp_path, env=limit)
    assert done.code == 1
    assert re.search(message.replace("(", r"\(").replace(")", r"\)"), done.err), done.err
    assert len(done.err.splitlines()) == 1


def analysis(recording: Path, store: Path, meanwhile: Callable[[], None]) -> tuple[int, str]:
    """Analyse, and do something once the first chunk has been observed."""
    process = subprocess.Popen(
        [EMOREC, "analyze", recording, "--store", store, "--quiet"],
        env={**os.environ, **CHUNKS},
        stderr=subprocess.PIPE,
        text=True,
    )
    end_s = time.monotonic() + 300
    while not list(store.glob("work/*/chunk-*")):
        assert process.poll() is None
        assert time.monotonic() < end_s
        time.sleep(0.002)
    meanwhile()
    _, said = process.communicate(timeout=300)
    return process.returncode, said


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Long enough that something can happen meanwhile."""
    return write_clip(tmp_path / "lecture.mp4", seconds=60, fps=10, size=(640, 360))


def test_a_recording_that_vanishes_fails_and_stores_nothing(tmp_path: Path, recording: Path) -> None:
    store = tmp_path / "store"
    code, said = analysis(recording, store, recording.unlink)
    assert code == 1
    assert "vanished while it was analysed" in said or "there is no such file" in said
    assert Store(store).ids() == []


def test_a_recording_that_grows_fails_and_stores_nothing(tmp_path: Path, recording: Path) -> None:
    def grow() -> None:
        with recording.open("ab") as file:
            file.write(bytes(1000))

    store = tmp_path / "store"
    code, said = analysis(recording, store, grow)
    assert code == 1
    assert "changed while it was analysed" in said
    assert Store(store).ids() == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for a report and little more."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"a disk cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_leaves_nothing_half_written_and_the_work_goes_on_when_there_is_room(
    small_disk: Path, recording: Path
) -> None:
    store, filler = small_disk / "store", small_disk / "filler"

    def fill() -> None:
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))

    code, said = analysis(recording, store, fill)
    assert code == 1
    assert "No space left on device" in said
    assert len(said.splitlines()) == 1
    assert Store(store).ids() == []
    assert not [p for p in store.rglob(".*") if p.is_dir()]
    [work] = (store / "work").glob("*/")
    kept = {p.name: p.stat().st_ino for p in work.glob("chunk-*")}
    assert kept
    filler.unlink()
    # Most of what observe has seen is there already.
    again = run_emorec("analyze", recording, "--store", store, "--quiet", env=CHUNKS)
    assert again.code == 0, again.err
    assert len(Store(store).ids()) == 1
    assert not list((store / "work").glob("*/"))
