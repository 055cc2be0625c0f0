"""All that runs by itself on one machine: Prefect's server, a worker, the watcher, and the server of reports."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.error import URLError
from urllib.request import urlopen

import flows
from emorec import assets
from emorec.errors import ServiceError
from emorec.files import make_private
from flows.inbox import INBOX, Inbox
from flows.pages import LOOPBACK
from flows.processes import Part
from flows.work import POOL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emorec.settings import Settings

__all__ = ["PARTS", "Addresses", "alone", "answers", "environment", "free_port", "known_server", "run"]

PARTS: Final = ("server", "worker", "watcher", "pages")

START_S: Final = 300.0
STOP_S: Final = 20.0
LOOK_S: Final = 0.5

FOLDER: Final = Path(flows.__path__[0])


@dataclass(frozen=True)
class Addresses:
    """Where things are."""

    server: str
    pages: str
    metrics: str
    inbox: str
    store: str


def environment(settings: Settings, api: str) -> dict[str, str]:
    """What every part finds in its environment: one server, one home, no telemetry, logs as JSON."""
    operations = settings.operations
    home = operations.home.absolute()
    defaults = {
        # Seconds otherwise in which a recording that has arrived would only wait.
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        # A server that restarts is away for some seconds.
        "PREFECT_CLIENT_MAX_RETRIES": "8",
    }
    return (
        defaults
        | os.environ
        | {
            "PREFECT_HOME": str(home / "prefect"),
            "PREFECT_API_URL": api,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            # Events repeat names and parameters, and could not be deleted with their run.
            "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_ENABLED": "false",
            "PREFECT_LOGGING_SETTINGS_PATH": str(FOLDER / "logging.yml"),
            "PREFECT_LOGGING_COLORS": "false",
            "EMOREC_OPERATIONS__PAGES_URL": operations.pages_url or _url(operations.host, operations.pages_port),
            "EMOREC_STORE": settings.store if "://" in settings.store else str(Path(settings.store).absolute()),
            "PYTHONPATH": os.pathsep.join([str(FOLDER.parent), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "PYTHONUNBUFFERED": "1",
        }
    )


def known_server(settings: Settings) -> str | None:
    """The address of the server that runs belong to: that of the environment, or of an `emorec up` that runs here."""
    named = os.environ.get("PREFECT_API_URL")
    if named:
        return named
    try:
        api = str(json.loads(_state_path(settings).read_text())["api"])
    except (OSError, ValueError, KeyError):
        return None
    return api if answers(f"{api}/health") else None


def run(
    settings: Settings, parts: Sequence[str], say: Callable[[str], None], ready: Callable[[Addresses], None]
) -> None:
    """Run the parts until SIGINT or SIGTERM, then stop them.

    Args:
        parts: some of :data:`PARTS`; there is no server of ours where ``PREFECT_API_URL`` names one.
        say: told in a line what is being done.
        ready: told the addresses once everything runs.

    Raises:
        AssetError: a model file is missing that the worker's runs would need.
        ServiceError: another one runs in the same home, a port is taken, or a part cannot be kept running.
    """
    os.umask(0o077)
    operations = settings.operations
    home = operations.home.absolute()
    make_private(home / "logs")
    named = os.environ.get("PREFECT_API_URL")
    api = named or f"{_url(operations.host, operations.port)}/api"
    env = environment(settings, api)
    inbox = Inbox(operations.folder.absolute())
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    running: list[Part] = []

    def start(name: str, *command: str) -> None:
        part = Part(name, (sys.executable, "-m", *command), env, home / "logs" / f"{name}.log")
        part.start()
        running.append(part)

    if "worker" in parts:
        # Otherwise every recording would fail by them.
        assets.hashes(settings.assets, plates=settings.privacy.reads_plates)
    with alone(home):
        try:
            if "server" in parts and not named:
                _refuse_taken(operations.host, operations.port, "operations.port")
                say("starting Prefect's server")
                start("server", "prefect", "server", "start", "--host", operations.host, "--port", str(operations.port))
            if not _wait_for_server(api, running, stop):
                return
            _state_path(settings).write_text(json.dumps({"api": api, "pid": os.getpid()}))
            if "worker" in parts:
                _refuse_taken(operations.host, operations.metrics_port, "operations.metrics_port")
                say("deploying the flows")
                _deploy(env, home / "logs" / "deploy.log")
                _take_back_runs(env, own_server=not named)
                start("worker", "flows.work")
            if "watcher" in parts:
                inbox.create()
                start("watcher", "flows.watch_inbox")
            if "pages" in parts:
                _refuse_taken(operations.host, operations.pages_port, "operations.pages_port")
                start("pages", "flows.pages")
            ready(
                Addresses(
                    server=api.removesuffix("/api"),
                    pages=env["EMOREC_OPERATIONS__PAGES_URL"],
                    metrics=f"{_url(operations.host, operations.metrics_port)}/metrics",
                    inbox=str(inbox.folder / INBOX),
                    store=env["EMOREC_STORE"],
                )
            )
            while not stop.wait(LOOK_S):
                for part in running:
                    if part.keep():
                        say(f"{part.name} had ended and was started again; see {part.log}")
        finally:
            say("stopping")
            for part in reversed(running):
                part.stop(STOP_S)
            _state_path(settings).unlink(missing_ok=True)


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Hold a home for this process.

    Raises:
        ServiceError: another `emorec up` holds it.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(home / "up.lock", mode=0o600)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise ServiceError(f"emorec up runs already in {home}; stop that one, or set operations.home") from error
    try:
        yield
    finally:
        lock.release()


def _wait_for_server(api: str, running: list[Part], stop: threading.Event) -> bool:
    """Whether the server answers; not if it is to stop before."""
    end_s = time.monotonic() + START_S
    while not stop.wait(LOOK_S):
        if answers(f"{api}/health"):
            return True
        for part in running:
            part.keep()
        if time.monotonic() > end_s:
            raise ServiceError(f"no Prefect server answers at {api}; see its log, or PREFECT_API_URL")
    return False


def make_pool() -> None:
    """Make the work pool, if it is not there; by `prefect work-pool create` the server would ask the internet first."""
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists
    from prefect.workers.process import ProcessWorker

    from flows.runs import connected

    template = ProcessWorker.get_default_base_job_template()
    with connected() as runs, contextlib.suppress(ObjectAlreadyExists):
        runs.client.create_work_pool(WorkPoolCreate(name=POOL, type=ProcessWorker.type, base_job_template=template))


def _deploy(env: dict[str, str], log: Path) -> None:
    """Make the work pool and the deployments, or bring them up to date."""
    commands = (
        ("-c", "from flows.up import make_pool; make_pool()"),
        ("-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(FOLDER / "prefect.yaml")),
    )
    with log.open("wb") as file:
        for command in commands:
            done = subprocess.run(  # noqa: S603 — our own program, and Prefect's
                (sys.executable, *command), env=env, stdout=file, stderr=file, stdin=subprocess.DEVNULL
            )
            if done.returncode:
                raise ServiceError(f"the flows could not be deployed; see {log}")


def _take_back_runs(env: dict[str, str], own_server: bool) -> None:
    """Queue again what an `emorec up` that was killed left unfinished; nobody else works for a server of ours."""
    if not own_server:
        return
    program = (
        "from flows.runs import connected; from flows.keeper import hand_back\n"
        "with connected() as runs: hand_back(runs, [str(r.id) for r in runs.in_states('RUNNING', 'PENDING')])"
    )
    subprocess.run((sys.executable, "-c", program), env=env, check=False, stdin=subprocess.DEVNULL)  # noqa: S603


def _refuse_taken(host: str, port: int, setting: str) -> None:
    import socket

    try:
        with socket.create_server((host, port)):
            return
    except OSError as error:
        raise ServiceError(f"port {port} of {host} cannot be used ({error.strerror}); set {setting}") from error


def answers(url: str) -> bool:
    """Whether a server says that it is well."""
    try:
        with urlopen(url, timeout=5) as answer:  # noqa: S310 — an address of the settings
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def free_port(host: str) -> int:
    """A port that nobody listens on now."""
    import socket

    with socket.create_server((host, 0)) as probe:
        return int(probe.getsockname()[1])


def _url(host: str, port: int) -> str:
    shown = "127.0.0.1" if host in ("", "0.0.0.0") or host in LOOPBACK[1:] else host  # noqa: S104 — how it is reached
    return f"http://{shown}:{port}"


def _state_path(settings: Settings) -> Path:
    return settings.operations.home.absolute() / "up.json"
