"""The watcher: takes each recording from the inbox once it is whole, has it analysed, and says what became of it.

It looks at the folders every few seconds; events do not come from network shares. All that it knows lies in the folders
and on Prefect's server, so that it may be killed at any time, and any number of watchers may look at one folder.
"""

from __future__ import annotations

import logging
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from emorec.errors import InputError, LimitError
from emorec.store import Store, session_id
from flows.inbox import DONE, FAILED, INBOX, WORKING, Entry, Inbox, Ticket, is_note, is_sidecar
from flows.settling import Settling

if TYPE_CHECKING:
    from emorec.settings import Settings
    from flows.runs import Run

__all__ = ["Checked", "Sender", "Watcher", "check", "main"]

log = logging.getLogger("emorec.watcher")

LONGEST_PAUSE_S = 30.0
"""Longest pause between two looks while the server or a share is away."""


@dataclass(frozen=True)
class Checked:
    """What a look through a file gave: its session, and whether all that it states could be read."""

    session: str
    whole: bool


class Sender(Protocol):
    """What the watcher needs of a server; :class:`flows.runs.Runs` is one."""

    def get(self, ids: Iterable[str]) -> dict[str, Run]: ...

    def send(self, session: str, parameters: dict[str, object]) -> Run: ...


def check(path: Path, settings: Settings) -> Checked:
    """Read a file's packets to the end, in a process of its own.

    Raises:
        InputError, LimitError: it cannot be used.
    """
    from emorec import app, recording

    app.refuse_large(path, settings)
    with app.isolated(path, settings) as step:
        info = step("read", recording.probe, path, settings.recording)
    return Checked(session_id(info.sha256), not info.broken_off)


