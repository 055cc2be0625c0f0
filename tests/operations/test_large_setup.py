"""The larger set-up as processes on loopback: PostgreSQL, S3, a server, two workers, a watcher, a queue for GPUs."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from prefect_processes import (
    RUN_SECONDS,
    START_SECONDS,
    Prefect,
    answers,
    environment,
    free_port,
    process,
    wait_for,
)
from up_process import Up, started

from tests.clips import write_clip

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]

AWAY_S = 60
"""How long the database is away."""


@dataclass
class Postgres:
    """A PostgreSQL of our own; it does not run as root."""

    binaries: Path
    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"postgresql+asyncpg://postgres@127.0.0.1:{self.port}/postgres"

    def _run(self, *command: str | Path) -> None:
        user = {"user": "postgres"} if os.geteuid() == 0 else {}
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=300, **user)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"

    def create(self) -> None:
        self._run(self.binaries / "initdb", "-D", self.folder, "-U", "postgres", "-A", "trust", "--no-sync")

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        log = self.folder / "server.log"
        self._run(self.binaries / "pg_ctl", "-D", self.folder, "-l", log, "-w", "-t", "120", "-o", options, "start")

    def stop(self) -> None:
        self._run(self.binaries / "pg_ctl", "-D", self.folder, "-m", "immediate", "-w", "stop")


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [
        Path(p).parent for p in filter(None, [shutil.which("initdb")])
    ]
    if not found:
        pytest.skip("no PostgreSQL (Debian: apt-get install postgresql)")
    # Not below pytest's folders, which are root's own.
    folder = Path(
        subprocess.run(["mktemp", "-d", "/tmp/emorec-pg-XXXXXX"], capture_output=True, text=True).stdout.strip()
    )
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    database = Postgres(found[-1], folder, free_port())
    database.create()
    database.start()
    yield database
    database.stop()
    shutil.rmtree(folder)


@contextmanager
def storage(home: Path) -> Iterator[dict[str, str]]:
    """An S3 server with a bucket, and what the environment says of it."""
    import boto3

    port = free_port()
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    env = {**keys, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    server = Path(shutil.which("moto_server") or Path(os.sys.executable).with_name("moto_server"))
    with (home / "s3.log").open("wb") as log:
        started = subprocess.Popen([server, "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=log)
        try:
            wait_for(lambda: answers(env["AWS_ENDPOINT_URL"]), START_SECONDS, "S3", home / "s3.log")
            client = boto3.client(
                "s3",
                endpoint_url=env["AWS_ENDPOINT_URL"],
                aws_access_key_id="test",
                aws_secret_access_key="test",
                region_name="us-east-1",
            )
            client.create_bucket(Bucket="emorec")
            yield env
        finally:
            started.terminate()
            started.wait(60)


@dataclass
class Setup:
    """Everything, running: ``front`` has watcher and pages, ``workers`` a worker each."""

    prefect: Prefect
    postgres: Postgres
    front: Up
    workers: list[Up]
    env: dict[str, str]

    def sessions(self) -> list[str]:
        import s3fs

        fs = s3fs.S3FileSystem(
            key="test",
            secret="test",
            endpoint_url=self.env["AWS_ENDPOINT_URL"],
            use_listings_cache=False,
            skip_instance_cache=True,
        )
        return sorted(path.rsplit("/", 2)[-2] for path in fs.glob("emorec/store/sessions/*/session.json"))


@pytest.fixture(scope="module")
def setup(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setup]:
    home = tmp_path_factory.mktemp("large")
    port = free_port()
    api = f"http://127.0.0.1:{port}/api"
    env = environment(home / "prefect", api)
    database = {
        "PREFECT_API_DATABASE_CONNECTION_URL": postgres.url,
        "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_ENABLED": "false",
    }
    with ExitStack() as stack:
        s3 = stack.enter_context(storage(home))
        command = ("server", "start", "--host", "127.0.0.1", "--port", str(port))
        stack.enter_context(process(command, {**env, **database}, home))
        wait_for(lambda: answers(f"{api}/health"), START_SECONDS, "the server", home / "server.log")
        shared = {**s3, "PREFECT_API_URL": api, "EMOREC_STORE": "s3://emorec/store"}

        def site(name: str, parts: str, **more: str) -> Up:
            folder = home / name
            folder.mkdir()
            own = {**shared, "EMOREC_WORK": str(folder / "work"), **more}
            return stack.enter_context(started(folder, "--parts", parts, env=own))

        workers = [site("worker-1", "worker"), site("worker-2", "worker")]
        workers.append(site("gpu", "worker", EMOREC_OPERATIONS__QUEUE="gpu", EMOREC_OPERATIONS__WORKERS="2"))
        front = site("front", "watcher,pages")
        yield Setup(Prefect(api, env, front.site), postgres, front, workers, s3)


def test_recordings_become_sessions_in_s3_by_workers_that_share_a_server(setup: Setup, tmp_path: Path) -> None:
    names = [f"lecture {n}.mp4" for n in range(3)]
    for number, name in enumerate(names):
        setup.front.drop(write_clip(tmp_path / name, seconds=3 + number), name)
    for name in names:
        state, note = setup.front.outcome(name)
        assert state == "done", note
        assert "s3://emorec/store/sessions/" in note
    assert len(setup.sessions()) == 3
    from up_process import fetch

    assert "<html" in fetch(f"{setup.front.pages}/sessions/{setup.sessions()[0]}/report.html")


def test_a_queue_for_gpus_runs_one_at_a_time(setup: Setup, tmp_path: Path) -> None:
    setup.prefect.command("work-queue", "set-concurrency-limit", "gpu", "1", "--pool", "emorec")
    clips = [write_clip(tmp_path / f"{n}.mp4", seconds=5 + n / 5) for n in range(2)]
    ids = [setup.prefect.start("analyze-session/gpu", recording=clip) for clip in clips]
    runs = [wait_for(lambda run=run: setup.prefect.ended(run), RUN_SECONDS, "a run") for run in ids]
    assert [run["state"]["type"] for run in runs] == ["COMPLETED"] * 2
    assert {run["work_queue_name"] for run in runs} == {"gpu"}
    first, second = sorted(runs, key=lambda run: run["start_time"])
    assert first["end_time"] <= second["start_time"]


def test_a_database_that_is_away_for_a_minute_costs_a_minute(setup: Setup, tmp_path: Path) -> None:
    before = setup.sessions()
    clip = write_clip(tmp_path / "clip.mp4", seconds=150, fps=10, size=(640, 360))
    setup.front.drop(clip, "meanwhile.mp4")
    wait_for(lambda: list(setup.front.site.parent.glob("worker-*/work/work/*/chunk-*")), RUN_SECONDS, "a chunk")
    setup.postgres.stop()
    time.sleep(AWAY_S)
    setup.postgres.start()
    state, note = setup.front.outcome("meanwhile.mp4")
    assert state == "done", note
    assert len(setup.sessions()) == len(before) + 1
