"""Removes what the operation of emorec keeps of a session: runs, logs and artifacts on Prefect's server, lines of logs,
and the texts beside recordings in the watched folder. Recordings stay where they are."""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from emorec.errors import ServiceError
from flows.inbox import DONE, FAILED, Inbox, is_note
from flows.runs import PAGE, Runs, batched, session_tag

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client.schemas.objects import FlowRun

    from emorec.settings import Settings
    from emorec.store import Session

__all__ = ["Traces", "delete_runs", "forget_locally", "forget_on_server", "old_runs", "scrub", "traces_of"]

log = logging.getLogger("emorec.forget")

LOGS_S: Final = 30.0
"""The server deletes a run's logs after it has said that the run is deleted."""

SCRUB_TRIES: Final = 20

SHORTEST_NAME_BYTES: Final = 4
"""Shorter names of recordings are not looked for in logs: they are part of too many words."""


@dataclass(frozen=True)
class Traces:
    """What tells of a session: its id, and where its recording was when it was analysed, as far as that is known."""

    session: str
    path: str = ""

    @property
    def terms(self) -> list[bytes]:
        """The bytes that give it away in a log, the longest first."""
        name = Path(self.path).name
        texts = [self.session, self.path, name if len(name.encode()) >= SHORTEST_NAME_BYTES else ""]
        forms = {
            form
            for text in texts
            if text
            for form in (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
        }
        return sorted((form.encode("utf-8", "replace") for form in forms), key=len, reverse=True)


def traces_of(session: Session) -> Traces:
    """What tells of a session that is in the store."""
    return Traces(session.id, str(session.metadata["recording"]["path"]))


def forget_on_server(runs: Runs, traces: Traces) -> int:
    """Delete every run of a session with its tasks, states, parameters, logs and artifacts; returns how many.

    Raises:
        ServiceError: one of them is working now, or the server keeps their logs.
    """
    found = _runs_of(runs, traces)
    working = [run for run in found if run.state is not None and run.state.type.value in {"RUNNING", "PENDING"}]
    if working:
        raise ServiceError(
            f"run {working[0].name} works on session {traces.session} now; cancel it or wait for its end"
        )
    delete_runs(runs, [run.id for run in found])
    for artifact in _artifacts(runs, {"artifacts": {"key": {"any_": [f"session-{traces.session}"]}}}):
        runs.client.delete_artifact(artifact["id"])
    return len(found)


def delete_runs(runs: Runs, ids: Sequence[UUID]) -> None:
    """Delete runs with all that belongs to them, and wait until it is gone.

    Raises:
        ServiceError: the server keeps their logs.
    """
    from prefect.exceptions import ObjectNotFound

    for some in batched(ids, PAGE):
        texts = [str(run) for run in some]
        for artifact in _artifacts(runs, {"flow_runs": {"id": {"any_": texts}}}):
            runs.client.delete_artifact(artifact["id"])
        for run in some:
            try:
                runs.client.delete_flow_run(run)
            except ObjectNotFound:
                continue
        end_s = time.monotonic() + LOGS_S
        while _logs(runs, {"logs": {"flow_run_id": {"any_": texts}}}):
            if time.monotonic() > end_s:
                raise ServiceError("Prefect's server still keeps logs of a run that was deleted; try again later")
            time.sleep(0.2)


def old_runs(runs: Runs, before: Any) -> list[UUID]:
    """The runs that ended before a time."""
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterEndTime

    wanted = FlowRunFilter(end_time=FlowRunFilterEndTime(before_=before))
    return [run.id for run in runs.client.read_flow_runs(flow_run_filter=wanted)]


def scrub(database: Path) -> None:
    """Have SQLite overwrite what was deleted: its pages keep the bytes until they are used again.

    Raises:
        ServiceError: the database stays in use.
    """
    if not database.exists():
        return
    for _ in range(SCRUB_TRIES):
        try:
            with closing(sqlite3.connect(database, timeout=30, isolation_level=None)) as connection:
                connection.execute("PRAGMA secure_delete = ON")
                connection.execute("VACUUM")
                [(busy, _, _)] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            if not busy:
                return
        except sqlite3.OperationalError:
            # Somebody reads or writes at this moment.
            pass
        time.sleep(0.5)
    raise ServiceError(f"{database} is in use; what was deleted may still be on the disk, try again later")


def forget_locally(settings: Settings, traces: Iterable[Traces]) -> None:
    """Blacken the lines of logs that speak of sessions, and remove the texts beside their recordings."""
    wanted = list(traces)
    terms = sorted({term for one in wanted for term in one.terms}, key=len, reverse=True)
    home = settings.operations.home.absolute()
    for path in sorted((home / "logs").glob("*.log*")):
        _blacken(path, terms)
    inbox = Inbox(settings.operations.folder.absolute())
    for state in (DONE, FAILED):
        for entry in inbox.files(state):
            if is_note(entry.path.name):
                text = entry.path.read_text(errors="replace")
                if any(one.session in text for one in wanted):
                    entry.path.unlink(missing_ok=True)


def _blacken(path: Path, terms: Sequence[bytes]) -> None:
    """Overwrite words of a file in place: another process may be writing at its end."""
    content = path.read_bytes()
    with path.open("r+b") as file:
        for term in terms:
            at = content.find(term)
            while at >= 0:
                file.seek(at)
                file.write(b"x" * len(term))
                at = content.find(term, at + len(term))


def _runs_of(runs: Runs, traces: Traces) -> list[FlowRun]:
    """By tag, by artifact, and where it was not read yet by the path that it was given."""
    from uuid import UUID

    from prefect.client.schemas.filters import (
        ArtifactFilter,
        ArtifactFilterKey,
        FlowRunFilter,
        FlowRunFilterTags,
    )

    client = runs.client
    tagged = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=[session_tag(traces.session)]))
    )
    found = {run.id: run for run in tagged}
    made = client.read_artifacts(
        artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[f"session-{traces.session}"]))
    )
    for artifact in made:
        if artifact.flow_run_id and artifact.flow_run_id not in found:
            run = client.read_flow_run(UUID(str(artifact.flow_run_id)))
            found[run.id] = run
    if traces.path:
        at = 0
        while page := client.read_flow_runs(limit=PAGE, offset=at):
            found |= {run.id: run for run in page if run.parameters.get("recording") == traces.path}
            at += PAGE
    return list(found.values())


def _artifacts(runs: Runs, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    answer = runs.client.request("POST", "/artifacts/filter", json={**wanted, "limit": PAGE})
    found: list[dict[str, Any]] = answer.json()
    return found


def _logs(runs: Runs, wanted: dict[str, Any]) -> int:
    answer = runs.client.request("POST", "/logs/filter", json={**wanted, "limit": 1})
    return len(answer.json())
