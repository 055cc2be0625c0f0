"""Chunks of one recording over real clusters of local processes, by Prefect's flow: the same tables."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Generic, TypeVar

import psutil
import pytest
from prefect_processes import END_SECONDS, START_SECONDS, Prefect, free_port, wait_for

from emorec import app, demo
from emorec.settings import Settings

TIMEOUT_S = 540
OWNER_ONLY = 0o077
"""What `emorec up` keeps is its owner's alone; so is what others put into its folder."""
# The flow in a process of its own, and a cluster of two more; each loads Prefect, which is what takes the time.
PROGRAM = """
import os
import sys
from contextlib import nullcontext

def main():
    from flows.analyze_session import analyze_session

    with dask() if os.environ["EMOREC_RUN__RUNNER"] == "dask" else nullcontext():
        state = analyze_session(sys.argv[1], store=sys.argv[2], return_state=True)
        print(state.type.value, state.message)

def dask():
    from distributed import LocalCluster

    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    os.environ["EMOREC_RUN__CLUSTER"] = cluster.scheduler_address
    return cluster

if __name__ == "__main__":
    main()
"""
Environment = dict[str, str]


def in_the_program(_: Environment) -> AbstractContextManager[Environment]:
    return nullcontext({})


def by_the_flow(_: Environment) -> AbstractContextManager[Environment]:
    return nullcontext({"EMOREC_RUN__WORKERS": "2"})


@contextmanager
def by_an_operator(env: Environment) -> Iterator[Environment]:
    """The head of a Ray cluster with two workers; gives what is said to those who use it."""
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex()}
    # On loopback only.
    alone = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
    port = free_port()
    options = ("--head", "--block", "--num-cpus=2", "--include-dashboard=false", "--disable-usage-stats")
    # Its sockets lie in there, and their paths must be short.
    with TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        places = (f"--port={free_port()}", f"--ray-client-server-port={port}", f"--temp-dir={folder}")
        log = Path(folder) / "head.log"
        with log.open("wb") as out:
            head = subprocess.Popen(
                [Path(sys.executable).with_name("ray"), "start", *options, *places],
                env={**env, **token, **alone},
                stdout=out,
                stderr=subprocess.STDOUT,
            )
            try:
                wait_for(lambda: listens(port), START_SECONDS, "the head of the cluster", log)
                yield {**token, "EMOREC_RUN__CLUSTER": f"ray://127.0.0.1:{port}"}
            finally:
                head.terminate()
                head.wait(2 * END_SECONDS)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Watched:
    """A process, and what it and all that it starts are seen to do while it runs."""

    def __init__(self, process: psutil.Popen) -> None:
        self.process = process
        self.addresses: set[str] = set()
        self.usage_stats: set[str | None] = set()

    def ended(self) -> bool:
        for one in [self.process, *self.process.children(recursive=True)]:
            try:
                self.addresses |= {it.laddr.ip for it in one.net_connections("inet") if it.status == psutil.CONN_LISTEN}
                if one.name() in {"gcs_server", "raylet"}:
                    self.usage_stats.add(one.environ().get("RAY_USAGE_STATS_ENABLED"))
            except psutil.Error:
                continue
        return self.process.poll() is not None

    def far(self) -> set[str]:
        """The addresses on which something listened to other machines."""
        parsed = {text: ip_address(text) for text in self.addresses}
        return {text for text, ip in parsed.items() if not (getattr(ip, "ipv4_mapped", None) or ip).is_loopback}


class WithoutAWorker(Watched):
    """As that; the first worker that is seen to observe a chunk is killed."""

    def __init__(self, process: psutil.Popen) -> None:
        super().__init__(process)
        self.killed: psutil.Process | None = None
        self.beside: psutil.Process | None = None

    def ended(self) -> bool:
        with suppress(psutil.Error):
            for one in self.process.children(recursive=True) if self.killed is None else ():
                # The flow's own process reads the recording first.
                if "emorec.isolation" in one.cmdline() and one.ppid() != self.process.pid:
                    self.killed, self.beside = one.parent(), one
                    self.killed.kill()
                    break
        return super().ended()


W = TypeVar("W", bound=Watched)


@dataclass(frozen=True)
class Spread(Generic[W]):
    """What came of a recording here, and over a cluster."""

    here: Path
    there: Path
    said: str
    watched: W

    def assert_same_tables(self) -> None:
        tables = sorted(path.name for path in self.here.glob("*.parquet"))
        assert tables
        for name in tables:
            assert (self.here / name).read_bytes() == (self.there / name).read_bytes(), name


