"""Chunks of one recording over real clusters of local processes, by Prefect's flow: the same tables."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest
from prefect_processes import END_SECONDS, START_SECONDS, Prefect, free_port, wait_for

from emorec import app, demo
from emorec.settings import Settings

TIMEOUT_S = 540
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
    pytest.importorskip(f"prefect_{runner}", reason=f"needs the extra {runner}")
    recording = demo.compose(tmp_path / "demo", 10).recording
    here = app.analyze(recording, settings=Settings.load(recording={"chunk_s": 5}), store=tmp_path / "here")
    environment = {
        **prefect.env,
        "EMOREC_RUN__RUNNER": runner,
        "EMOREC_RECORDING__CHUNK_S": "5",
        # Otherwise they wait for whatever else the machine does.
        "RAY_worker_niceness": "0",
    }
    program, out, err = (tmp_path / name for name in ("program.py", "out", "err"))
    program.write_text(PROGRAM)
    with started(environment) as more, out.open("wb") as stdout, err.open("wb") as stderr:
        command = [sys.executable, program, recording, tmp_path / "there"]
        with psutil.Popen(command, env={**environment, **more}, cwd=tmp_path, stdout=stdout, stderr=stderr) as process:
            watched = Watched(process)
            try:
                wait_for(watched.ended, TIMEOUT_S, "the end of the flow", err)
            finally:
                if process.poll() is None:
                    process.terminate()
    said = out.read_text() + err.read_text()
    assert "COMPLETED" in said, said
    assert bool(watched.addresses) == (started is not by_an_operator)
    assert watched.far() == set()
    # Of a Ray that was started for the flow: it tells nobody of its use.
    assert watched.usage_stats == usage_stats
    # Each chunk was a task of the flow that spreads them.
    latest = {"flows": {"name": {"any_": ["observe-chunks"]}}, "sort": "START_TIME_DESC", "limit": 1}
    [spread] = prefect.post("flow_runs/filter", latest)
    assert set(prefect.tasks(spread["id"])) == {"chunk 0", "chunk 1"}, said
    one, other = Path(here.folder), tmp_path / "there" / "sessions" / here.session
    tables = sorted(path.name for path in one.glob("*.parquet"))
    assert tables
    for name in tables:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
