"""The flow ``retention``: deletes what has been kept for as long as the settings say, with every trace.

Its own logs name nothing that it deletes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from prefect import flow
from prefect.logging import get_run_logger
from prefect.states import Completed

from emorec import app, pages, removal
from emorec.store import Store
from flows import forget
from flows.runs import connected

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

    from emorec.settings import Settings

__all__ = ["Removed", "delete_everywhere", "retention"]


@dataclass
class Removed:
    """What was deleted."""

    sessions: list[str] = field(default_factory=list)
    runs: int = 0


def delete_everywhere(settings: Settings, store: Store, sessions: list[str], on_server: bool) -> Removed:
    """Delete sessions with every trace: on Prefect's server first, so that what fails is found again by the next try.

    Args:
        on_server: whether there is a server; the one that ``PREFECT_API_URL`` names.

    Raises:
        StoreError: there is no session of one of these ids.
        ServiceError: the server cannot forget it.
    """
    removed = Removed()
    traces = []
    for session in sessions:
        known = forget.traces_of(store.open(session)) if store.exists(session) else forget.Traces(session)
        traces.append(known)
        if on_server:
            with connected() as runs:
                removed.runs += forget.forget_on_server(runs, known)
        removal.delete_session(settings, store, session)
        removed.sessions.append(session)
    forget.forget_locally(settings, traces)
    if on_server:
        forget.scrub(settings.operations.home.absolute() / "prefect" / "prefect.db")
    if pages.page_names(store):
        app.update_index(store.root, settings.report.language, theme=settings.report.theme)
    return removed


@flow(name="retention", persist_result=False)
def retention() -> State[Any]:
    """Delete sessions, unfinished work, faces to be labelled and runs that have been kept for long enough."""
    from emorec.settings import Settings

    log, settings = get_run_logger(), Settings.load()
    store, limits = Store(settings.store), settings.retention
    expired = removal.expire_work(settings, store, limits.work_days)
    faces = removal.expire_faces(settings, store.root)
    sessions: list[str] = []
    if limits.keep_days is not None:
        sessions = [session.id for session in removal.older_than(store, limits.keep_days)]
    removed = delete_everywhere(settings, store, sessions, on_server=True)
    old = 0
    if limits.runs_days is not None:
        with connected() as runs:
            ids = forget.old_runs(runs, datetime.now(UTC) - timedelta(days=limits.runs_days))
            forget.delete_runs(runs, ids)
            old = len(ids)
    said = (
        f"deleted {len(removed.sessions)} sessions with {removed.runs} runs, unfinished work on {len(expired)} "
        f"recordings, faces to be labelled of {len(faces)}, and {old} old runs"
    )
    log.info("%s", said)
    return Completed(message=said)
