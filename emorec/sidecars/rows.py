"""What a file beside a recording says, and an account of every line that it had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["KINDS", "BadLine", "Chapter", "Clock", "Kind", "Ledger", "Message", "Row", "Sidecar", "Stay", "Utterance"]

Kind = Literal["transcript", "chat", "attendance", "chapters"]
KINDS: Final[tuple[Kind, ...]] = ("transcript", "chat", "attendance", "chapters")

Clock = Literal["recording", "day", "date"]
"""What times count from: the start of a recording, midnight of an unknown day, or 1970 (local time), s."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """Something said from ``t0_s`` to ``t1_s``; ``speaker`` is "" where the file does not say who."""

    t0_s: float
    t1_s: float
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class Message:
    """A chat message; ``reaction``: an emoji put to another message, or emoji alone."""

    t_s: float
    author: str
    text: str
    reaction: bool


@dataclass(frozen=True, slots=True)
class Stay:
    """Somebody in the meeting from ``t0_s`` to ``t1_s`` (None where the file does not say), and what they were there
    as ("" where it does not say)."""

    name: str
    t0_s: float | None
    t1_s: float | None
    role: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of the recording that begins at ``t0_s``; ``t1_s`` is None where it ends with the next one's start."""

    t0_s: float
    t1_s: float | None
    title: str


Row = Utterance | Message | Stay | Chapter


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that could not be used: its number from 1 on, and why."""

    number: int
    reason: str


@dataclass(frozen=True)
class Sidecar:
    """A file beside a recording.

    ``rows``: by the file's order, all of the kind's class; ``clock``: what their times count from; ``started_s``: when
    the meeting began by that clock, where the file says so; ``encoding``: of its text. Of its ``lines`` (those that
    are not blank) ``used`` are in rows, ``structure`` is the format's own, ``repeated`` say again what another line
    said, and the rest are ``bad``.
    """

    kind: Kind
    format: str
    clock: Clock
    rows: tuple[Row, ...]
    encoding: str
    lines: int
    used: int
    structure: int
    repeated: int
    bad: tuple[BadLine, ...]
    started_s: float | None = None


_BLANK, _LEFT, _USED, _STRUCTURE, _REPEATED, _BAD = range(6)


class Ledger:
    """The lines of a file, each of which must be accounted for; what nobody claims is bad in the end."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self._mark = [_LEFT if line.strip() else _BLANK for line in lines]
        self._reason: dict[int, str] = {}

    def use(self, *rows: int) -> None:
        """Lines that went into a row."""
        self._set(rows, _USED)

    def structure(self, *rows: int) -> None:
        """Lines that belong to the format: headers, numbers, times, notes."""
        self._set(rows, _STRUCTURE)

    def repeat(self, *rows: int) -> None:
        """Lines that say again what another line said."""
        self._set(rows, _REPEATED)

    def bad(self, reason: str, *rows: int) -> None:
        """Lines that cannot be used, and why."""
        self._set(rows, _BAD)
        for row in rows:
            self._reason[row] = reason

    def close(
        self,
        kind: Kind,
        format_name: str,
        clock: Clock,
        rows: list[Row],
        encoding: str,
        started_s: float | None = None,
    ) -> Sidecar:
        """The sidecar with its account."""
        bad = tuple(
            BadLine(row + 1, self._reason.get(row, "not understood"))
            for row, mark in enumerate(self._mark)
            if mark in {_BAD, _LEFT}
        )
        count = {mark: self._mark.count(mark) for mark in (_BLANK, _USED, _STRUCTURE, _REPEATED)}
        return Sidecar(
            kind=kind,
            format=format_name,
            clock=clock,
            rows=tuple(rows),
            encoding=encoding,
            lines=len(self._mark) - count[_BLANK],
            used=count[_USED],
            structure=count[_STRUCTURE],
            repeated=count[_REPEATED],
            bad=bad,
            started_s=started_s,
        )

    def _set(self, rows: tuple[int, ...], mark: int) -> None:
        for row in rows:
            if self._mark[row] != _BLANK:
                self._mark[row] = mark
