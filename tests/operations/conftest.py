"""A real Prefect server and a real worker, on loopback and in folders of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from prefect_processes import PREFECT_FILE, START_SECONDS, Prefect, answers, environment, free_port, process, wait_for


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    """Server, work pool, worker and deployments, started by the commands that docs/deploy.md gives."""
    home = tmp_path_factory.mktemp("prefect")
    site = tmp_path_factory.mktemp("site")
    port = free_port()
    api = f"http://127.0.0.1:{port}/api"
    running = Prefect(api, environment(home, api), site)
    with ExitStack() as processes:
        server = ("server", "start", "--host", "127.0.0.1", "--port", str(port))
        processes.enter_context(process(server, running.env, home))
        wait_for(lambda: answers(f"{api}/health"), START_SECONDS, "the server", home / "server.log")
        running.command("work-pool", "create", "emorec", "--type", "process")
        processes.enter_context(process(("worker", "start", "--pool", "emorec"), running.env, home))
        running.command("deploy", "--all", "--prefect-file", str(PREFECT_FILE))
        yield running
