"""The watched folder: ``inbox/``, ``working/``, ``done/`` and ``failed/``, and how files go from one to the next.

A recording is moved and never changed, copied or deleted, and no file ever takes the place of another. Each move is a
rename, so that of any number of watchers one alone takes a file. Files that belong to a recording (transcript, chat,
attendance) travel with it; in ``done/`` and ``failed/`` a text beside it says what became of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from emorec.files import make_private
from emorec.recording import shown_name
from emorec.sidecars import find

__all__ = ["DONE", "FAILED", "INBOX", "WORKING", "Entry", "Inbox", "Ticket", "is_temporary"]

INBOX: Final = "inbox"
WORKING: Final = "working"
DONE: Final = "done"
FAILED: Final = "failed"

NOTES: Final = {DONE: ".done.txt", FAILED: ".failed.txt"}
"""Endings of the texts that say what became of a recording."""

TICKET: Final = ".emorec.json"

_TEMPORARY_PREFIXES: Final = (".", "~$", "~")
_TEMPORARY_ENDINGS: Final = frozenset(
    {
        ".part",
        ".partial",
        ".crdownload",
        ".download",
        ".filepart",
        ".opdownload",
        ".!ut",
        ".tmp",
        ".temp",
        ".swp",
        ".lock",
    }
)
_TEMPORARY_NAMES: Final = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db"})

MAX_NAME_BYTES: Final = 255
"""What file systems allow a name to have (NAME_MAX)."""


def is_temporary(name: str) -> bool:
    """Whether a name says that the file is still being written, or is a system's own: left alone."""
    lower = name.lower()
    return (
        lower.startswith(_TEMPORARY_PREFIXES)
        or lower.endswith("~")
        or PurePosixPath(lower).suffix in _TEMPORARY_ENDINGS
        or lower in _TEMPORARY_NAMES
    )


@dataclass(frozen=True)
class Entry:
    """A file that lies in a folder: where, its course, and what tells whether it has changed."""

    path: Path
    course: str
    size: int
    modified_ns: int
    inode: tuple[int, int]

    @property
    def look(self) -> tuple[int, int, tuple[int, int]]:
        """What changes when the file does."""
        return self.size, self.modified_ns, self.inode


@dataclass(frozen=True)
class Ticket:
    """What is known of a file in ``working/``: its session, the run and the server that has it."""

    session: str
    run: str
    server: str


class Inbox:
    """The four folders below one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def create(self) -> None:
        """Make the folders that are missing, for their owner alone; those that are there keep their rights."""
        for name in (INBOX, WORKING, DONE, FAILED):
            make_private(self.folder / name)

    def files(self, state: str) -> Iterator[Entry]:
        """Every regular file below a state's folder that is not temporary, by path; links are not followed."""
        yield from _files(self.folder / state, "")

    def temporary(self, state: str) -> Iterator[Entry]:
        """Those that are, for what they become when they are renamed."""
        yield from _files(self.folder / state, "", temporary=True)

    def sidecars(self, entry: Entry, among: list[Entry]) -> list[Entry]:
        """The files of its folder that belong to a recording by their names, as they do for `emorec analyze`."""
        there = {other.path: other for other in among if other.path.parent == entry.path.parent}
        return [there[path] for path in find.belonging(entry.path, there) if path != entry.path]

    def move(self, entry: Entry, state: str, sidecars: list[Entry] = []) -> Path | None:  # noqa: B006 — never changed
        """Move a file and what belongs to it to another state; returns where it is now, None if somebody took it."""
        target = move(entry.path, self._target(entry, state))
        if target is not None:
            for other in sidecars:
                name = other.path.name
                if target.stem != entry.path.stem:
                    # Still of the recording's name, which had to change.
                    name = target.stem + name[len(find.common_stem(entry.path)) :]
                move(other.path, target.with_name(name))
        return target

    def note(self, target: Path, state: str, text: str) -> None:
        """Say beside a file what became of it."""
        path = target.with_name(_fitting(target.name, NOTES[state]))
        path.write_text(text.rstrip("\n") + "\n", encoding="utf-8", errors="replace")
        path.chmod(0o600)

    def forget_notes(self, entry: Entry) -> None:
        """Remove the texts of earlier attempts that came back with a recording."""
        for ending in NOTES.values():
            entry.path.with_name(_fitting(entry.path.name, ending)).unlink(missing_ok=True)

    def ticket(self, path: Path) -> Ticket | None:
        """What is known of a file in ``working/``."""
        try:
            return Ticket(**json.loads(_ticket_path(path).read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def write_ticket(self, path: Path, ticket: Ticket) -> None:
        """Keep what is known of a file in ``working/``."""
        target = _ticket_path(path)
        beside = target.with_name(f".ticket-{os.getpid()}")
        beside.write_text(json.dumps(asdict(ticket)))
        beside.replace(target)

    def forget_ticket(self, path: Path) -> None:
        """Remove what was known of a file that is in ``working/`` no more."""
        _ticket_path(path).unlink(missing_ok=True)

    def _target(self, entry: Entry, state: str) -> Path:
        folder = self.folder / state
        if entry.course:
            folder = folder / PurePosixPath(shown_name(entry.course))
        make_private(folder)
        # A name that is no UTF-8 cannot be handed to a server.
        return folder / shown_name(entry.path.name)


def is_sidecar(name: str) -> bool:
    """Whether a file belongs to a recording and is none."""
    return PurePosixPath(name.lower()).suffix in find.SUFFIXES


def is_note(name: str) -> bool:
    """Whether a file is a text that says what became of a recording."""
    return name.endswith(tuple(NOTES.values()))


def move(source: Path, target: Path) -> Path | None:
    """Rename a file, to a name with a number if that is taken; None if it is not there any more.

    The name is reserved by an empty file first, which the rename replaces: it works where links do not, and what
    somebody else put there meanwhile is never lost.
    """
    number = 1
    while True:
        path = target if number == 1 else target.with_name(_fitting(target.stem, f" ({number}){target.suffix}"))
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            number += 1
            continue
        try:
            source.rename(path)
        except BaseException as error:
            path.unlink(missing_ok=True)
            if isinstance(error, FileNotFoundError):
                return None
            raise
        return path


def _files(folder: Path, course: str, temporary: bool = False) -> Iterator[Entry]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError:
        # A folder that was removed, or a share that is away: there is nothing to see now.
        return
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                if not is_temporary(entry.name):
                    yield from _files(Path(entry.path), f"{course}/{entry.name}" if course else entry.name, temporary)
                continue
            status = entry.stat(follow_symlinks=False)
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode) and is_temporary(entry.name) == temporary:
            inode = (status.st_dev, status.st_ino)
            yield Entry(Path(entry.path), course, status.st_size, status.st_mtime_ns, inode)


def _ticket_path(path: Path) -> Path:
    return path.with_name(_fitting(f".{path.name}", TICKET))


def _fitting(start: str, end: str) -> str:
    """Both as one name that is not too long; where it is cut in the middle, other names still become others."""
    cut = start
    while len(os.fsencode(cut + end)) > MAX_NAME_BYTES:
        mark = hashlib.sha256(os.fsencode(start)).hexdigest()[:8]
        kept = cut.removesuffix(f"~{mark}")[:-1]
        cut = f"{kept}~{mark}"
    return cut + end