class Watcher:
    """Looks at one folder; ``check`` says of a file what :class:`Checked` holds, or raises why it cannot be used."""

    def __init__(
        self,
        inbox: Inbox,
        settings: Settings,
        server: str,
        check: Callable[[Path, Settings], Checked] = check,
        tell: Callable[[str, str], None] = lambda subject, body: None,
    ) -> None:
        self._inbox, self._settings, self._server = inbox, settings, server
        self._check, self._tell = check, tell
        self._settling = Settling(settings.operations.settle_s)
        self._unreadable: dict[Path, object] = {}

    def look(self, runs: Sender, now_s: float) -> None:
        """Look once: settle what has ended, take what is whole, send what waits."""
        self._settle(runs)
        self._take(runs, now_s)
        self._send(runs)

    def _take(self, runs: Sender, now_s: float) -> None:
        entries = list(self._inbox.files(INBOX))
        settled = self._settling.look(entries, self._inbox.temporary(INBOX), now_s)
        ready = {entry.path for entry, _ in settled}
        for entry, still_s in settled:
            if is_note(entry.path.name) or is_sidecar(entry.path.name):
                continue
            sidecars = [other for other in self._inbox.sidecars(entry, entries) if not is_note(other.path.name)]
            if all(other.path in ready for other in sidecars):
                self._take_one(entry, sidecars, still_s, runs)
        self._unreadable = {path: look for path, look in self._unreadable.items() if path in ready}

    def _take_one(self, entry: Entry, sidecars: list[Entry], still_s: float, runs: Sender) -> None:
        patient = still_s < self._settings.operations.patience_s
        if patient and self._unreadable.get(entry.path) == entry.look:
            return
        try:
            checked = self._check(entry.path, self._settings)
        except (InputError, LimitError) as error:
            if not entry.path.exists():
                return
            if patient:
                # A copy that stands still for a moment reads like a broken file.
                self._unreadable[entry.path] = entry.look
                return
            self._fail(entry, sidecars, str(error).removeprefix(f"{entry.path}: "))
            return
        if not checked.whole and patient:
            self._unreadable[entry.path] = entry.look
            return
        self._inbox.forget_notes(entry)
        target = self._inbox.move(entry, WORKING, sidecars)
        if target is not None:
            log.info("taken: %s", target, extra={"session": checked.session, "recording": target.name})
            ticket = Ticket(checked.session, "", self._server)
            self._inbox.write_ticket(target, ticket)
            # At once: a worker need not wait until all that lies there has been looked through.
            self._send_one(replace(entry, path=target), ticket, runs)

    def _send(self, runs: Sender) -> None:
        waiting = [(entry, self._ticket(entry)) for entry in self._working()]
        ours = [(entry, ticket) for entry, ticket in waiting if ticket is not None and ticket.server == self._server]
        known = runs.get(ticket.run for _, ticket in ours if ticket.run)
        for entry, ticket in ours:
            if ticket.run not in known:
                self._send_one(entry, ticket, runs)

    def _ticket(self, entry: Entry) -> Ticket | None:
        """What is known of a file in ``working/``; found out anew where its watcher was killed before it noted that."""
        ticket = self._inbox.ticket(entry.path)
        if ticket is None:
            try:
                ticket = Ticket(self._check(entry.path, self._settings).session, "", self._server)
            except (InputError, LimitError) as error:
                if entry.path.exists():
                    self._fail(entry, self._beside(entry), str(error).removeprefix(f"{entry.path}: "))
        return ticket

    def _working(self) -> list[Entry]:
        # An empty file only keeps a name for one that comes.
        return [e for e in self._inbox.files(WORKING) if e.size and not is_sidecar(e.path.name)]

    def _send_one(self, entry: Entry, ticket: Ticket, runs: Sender) -> None:
        if self._is_done(entry, ticket):
            self._finish(entry, f"The same recording was analysed before.\n{self._outcome(ticket.session)}")
            return
        parameters: dict[str, object] = {"recording": str(entry.path), "course": entry.course or "general"}
        run = runs.send(ticket.session, parameters)
        self._inbox.write_ticket(entry.path, Ticket(ticket.session, run.id, self._server))
        log.info("sent: %s", entry.path, extra={"session": ticket.session, "run": run.id})

    def _is_done(self, entry: Entry, ticket: Ticket) -> bool:
        """Whether the recording was analysed before, and nothing lies beside it that its session does not have."""
        from emorec import app

        store = Store(self._settings.store)
        if not store.exists(ticket.session):
            return False
        session = store.open(ticket.session)
        if not session.has_report:
            return False
        return not self._beside(entry) or not app.news_beside(session, entry.path, self._settings)

    def _settle(self, runs: Sender) -> None:
        sent = [(entry, ticket) for entry in self._working() if (ticket := self._inbox.ticket(entry.path))]
        ours = [(entry, ticket) for entry, ticket in sent if ticket.run and ticket.server == self._server]
        known = runs.get(ticket.run for _, ticket in ours)
        for entry, ticket in ours:
            run = known.get(ticket.run)
            if run is None or not run.ended:
                continue
            if run.state == "COMPLETED":
                self._finish(entry, self._outcome(ticket.session))
            else:
                self._fail(entry, self._beside(entry), run.message.removeprefix(f"{entry.path}: ") or run.state.lower())

    def _outcome(self, session: str) -> str:
        store = Store(self._settings.store)
        report = f"\nReport: {store.open(session).report}" if store.exists(session) else ""
        return f"Session: {session}{report}"

    def _beside(self, entry: Entry) -> list[Entry]:
        return self._inbox.sidecars(entry, list(self._inbox.files(WORKING)))

    def _finish(self, entry: Entry, text: str) -> None:
        target = self._inbox.move(entry, DONE, self._beside(entry))
        if target is not None:
            self._inbox.note(target, DONE, text)
            log.info("done: %s", target)
        self._inbox.forget_ticket(entry.path)

    def _fail(self, entry: Entry, sidecars: list[Entry], reason: str) -> None:
        target = self._inbox.move(entry, FAILED, sidecars)
        if target is not None:
            again = "To try again, put the file back into the inbox."
            self._inbox.note(target, FAILED, f"{entry.path.name}: {reason}\n\n{again}")
            log.warning("failed: %s: %s", target, reason)
            self._tell(f"emorec: {entry.path.name} failed", reason)
        self._inbox.forget_ticket(entry.path)


def server_name(api: str) -> str:
    """A server's address as tickets name it: what is on loopback is on this machine only."""
    local = any(name in api for name in ("127.0.0.1", "localhost", "[::1]"))
    return f"{socket.gethostname()} {api}" if local else api


def main() -> int:
    """Look at the folder of the settings until told to end; for a process of its own."""
    from prefect.settings import get_current_settings

    from emorec.settings import Settings
    from flows.logs import log_as_json
    from flows.notify import tell
    from flows.runs import connected

    log_as_json()
    settings = Settings.load()
    inbox = Inbox(settings.operations.folder.absolute())
    inbox.create()
    api = str(get_current_settings().api.url)
    watcher = Watcher(inbox, settings, server_name(api), tell=lambda subject, body: tell(settings, subject, body))
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    log.info("watching %s", inbox.folder / INBOX)
    pause_s = poll_s = settings.operations.poll_s
    while not stop.is_set():
        try:
            with connected() as runs:
                while not stop.wait(pause_s):
                    watcher.look(runs, time.monotonic())
                    pause_s = poll_s
        except Exception as error:
            # A server or a share that is away comes back; whatever it is, the next look begins anew.
            pause_s = min(max(2 * pause_s, poll_s), LONGEST_PAUSE_S)
            log.warning("%s: %s; looking again in %.0f s", type(error).__name__, error, pause_s)
    return 0


if __name__ == "__main__":
    sys.exit(main())
