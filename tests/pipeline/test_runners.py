"""Chunks observed by threads or processes: the same bytes, whatever runs them."""

from __future__ import annotations

import errno
import json
import multiprocessing
import multiprocessing.util
import shutil
import signal
import subprocess
import time
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emorec import demo, pipeline, recording, runners
from emorec.errors import EmorecError, SettingsError
from emorec.pipeline import Plan
from emorec.settings import Settings
from emorec.types import Progress
from emorec.workfolder import WorkFolder
from tests.commands import EMOREC, run_emorec

SECONDS, CHUNK_S = 12, 5


@pytest.fixture(scope="module")
def short_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo.compose(tmp_path_factory.mktemp("short"), SECONDS).recording


def planned(media: Path, store: Path, **run: Any) -> Plan:
    settings = Settings.load(recording={"chunk_s": CHUNK_S}, run=run)
    return pipeline.plan(recording.probe(media, settings.recording), str(store), settings)


def observed(plan: Plan, progress: list[Progress] | None = None) -> dict[str, bytes]:
    """All that was seen, file by file."""
    runners.observe(plan, range(len(plan.chunks)), None if progress is None else progress.append)
    folder = pipeline.work_folder(plan.info, plan.store, plan.settings).path
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.glob("*/*.parquet"))}


@pytest.fixture(scope="module")
def one_by_one(short_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    plan = planned(short_demo, tmp_path_factory.mktemp("one"))
    assert len(plan.chunks) > 1
    return observed(plan)


@pytest.mark.parametrize("run", [{"runner": "threads", "workers": 2}, {"runner": "processes", "workers": 2}], ids=str)
def test_the_tables_are_the_same_bytes(
    run: dict[str, Any], short_demo: Path, one_by_one: dict[str, bytes], tmp_path: Path
) -> None:
    told: list[Progress] = []
    plan = planned(short_demo, tmp_path, **run)
    assert observed(plan, told) == one_by_one
    assert len(told) == len(plan.chunks)
    assert told[-1].done_s == pytest.approx(plan.info.duration_s)


def test_a_worker_that_is_killed_is_one_line_and_the_next_run_does_the_rest(
    short_demo: Path, one_by_one: dict[str, bytes], tmp_path: Path
) -> None:
    plan = planned(short_demo, tmp_path, runner="processes", workers=1)

    def kill(_: Progress) -> None:
        for worker in multiprocessing.active_children():
            worker.kill()

    with pytest.raises(EmorecError, match="finished chunks are kept"):
        runners.observe(plan, range(len(plan.chunks)), kill)
    assert multiprocessing.active_children() == []
    missing = pipeline.missing_chunks(plan, range(len(plan.chunks)))
    assert 0 < len(missing) < len(plan.chunks)
    assert observed(plan) == one_by_one


def test_a_worker_that_the_system_does_not_start_is_said_by_the_systems_own_words(
    short_demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    plan = planned(short_demo, tmp_path, runner="processes", workers=2)
    resource_tracker.ensure_running()
    monkeypatch.setattr(multiprocessing.util, "spawnv_passfds", refuse)
    with pytest.raises(BlockingIOError, match="temporarily unavailable"):
        runners.observe(plan, range(len(plan.chunks)))
    assert multiprocessing.active_children() == []


def test_a_worker_that_outlived_its_run_gives_a_run_with_other_settings_nothing(
    short_demo: Path, tmp_path: Path
) -> None:
    def plan(emotions: bool) -> Plan:
        settings = Settings.load(recording={"chunk_s": CHUNK_S}, privacy={"emotions": emotions})
        return pipeline.plan(recording.probe(short_demo, settings.recording), str(tmp_path), settings)

    before, now = plan(False), plan(True)
    pipeline.observe_chunk(before, 0)
    assert pipeline.missing_chunks(now, [0]) == [0]
    pipeline.observe_chunk(now, 0)
    faces = pipeline.work_folder(now.info, now.store, now.settings).read([0])[0].faces
    assert np.isfinite(faces.emotions).any()


@pytest.mark.parametrize("runner", ["dask", "ray"])
def test_a_cluster_is_refused_outside_the_flow(short_demo: Path, tmp_path: Path, runner: str) -> None:
    with pytest.raises(SettingsError, match=f'"{runner}" is for the flow analyze-session; .* "threads" or "processes"'):
        observed(planned(short_demo, tmp_path, runner=runner))


def test_the_command_says_in_a_line_that_a_cluster_is_for_the_flow(short_demo: Path, tmp_path: Path) -> None:
    done = run_emorec("analyze", short_demo, "--store", tmp_path, "--quiet", env={"EMOREC_RUN__RUNNER": "ray"})
    assert done.code != 0
    assert 'run.runner "ray" is for the flow analyze-session' in done.err
    assert "Traceback" not in done.err


@pytest.mark.slow
def test_several_recordings_are_analysed_by_several_workers(short_demo: Path, tmp_path: Path) -> None:
    other = another(short_demo, tmp_path)
    arguments = ("--runner", "processes", "--workers", "2", "--json", "--quiet")
    done = run_emorec("analyze", short_demo, other, tmp_path / "missing.mp4", "--store", tmp_path / "store", *arguments)
    assert done.code == 1
    assert "missing.mp4" in done.err
    results = [json.loads(line) for line in done.out.splitlines()]
    assert len({result["session"] for result in results}) == 2
    assert {result["participants"] for result in results} == {results[0]["participants"]}


def another(recording: Path, folder: Path) -> Path:
    """Another recording by content, with the same pictures."""
    other = folder / "other.mp4"
    shutil.copy(recording, other)
    with other.open("ab") as file:
        file.write(bytes.fromhex("00000008") + b"free")
    return other


def test_ctrl_c_ends_several_recordings_of_which_one_waits_for_another_process(
    short_demo: Path, tmp_path: Path
) -> None:
    other, store = another(short_demo, tmp_path), tmp_path / "store"
    held = WorkFolder(store, recording.probe(short_demo, Settings.load().recording).sha256)
    with held.locked():
        running = subprocess.Popen(
            [EMOREC, "analyze", short_demo, other, "--store", store, "--runner", "processes", "--workers", "2"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Tests that run in the background of a shell would pass on that they ignore it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        try:
            # Both have been looked at by the time that one has its work laid out.
            while not list(store.glob("work/*/fingerprint")):
                assert running.poll() is None, running.communicate()
                time.sleep(0.05)
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=30)
        finally:
            running.kill()
    assert running.returncode == 130
    assert out == ""
    assert err == "emorec: stopped; the same command goes on where it was\n"
