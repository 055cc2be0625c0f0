"""What emorec asks of Prefect's server, and what it reads there of the runs of ``analyze-session``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

from emorec.errors import ServiceError

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun, State

T = TypeVar("T")

__all__ = ["ANALYZE", "FINAL", "Run", "Runs", "connected", "session_tag"]

ANALYZE: Final = "analyze-session/local"
"""The deployment that recordings are sent to."""

FINAL: Final = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})
"""Types of states that a run does not leave by itself."""

CRASHED: Final = "CRASHED"

PAGE: Final = 200
"""The most runs that a server gives in one answer."""


TRIES: Final = 3
"""How often a request is made again at most, after 2, 4 and 8 s: whoever looks at runs looks again soon anyhow."""


def batched(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items, so many at a time."""
    return (items[at : at + size] for at in range(0, len(items), size))


def session_tag(session: str) -> str:
    """The tag of every run that works on a session's recording."""
    return f"session:{session}"


@dataclass(frozen=True)
class Run:
    """A run as far as emorec cares: its state's type (``COMPLETED``, ``RUNNING``, …), what that says, and which attempt
    it is."""

    id: str
    state: str
    message: str
    attempt: int = 1

    @property
    def ended(self) -> bool:
        """Whether it has come to an end that is not its process's death, which is not the last word."""
        return self.state in FINAL and self.state != CRASHED


class Runs:
    """The runs of one server; use :func:`connected`."""

    def __init__(self, client: SyncPrefectClient) -> None:
        self.client = client

    def get(self, ids: Iterable[str]) -> dict[str, Run]:
        """Those of these runs that the server knows, by id."""
        from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

        found: dict[str, Run] = {}
        for some in batched(sorted(set(ids)), PAGE):
            wanted = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(run) for run in some]))
            found |= {str(run.id): _run(run) for run in self.client.read_flow_runs(flow_run_filter=wanted)}
        return found

    def of_session(self, session: str) -> list[Run]:
        """Every run that works or worked on a session's recording."""
        from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags

        wanted = FlowRunFilter(tags=FlowRunFilterTags(all_=[session_tag(session)]))
        return [_run(found) for found in self.client.read_flow_runs(flow_run_filter=wanted)]

    def send(self, session: str, parameters: dict[str, Any]) -> Run:
        """Have a recording analysed; if a run of it has not ended, or somebody sends it at the same time, it is that.

        Args:
            session: the id that the recording's session has or will have.
            parameters: of the flow.
        """
        earlier = self.of_session(session)
        for run in earlier:
            if not run.ended:
                return run
        deployment = self.client.read_deployment_by_name(ANALYZE)
        # The server makes one run of all requests with the same key.
        key = f"{session}-{len(earlier)}"
        found = self.client.create_flow_run_from_deployment(
            deployment.id, parameters=parameters, tags=[session_tag(session)], idempotency_key=key
        )
        return _run(found)

    def set_state(self, run: str, state: State[Any]) -> None:
        """Put a run into a state, whatever it is in."""
        self.client.set_flow_run_state(UUID(run), state, force=True)

    def add_tag(self, run: str, tag: str) -> None:
        """Mark a run."""
        tags = {*self.client.read_flow_run(UUID(run)).tags, tag}
        self.client.update_flow_run(UUID(run), tags=sorted(tags))

    def in_states(self, *types: str) -> list[FlowRun]:
        """The runs of emorec's deployments in states of these types, the oldest first."""
        from prefect.client.schemas.filters import (
            FlowRunFilter,
            FlowRunFilterState,
            FlowRunFilterStateType,
            WorkPoolFilter,
            WorkPoolFilterName,
        )
        from prefect.client.schemas.objects import StateType
        from prefect.client.schemas.sorting import FlowRunSort

        wanted = FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType(t) for t in types]))
        )
        pool = WorkPoolFilter(name=WorkPoolFilterName(any_=["emorec"]))
        return self.client.read_flow_runs(
            flow_run_filter=wanted, work_pool_filter=pool, sort=FlowRunSort.EXPECTED_START_TIME_ASC
        )

    def waits_s(self, now: datetime) -> list[float]:
        """How long each run has waited that is due and that no worker has taken, s; what is planned for later waits for
        its time."""
        due = (run.expected_start_time for run in self.in_states("SCHEDULED"))
        return [(now - start).total_seconds() for start in due if start is not None and start <= now]


@contextmanager
def connected() -> Iterator[Runs]:
    """The server that ``PREFECT_API_URL`` names.

    Raises:
        ServiceError: it names none; Prefect would start one of its own for the occasion, which knows of no run.
    """
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, get_current_settings, temporary_settings

    settings = get_current_settings()
    if not settings.api.url:
        raise ServiceError("PREFECT_API_URL names no server; `emorec up` starts one")
    tries = min(TRIES, settings.client.max_retries)
    with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: tries}), get_client(sync_client=True) as client:
        yield Runs(client)


def _run(found: FlowRun) -> Run:
    state = found.state
    return Run(
        str(found.id), state.type.value if state else "", (state.message or "") if state else "", found.run_count
    )
