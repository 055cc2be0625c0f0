"""Processes that are killed while a recording is analysed: nothing half-written, nothing lost, nothing twice."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
from prefect_processes import RUN_SECONDS, wait_for
from up_process import Up, started

from emorec.store import Store
from tests.clips import write_clip

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]

# The process of a run that is to read a recording of this name dies, as for want of memory.
DEADLY = """
import os, signal, sys
if "prefect.engine" in sys.orig_argv:
    import pathlib
    really_stat = pathlib.Path.stat
    def seen(path, *args, **kwargs):
        if str(path).endswith("deadly.mp4"):
            os.kill(os.getpid(), signal.SIGKILL)
        return really_stat(path, *args, **kwargs)
    pathlib.Path.stat = seen
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("site")


@pytest.fixture
def running(site: Path, tmp_path: Path) -> Iterator[Up]:
    """`emorec up`, started anew for each test in one and the same folder."""
    (tmp_path / "sitecustomize.py").write_text(DEADLY)
    with started(site, env={"PYTHONPATH": str(tmp_path), "EMOREC_RECORDING__RATE_HZ": "6"}) as up:
        yield up


def long_clip(folder: Path, seconds: float) -> Path:
    """Two minutes in chunks of five seconds, each length another recording."""
    return write_clip(folder / "long.mp4", seconds=seconds, fps=10, size=(640, 360))


def chunks(up: Up) -> dict[str, int]:
    """The chunks that have been observed, and what tells whether they were again."""
    found = {}
    for path in up.store.glob("work/*/chunk-*/record.json"):
        # They go while one looks, once the session is committed.
        with contextlib.suppress(FileNotFoundError):
            found[path.parent.name] = path.stat().st_ino
    return found


def begun(up: Up, least: int = 3) -> dict[str, int]:
    """Once some chunks have been observed."""
    return wait_for(lambda: chunks(up) if len(chunks(up)) >= least else None, RUN_SECONDS, "chunks")


class Repeats:
    """Notes which of the chunks that were there are observed again."""

    def __init__(self, up: Up, kept: dict[str, int]) -> None:
        self._up, self._kept = up, kept
        self.again: set[str] = set()

    def until_done(self, name: str) -> tuple[str, str]:
        def look() -> tuple[str, str] | None:
            now = chunks(self._up)
            self.again |= {chunk for chunk, inode in now.items() if self._kept.get(chunk, inode) != inode}
            for state in ("done", "failed"):
                note = self._up.folder(state) / f"{name}.{state}.txt"
                if note.exists():
                    return state, note.read_text()
            return None

        return wait_for(look, 2 * RUN_SECONDS, f"what becomes of {name}", self._up.home / "logs" / "runs.log")


def assert_whole(up: Up, name: str) -> None:
    """The recording is one session with a report, and nothing unfinished is left."""
    store = Store(up.store)
    of_it = [s for s in store.sessions() if s.metadata["recording"]["name"] == f"{name}.mp4"]
    assert [session.has_report for session in of_it] == [True]
    assert [p.name for p in (up.store / "sessions").iterdir() if p.name.startswith(".")] == []
    assert [p for p in (up.store / "work").glob("*/*") if p.is_dir()] == []
    assert len([p for p in up.folder("done").iterdir() if p.suffix == ".mp4" and p.name.startswith(name)]) == 1


def runs_of(up: Up, name: str) -> list[dict[str, object]]:
    return [
        run for run in up.prefect.post("flow_runs/filter", {}) if str(run["parameters"].get("recording")).endswith(name)
    ]


def test_a_run_that_is_killed_when_nine_tenths_are_done_repeats_none_of_them(running: Up, tmp_path: Path) -> None:
    running.drop(long_clip(tmp_path, 120), "killed.mp4")
    # Of 24 chunks of five seconds: what is lost is the one that was being observed.
    repeats = Repeats(running, begun(running, least=22))
    running.child("prefect.engine").kill()
    state, note = repeats.until_done("killed.mp4")
    assert state == "done", note
    assert repeats.again == set()
    assert len(runs_of(running, "killed.mp4")) == 1
    assert_whole(running, "killed")