def spread(
    prefect: Prefect,
    folder: Path,
    runner: str,
    started: Callable[[Environment], AbstractContextManager[Environment]],
    watched_by: Callable[[psutil.Popen], W],
) -> Spread[W]:
    """Analyse a short recording here, and by the flow over a cluster."""
    pytest.importorskip(f"prefect_{runner}", reason=f"needs the extra {runner}")
    recording = demo.compose(folder / "demo", 10).recording
    here = app.analyze(recording, settings=Settings.load(recording={"chunk_s": 5}), store=folder / "here")
    environment = {
        **prefect.env,
        "EMOREC_RUN__RUNNER": runner,
        "EMOREC_RECORDING__CHUNK_S": "5",
        # Otherwise they wait for whatever else the machine does.
        "RAY_worker_niceness": "0",
    }
    program, out, err = (folder / name for name in ("program.py", "out", "err"))
    program.write_text(PROGRAM)
    with started(environment) as more, out.open("wb") as stdout, err.open("wb") as stderr:
        command = [sys.executable, program, recording, folder / "there"]
        environment |= more
        with psutil.Popen(
            command, env=environment, umask=OWNER_ONLY, cwd=folder, stdout=stdout, stderr=stderr
        ) as process:
            watched = watched_by(process)
            try:
                wait_for(watched.ended, TIMEOUT_S, "the end of the flow", err)
            finally:
                if process.poll() is None:
                    process.terminate()
    there = folder / "there" / "sessions" / here.session
    return Spread(Path(here.folder), there, out.read_text() + err.read_text(), watched)


@pytest.mark.slow
@pytest.mark.timeout(2 * TIMEOUT_S)
@pytest.mark.parametrize(
    ("runner", "started", "usage_stats"),
    [("dask", in_the_program, set()), ("ray", by_the_flow, {"0"}), ("ray", by_an_operator, set())],
    ids=["dask", "ray started by the flow", "ray by its address"],
)
def test_a_recording_over_a_cluster_gives_the_same_tables(
    prefect: Prefect,
    tmp_path: Path,
    runner: str,
    started: Callable[[Environment], AbstractContextManager[Environment]],
    usage_stats: set[str | None],
) -> None:
    done = spread(prefect, tmp_path, runner, started, Watched)
    assert "COMPLETED" in done.said, done.said
    assert bool(done.watched.addresses) == (started is not by_an_operator)
    assert done.watched.far() == set()
    # Of a Ray that was started for the flow: it tells nobody of its use.
    assert done.watched.usage_stats == usage_stats
    # Each chunk was a task of the flow that spreads them.
    latest = {"flows": {"name": {"any_": ["observe-chunks"]}}, "sort": "START_TIME_DESC", "limit": 1}
    [spread_flow] = prefect.post("flow_runs/filter", latest)
    assert set(prefect.tasks(spread_flow["id"])) == {"chunk 0", "chunk 1"}, done.said
    done.assert_same_tables()


@pytest.mark.slow
@pytest.mark.timeout(2 * TIMEOUT_S)
def test_the_chunk_of_a_worker_that_was_killed_is_observed_by_another(prefect: Prefect, tmp_path: Path) -> None:
    done = spread(prefect, tmp_path, "dask", in_the_program, WithoutAWorker)
    assert done.watched.killed is not None, done.said
    assert "COMPLETED" in done.said, done.said
    assert not done.watched.killed.is_running()
    # What it had beside it has gone with it.
    assert not done.watched.beside.is_running()
    done.assert_same_tables()


HURRIED = """
import sys
from pathlib import Path

from prefect.task_runners import ThreadPoolTaskRunner

from emorec import app, pipeline, recording, runners
from emorec.settings import Settings
from flows import chunks

settings = Settings.load(recording={"chunk_s": 5}, run={"runner": "dask"}, limits={"max_run_h": 1e-6})
plan = pipeline.plan(recording.probe(Path(sys.argv[1]), settings.recording), sys.argv[2], settings)
chunks.CLUSTERS["dask"] = lambda run, scratch: ThreadPoolTaskRunner(max_workers=1)
try:
    chunks.spread(app.call, settings.run)("observe", runners.observe, plan, [0], print)
except Exception as error:
    print(error)
"""


def test_a_chunk_that_takes_more_than_the_limits_allow_fails_once(
    prefect: Prefect, long_clip: Path, tmp_path: Path
) -> None:
    command = (sys.executable, "-c", HURRIED, long_clip, tmp_path)
    done = subprocess.run(command, env=prefect.env, umask=OWNER_ONLY, capture_output=True, text=True, timeout=120)
    assert "long.mp4: takes longer than limits.max_run_h" in done.stdout, done.stderr
    latest = {"flows": {"name": {"any_": ["observe-chunks"]}}, "sort": "START_TIME_DESC", "limit": 1}
    [flow] = prefect.post("flow_runs/filter", latest)
    assert {name: task["run_count"] for name, task in prefect.tasks(flow["id"]).items()} == {"chunk 0": 1}
