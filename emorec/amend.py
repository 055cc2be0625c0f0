"""Add to a stored session what the recording does not show: files beside it, names, title, course.

Everything here is derived from the session's tables and the files alone; the recording is not opened. What an earlier
file of the same kind brought is taken back first, so that doing it twice is doing it once.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from emorec import attending, sidecars
from emorec.errors import InputError, StoreError
from emorec.sidecars.people import participant_of
from emorec.sidecars.place import Placed, Start, given_start, place, start_of_name
from emorec.sidecars.tables import chapters_of_screen, chapters_table, chat_table, rejoined, speech_table

if TYPE_CHECKING:
    import pyarrow as pa

    from emorec.settings.sidecars import SidecarsSettings
    from emorec.sidecars import Kind, Sidecar
    from emorec.store import Session

__all__ = ["Additions", "amend", "find_new"]

TABLES: Final[dict[str, str]] = {"transcript": "speech", "chat": "chat", "chapters": "chapters"}


@dataclass(frozen=True)
class Additions:
    """What a user says of a session.

    ``files``: by kind; ``started``: when the recording began on their clock ("" where it is to be found);
    ``offset_s``: added to every time in them; ``remove``: kinds whose file is taken back; ``labels``: names by
    participant; ``instructor``: a participant, or a name; the rest replaces what session.json says, where it is given.
    """

    files: Mapping[Kind, Path] = field(default_factory=dict)
    started: str = ""
    offset_s: float = 0.0
    remove: Collection[Kind] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    instructor: str | None = None
    title: str | None = None
    course: str | None = None
    date: str | None = None

    def __bool__(self) -> bool:
        return self != Additions()

    def check(self) -> None:
        """Whether all of it can be used, before hours are spent on the recording.

        Raises:
            InputError: a file cannot be used, or a date or time is none.
        """
        for kind, path in self.files.items():
            sidecars.read(path, kind)
        if self.started:
            given_start(self.started)
        _changed(self)


def find_new(session: Session, recording: Path) -> dict[Kind, Path]:
    """Files beside a recording that its session has not, or has with another content."""
    from emorec.sidecars.find import beside

    known = session.metadata.get("sidecars", {})
    return {
        kind: path
        for kind, path in beside(recording).items()
        if known.get(kind, {}).get("sha256") != hashlib.sha256(path.read_bytes()).hexdigest()
    }


def amend(session: Session, additions: Additions, settings: SidecarsSettings) -> Session:
    """The session with what was added, written whole or not at all; its report is to be rendered again.

    Raises:
        InputError: a file cannot be used, there is no participant of a name, or a date or time is none.
        StoreError: the session cannot be written, or its privacy mode forbids what is asked for.
    """
    _refuse_what_is_private(session, additions)
    metadata = dict(session.metadata)
    metadata |= _changed(additions)
    parsed = {kind: sidecars.read(path, kind) for kind, path in additions.files.items()}
    duration_s = float(metadata["recording"]["duration_s"])
    start = _start(additions, metadata)
    placed = {kind: place(sidecar, duration_s, start, additions.offset_s) for kind, sidecar in parsed.items()}

    people = attending.People.of(session, metadata.get("sidecars", {}).get("attendance", {}))
    tables: dict[str, pa.Table | None] = {}
    people = people.labelled(additions.labels)
    record = dict(metadata.get("sidecars", {}))
    for kind in [*additions.remove, *placed]:
        metadata["warnings"] = [
            text for text in metadata["warnings"] if text not in record.get(kind, {}).get("notes", ())
        ]
        record.pop(kind, None)
        if kind == "attendance":
            people = people.without_attendance()
        elif kind in TABLES:
            tables[TABLES[kind]] = None
    for kind, found in placed.items():
        record[kind] = _account(parsed[kind], found, additions.files[kind])
    names = people.names()
    if "attendance" in placed:
        people, notes, names = people.attended(placed["attendance"].rows, duration_s, settings)
        record["attendance"] = {
            **record["attendance"],
            **people.account,
            "notes": [*record["attendance"]["notes"], *(f"{record['attendance']['name']}: {note}" for note in notes)],
        }
    tables |= people.tables()
    keep = {"keep_text": settings.keep_text, "keep_names": settings.keep_names}
    if names:
        tables |= {name: rejoined(session.table(name), names) for name in ("speech", "chat") if name not in tables}
    if "transcript" in placed:
        tables["speech"] = speech_table(session.id, placed["transcript"].rows, names, **keep)
    if "chat" in placed:
        tables["chat"] = chat_table(session.id, placed["chat"].rows, names, **keep)
    if "chapters" in placed:
        tables["chapters"] = chapters_table(session.id, placed["chapters"].rows, duration_s)
    elif record.get("chapters") is None:
        slides = _slides(session, duration_s, settings)
        tables["chapters"] = slides if len(slides) else None
    for kind in placed:
        metadata["warnings"] = [*metadata["warnings"], *record[kind]["notes"]]
    metadata["sidecars"] = record
    metadata["counts"] = {**metadata["counts"], "participants": people.count}
    if additions.instructor is not None:
        metadata["instructor"] = _instructor(additions.instructor, people, names)
    elif "attendance" in placed and people.host is not None:
        metadata.setdefault("instructor", people.host)
    return session.replace(tables, metadata)


def _refuse_what_is_private(session: Session, additions: Additions) -> None:
    if session.metadata["privacy"]["mode"] != "aggregate":
        return
    forbidden: list[str] = [kind for kind in additions.files if kind != "chapters"]
    if additions.labels or additions.instructor:
        forbidden.append("names")
    if forbidden:
        raise StoreError(
            f"session {session.id} is in privacy mode aggregate, which keeps nothing of single people: "
            f"{', '.join(forbidden)} cannot be added; title, course, date and chapters can"
        )


def _changed(additions: Additions) -> dict[str, Any]:
    """What of session.json is replaced."""
    if additions.date is not None:
        try:
            dt.date.fromisoformat(additions.date)
        except ValueError as error:
            raise InputError(f"{additions.date!r} is no date; write it as 2026-11-03") from error
    given = {"title": additions.title, "course": additions.course, "date": additions.date}
    return {name: value for name, value in given.items() if value is not None}


def _start(additions: Additions, metadata: Mapping[str, Any]) -> Start | None:
    if additions.started:
        return given_start(additions.started)
    recording = metadata["recording"]
    return start_of_name(str(recording.get("path") or recording["name"]))


def _account(sidecar: Sidecar, placed: Placed, path: Path) -> dict[str, Any]:
    """What session.json says of a file."""
    from emorec.recording import shown_name

    return {
        "name": shown_name(path.name),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "format": sidecar.format,
        "encoding": sidecar.encoding,
        "lines": sidecar.lines,
        "rows": len(sidecar.rows),
        "bad_lines": len(sidecar.bad),
        "outside": placed.outside,
        "offset_s": round(placed.offset_s, 3),
        "offset_found": placed.how,
        "notes": [f"{shown_name(path.name)}: {note}" for note in placed.notes],
    }


def _slides(session: Session, duration_s: float, settings: SidecarsSettings) -> pa.Table:
    group = session.table("group")
    t_s = group["t"].to_numpy()
    change = group["screen_change"].fill_null(False).to_numpy(zero_copy_only=False)
    return chapters_of_screen(session.id, t_s, change, duration_s, settings.slide_s)


def _instructor(wanted: str, people: attending.People, names: Mapping[str, str]) -> str:
    """The participant that is meant; a name that is no participant's stays one, for whom no camera shows."""
    if wanted in people.ids():
        return wanted
    return participant_of(wanted, dict(names)) or wanted