def test_a_worker_that_is_killed_with_its_run_is_replaced(running: Up, tmp_path: Path) -> None:
    running.drop(long_clip(tmp_path, 121), "worker.mp4")
    repeats = Repeats(running, begun(running))
    for words in (("prefect", "worker", "start"), ("prefect.engine",), ("flows.work",)):
        running.child(*words).kill()
    state, note = repeats.until_done("worker.mp4")
    assert state == "done", note
    assert repeats.again == set()
    assert_whole(running, "worker")


def test_a_server_that_is_killed_comes_back_and_the_run_is_done(running: Up, tmp_path: Path) -> None:
    running.drop(long_clip(tmp_path, 122), "server.mp4")
    repeats = Repeats(running, begun(running))
    running.child("prefect", "server", "start").kill()
    state, note = repeats.until_done("server.mp4")
    assert state == "done", note
    assert repeats.again == set()
    assert_whole(running, "server")


def stop(up: Up) -> None:
    """Ctrl-C."""
    assert up.stop() == 0
    assert not (up.home / "up.json").exists()


def kill(up: Up) -> None:
    """The machine loses power, as far as its processes see."""
    family = [up.process, *up.process.children(recursive=True)]
    for process in family:
        os.kill(process.pid, signal.SIGKILL)
    psutil.wait_procs(family, timeout=60)


@pytest.mark.parametrize(
    ("end", "seconds"), [pytest.param(stop, 123, id="stopped"), pytest.param(kill, 124, id="killed")]
)
def test_ended_and_started_again_it_goes_on(
    site: Path, tmp_path: Path, end: Callable[[Up], None], seconds: float
) -> None:
    name, env = end.__name__, {"EMOREC_RECORDING__RATE_HZ": "6"}
    with started(site, env=env) as up:
        up.drop(long_clip(tmp_path, seconds), f"{name}.mp4")
        kept = begun(up)
        end(up)
    with started(site, env=env) as up:
        repeats = Repeats(up, kept)
        state, note = repeats.until_done(f"{name}.mp4")
        assert state == "done", note
        assert repeats.again == set()
        assert_whole(up, name)


def test_a_run_that_keeps_dying_fails_for_good_and_says_so(running: Up, tmp_path: Path) -> None:
    worker = running.home / "logs" / "worker.log"
    restarted = worker.read_text().count("was started again")
    running.drop(write_clip(tmp_path / "clip.mp4", seconds=4), "deadly.mp4")
    state, note = running.outcome("deadly.mp4")
    assert state == "failed"
    assert "ended 3 times without a result" in note
    [run] = runs_of(running, "deadly.mp4")
    states = running.prefect.get(f"flow_run_states/?flow_run_id={run['id']}")
    began = sorted(datetime.fromisoformat(s["timestamp"]) for s in states if s["type"] == "RUNNING")
    pauses_s = [(later - earlier).total_seconds() for earlier, later in pairwise(began)]
    assert len(pauses_s) == 2
    assert pauses_s[0] >= 30
    assert pauses_s[1] >= 60
    # Whatever else the worker does goes on.
    assert worker.read_text().count("was started again") == restarted


def test_two_runs_of_one_recording_give_one_session(running: Up, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", seconds=6)
    first = running.prefect.start("analyze-session/local", recording=clip)
    second = running.prefect.start("analyze-session/local", recording=clip)
    ended = [wait_for(lambda run=run: running.prefect.ended(run), RUN_SECONDS, "a run") for run in (first, second)]
    assert [run["state"]["type"] for run in ended] == ["COMPLETED", "COMPLETED"]
    assert len({run["state"]["message"] for run in ended}) == 1
