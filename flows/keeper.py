"""Sees that no run is lost: one whose process died goes on after a pause, and one that keeps dying fails for good."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flows import alive

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun, State

    from flows.runs import Runs

__all__ = ["Keeper", "deaths_among", "hand_back"]

log = logging.getLogger("emorec.keeper")

PAUSES_S: Final = (30, 60, 300)
"""Growing pauses before a run that died begins again. Prefect's worker has to be done with the dead one by then, or it
dies as well: on a machine with six times more work than cores it took 18 s."""

GRACE_S: Final = 5.0
"""How long the worker has to say of a run's process that it died, before the keeper does."""

LONGEST_START: Final = timedelta(minutes=10)
"""A run that a worker took and that has not begun by then never will: the worker died."""


class Keeper:
    """Looks at the runs of one server, and at the processes of one machine."""

    def __init__(self, home: Path, max_crashes: int) -> None:
        self._home, self._max_crashes = home, max_crashes
        self._dead_since: dict[str, float] = {}

    def look(self, runs: Runs, now_s: float) -> None:
        """Look once; ``now_s`` of any clock that never goes back."""
        self._notice_deaths(runs, now_s)
        for run in runs.in_states("CRASHED"):
            self._revive(runs, run)

    def _notice_deaths(self, runs: Runs, now_s: float) -> None:
        from prefect.states import Crashed

        dead = alive.with_dead_process(self._home)
        self._dead_since = {run: self._dead_since.get(run, now_s) for run in dead}
        known = runs.get(dead)
        for run, attempt in dead.items():
            # A run that waits, or is worked on for another time, has got over this death already.
            lost = run in known and known[run].state in {"RUNNING", "CANCELLING"} and known[run].attempt <= attempt
            if lost and now_s - self._dead_since[run] < GRACE_S:
                continue
            if lost:
                runs.set_state(run, Crashed(message="its process died"))
            alive.forget(self._home, run)
        late = datetime.now(UTC) - LONGEST_START
        for pending in runs.in_states("PENDING"):
            if pending.state is not None and pending.state.timestamp < late:
                runs.set_state(str(pending.id), Crashed(message="its worker died before it began"))

    def _revive(self, runs: Runs, run: FlowRun) -> None:
        from prefect.states import AwaitingRetry, Failed

        deaths = deaths_among(runs.client.read_flow_run_states(run.id))
        if len(deaths) >= self._max_crashes:
            why = deaths[-1].message or "its process died"
            message = f"ended {len(deaths)} times without a result ({why}); it is not tried again"
            log.error("run %s %s", run.name, message, extra={"run": str(run.id)})
            runs.set_state(str(run.id), Failed(message=message))
            return
        pause_s = PAUSES_S[min(len(deaths), len(PAUSES_S)) - 1] if deaths else PAUSES_S[0]
        log.warning("run %s died; it goes on in %d s", run.name, pause_s, extra={"run": str(run.id)})
        when = datetime.now(UTC) + timedelta(seconds=pause_s)
        runs.set_state(str(run.id), AwaitingRetry(scheduled_time=when, message="its process died"))


def deaths_among(states: Sequence[State[Any]]) -> list[State[Any]]:
    """The states of a run that tell of its deaths, each once.

    Prefect's worker tells of a death twice, and on a busy machine seconds apart: the second time the run may wait for
    its next attempt already.
    """
    deaths = []
    for before, state in pairwise(sorted(states, key=lambda state: state.timestamp)):
        due = before.state_details.scheduled_time if before.is_scheduled() else None
        told_before = before.is_crashed() or (due is not None and state.timestamp < due)
        if state.is_crashed() and not told_before:
            deaths.append(state)
    return deaths


def hand_back(runs: Runs, ids: list[str]) -> None:
    """Put runs that were stopped with their worker back into the queue; it is no fault of theirs."""
    from prefect.states import AwaitingRetry

    known = runs.get(ids)
    for run in ids:
        if run in known and known[run].state in {"RUNNING", "PENDING", "CRASHED"}:
            runs.set_state(run, AwaitingRetry(message="stopped with its worker; goes on with the next"))
