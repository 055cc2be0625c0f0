"""Prefect's processes, and how a test speaks to them.

Prefect runs in processes beside the tests and is spoken to by its command line and its HTTP interface only.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import URLError
from urllib.request import Request, urlopen

import psutil
import pytest

import flows

T = TypeVar("T")

START_SECONDS = 600
RUN_SECONDS = 600
END_SECONDS = 30
PREFECT_FILE = Path(flows.__path__[0]) / "prefect.yaml"


@dataclass(frozen=True)
class Prefect:
    """A server and a worker that runs what was deployed from the folder ``site``."""

    api: str
    env: dict[str, str]
    site: Path

    def command(self, *arguments: str) -> str:
        """What a command of Prefect's prints, run in ``site``."""
        done = subprocess.run(
            [sys.executable, "-m", "prefect", *arguments],
            cwd=self.site,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
        )
        assert done.returncode == 0, f"prefect {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def start(self, deployment: str, **parameters: str | Path) -> str:
        """Ask for a run as a user does; returns its id."""
        named = [f"--param={name}={value}" for name, value in parameters.items()]
        printed = self.command("deployment", "run", deployment, *named)
        return re.search(r"UUID: (\S+)", printed)[1]

    def run(self, deployment: str, **parameters: str | Path) -> dict[str, Any]:
        """Ask for a run and wait until it has ended."""
        flow_run = self.start(deployment, **parameters)
        return wait_for(lambda: self.ended(flow_run), RUN_SECONDS, f"the end of run {flow_run}")

    def ended(self, flow_run: str) -> dict[str, Any] | None:
        """A run, once it is in a state that it does not leave."""
        run = self.get(f"flow_runs/{flow_run}")
        return run if run["state"]["type"] in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"} else None

    def tasks(self, flow_run: str) -> dict[str, dict[str, Any]]:
        """The task runs of a run, by name."""
        return {task["name"]: task for task in self._of_run("task_runs", flow_run)}

    def artifacts(self, flow_run: str) -> dict[str, dict[str, Any]]:
        """The artifacts of a run, by kind."""
        return {artifact["type"]: artifact for artifact in self._of_run("artifacts", flow_run)}

    def logs(self, flow_run: str) -> str:
        """What a run has said."""
        found = self.post("logs/filter", {"logs": {"flow_run_id": {"any_": [flow_run]}}})
        return "\n".join(entry["message"] for entry in found)

    def get(self, path: str) -> Any:
        return self._ask(Request(f"{self.api}/{path}"))

    def post(self, path: str, content: dict[str, Any]) -> Any:
        headers = {"Content-Type": "application/json"}
        return self._ask(Request(f"{self.api}/{path}", json.dumps(content).encode(), headers))

    def _of_run(self, what: str, flow_run: str) -> list[dict[str, Any]]:
        return self.post(f"{what}/filter", {"flow_runs": {"id": {"any_": [flow_run]}}})

    def _ask(self, request: Request) -> Any:
        with urlopen(request, timeout=30) as answer:
            return json.load(answer)


def environment(home: Path, api: str) -> dict[str, str]:
    """This process's environment, with a Prefect of its own and without a telltale."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return env | {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": api,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        # Ten seconds otherwise, in which a test would only wait.
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        # Of a checkout that is not installed.
        "PYTHONPATH": os.pathsep.join([str(Path(flows.__path__[0]).parent), *filter(None, [env.get("PYTHONPATH")])]),
    }


@contextmanager
def process(arguments: tuple[str, ...], env: dict[str, str], home: Path) -> Iterator[None]:
    """A process of Prefect's, ended with the processes that it started, and no others."""
    with (home / f"{arguments[0]}.log").open("wb") as log:
        started = psutil.Popen(
            [sys.executable, "-m", "prefect", *arguments], cwd=home, env=env, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield
        finally:
            family = [started, *started.children(recursive=True)]
            started.terminate()
            _, left = psutil.wait_procs(family, timeout=END_SECONDS)
            for survivor in left:
                survivor.kill()
            psutil.wait_procs(left, timeout=END_SECONDS)


def wait_for(look: Callable[[], T | None], seconds: float, what: str, log: Path | None = None) -> T:
    """What ``look`` finds, as soon as it finds something."""
    end_s = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > end_s:
            told = log.read_text(errors="replace")[-4000:] if log else ""
            pytest.fail(f"waited {seconds:.0f} s for {what}\n{told}")
        time.sleep(0.25)
    return found


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, ConnectionError, TimeoutError):
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
