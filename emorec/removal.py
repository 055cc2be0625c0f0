"""Deletes what emorec keeps of recordings: sessions with all that was derived from them, and unfinished work."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from emorec.errors import StoreError
from emorec.store import Store, session_id
from emorec.workfolder import WorkFolder
from model.removing import remove_every_trace

if TYPE_CHECKING:
    from emorec.settings import Settings
    from emorec.store import Session

__all__ = ["delete_session", "expire_faces", "expire_work", "older_than", "work_of"]

SECONDS_PER_DAY: Final = 86_400


@dataclass(frozen=True)
class Work:
    """Unfinished work on a recording: its folder, and when something was last written there, s since the epoch."""

    folder: WorkFolder
    sha256: str
    touched_s: float


def older_than(store: Store, days: int, today: dt.date | None = None) -> list[Session]:
    """The sessions whose date is more than so many days ago, the oldest first."""
    last = (today or dt.date.today()) - dt.timedelta(days=days)
    found = [s for s in store.sessions() if dt.date.fromisoformat(s.metadata["date"]) < last]
    return sorted(found, key=lambda session: str(session.metadata["date"]))


def delete_session(settings: Settings, store: Store, session: str) -> None:
    """Delete a session, its report, and what an analysis of the same recording left unfinished.

    Waits for an analysis of the recording that is going on.

    Raises:
        StoreError: there is neither a session nor unfinished work of that id, or it cannot be deleted.
    """
    unfinished = list(work_of(settings, store, session))
    for work in unfinished:
        with work.folder.locked():
            work.folder.delete()
    known = store.has_traces(session)
    # Faces of it that wait to be labelled; those of a store in a folder go with its session.
    try:
        faces = remove_every_trace(settings.labels_folder(store.root) / session)
    except OSError as error:
        raise StoreError(f"faces of session {session} cannot be deleted: {error}") from error
    if known:
        store.delete(session)
    elif not unfinished and not faces:
        raise StoreError(f"no session {session} in {store.root}")


def work_of(settings: Settings, store: Store, session: str | None = None) -> Iterator[Work]:
    """The unfinished work of one session's recording, or of all recordings."""
    root = store.local_path if store.is_local else settings.work
    for path in sorted((root / "work").glob("*")):
        if path.is_dir() and session in (None, session_id(path.name)):
            yield Work(WorkFolder(root, path.name), path.name, _touched_s(path))


def expire_work(settings: Settings, store: Store, days: float) -> list[str]:
    """Delete the unfinished work that nobody has touched for so many days; returns the sessions that it was for.

    What an analysis works on now is left to it.
    """
    expired = []
    for work in work_of(settings, store):
        if work.touched_s >= time.time() - days * SECONDS_PER_DAY:
            continue
        if work.folder.try_delete():
            expired.append(session_id(work.sha256))
    return expired


def expire_faces(settings: Settings, store: str | None = None) -> list[str]:
    """Delete the faces to be labelled that a store has kept for ``retrain.labels_days``; says of each what it was.

    Raises:
        StoreError: they cannot be deleted.
    """
    from model.labels import delete_expired

    days, root = settings.retrain.labels_days, settings.labels_folder(store)
    try:
        expired = delete_expired(root, days)
    except OSError as error:
        raise StoreError(f"faces in {root} that are older than {days:g} days cannot be deleted: {error}") from error
    return [
        f"{gone.folder}: labelled faces that no promoted model was made of in {days:g} days are deleted"
        if gone.labelled
        else f"{gone.folder}: faces that nobody labelled in {days:g} days are deleted"
        for gone in expired
    ]


def _touched_s(folder: Path) -> float:
    times = [folder.stat().st_mtime]
    for path in folder.iterdir():
        try:
            times.append(path.stat().st_mtime)
        except FileNotFoundError:
            continue
    return max(times)
