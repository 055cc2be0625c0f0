"""A machine's worker: Prefect's own, started anew when it dies, with figures for Prometheus and an eye on lost runs."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time

from emorec.errors import ServiceError

__all__ = ["POOL", "main"]

log = logging.getLogger("emorec.worker")

POOL = "emorec"
LOOK_S = 2.0
PREFETCH_S = 1
"""How long before its time a run is taken, s. Prefect's worker dies of a run that comes back while it is not done with
that run's last process, which takes seconds on a busy machine: the keeper's pause is to be as long as it says."""


def main() -> int:
    """Work until told to end; for a process of its own."""
    from emorec.settings import Settings
    from flows import alive, metrics
    from flows.keeper import Keeper, hand_back
    from flows.logs import log_as_json
    from flows.processes import Part
    from flows.runs import connected

    log_as_json()
    settings = Settings.load().operations
    home = settings.home.absolute()
    metrics.serve(home, settings.host, settings.metrics_port)
    name = f"{socket.gethostname()} {os.getpid()}"
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process", "--name", name]
    command += ["--work-queue", settings.queue, "--limit", str(settings.workers)]
    command += ["--prefetch-seconds", str(PREFETCH_S)]
    worker = Part("the worker", command, os.environ, home / "logs" / "runs.log")
    keeper = Keeper(home, settings.max_crashes)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    worker.start()
    try:
        while not stop.wait(LOOK_S):
            if worker.keep():
                log.warning("the worker had ended and was started again")
            try:
                with connected() as runs:
                    keeper.look(runs, time.monotonic())
            except Exception as error:
                log.warning("the server does not answer: %s: %s", type(error).__name__, error)
    except ServiceError as error:
        log.error("%s", error)
        return 1
    finally:
        # Whatever a run was doing is kept in its work folder; the next worker goes on there.
        stopped = alive.living(home)
        worker.kill_family()
        if stopped:
            try:
                with connected() as runs:
                    hand_back(runs, stopped)
                for run in stopped:
                    alive.forget(home, run)
            except Exception as error:
                log.warning("runs could not be handed back: %s", error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
