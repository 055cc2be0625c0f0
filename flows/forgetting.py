"""Deletes sessions from outside of any run, with the server that knows of them or one for as long as it takes."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from emorec.errors import ServiceError

if TYPE_CHECKING:
    from emorec.settings import Settings
    from emorec.store import Store
    from flows.retention import Removed

__all__ = ["forget_sessions"]

START_S: Final = 120.0


def forget_sessions(settings: Settings, store: Store, sessions: list[str]) -> Removed:
    """Delete sessions with every trace.

    Raises:
        StoreError, ServiceError: see :func:`flows.retention.delete_everywhere`.
    """
    with _server(settings) as api:
        from prefect.settings import PREFECT_API_URL, temporary_settings

        from flows.retention import delete_everywhere

        with temporary_settings({PREFECT_API_URL: api} if api else {}):
            return delete_everywhere(settings, store, sessions, on_server=api is not None)


@contextmanager
def _server(settings: Settings) -> Iterator[str | None]:
    """The server that knows of this home's runs; None where there never was one."""
    from flows import up
    from flows.processes import Part

    api = up.known_server(settings)
    home = settings.operations.home.absolute()
    if api is not None or not (home / "prefect" / "prefect.db").exists():
        yield api
        return
    with up.alone(home):
        port = up.free_port(settings.operations.host)
        api = f"http://{settings.operations.host}:{port}/api"
        command = (sys.executable, "-m", "prefect", "server", "start", "--host", settings.operations.host)
        server = Part(
            "server", (*command, "--port", str(port)), up.environment(settings, api), home / "logs/server.log"
        )
        server.start()
        try:
            end_s = time.monotonic() + START_S
            while not up.answers(f"{api}/health"):
                if time.monotonic() > end_s or server.pid is None:
                    raise ServiceError(f"Prefect's server does not start ({server.last_words()}); see {server.log}")
                time.sleep(0.2)
            yield api
        finally:
            server.stop(20)
