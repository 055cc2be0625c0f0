"""Which kind of file is it, and what does it say."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Final

from emorec.errors import InputError
from emorec.sidecars.attendance import is_attendance, read_attendance
from emorec.sidecars.chapters import is_chapters, read_chapters
from emorec.sidecars.chat import is_chat, read_chat
from emorec.sidecars.cues import is_cues
from emorec.sidecars.rows import Chapter, Kind, Sidecar
from emorec.sidecars.text import decode
from emorec.sidecars.transcript import (
    is_meet_document,
    is_whisper_json,
    is_whisper_tsv,
    read_transcript,
)

__all__ = ["MAX_BYTES", "kind_of_name", "parse", "read"]

MAX_BYTES: Final = 64 * 2**20
"""A transcript of twelve hours has 2 MB."""
CHAPTER_S: Final = 30.0
"""Cues that are longer than this, in the middle, are chapters: nobody speaks a subtitle for so long."""
CHAT_CUE_S: Final = 3.0

_READERS: Final[dict[Kind, Callable[[list[str], str], Sidecar]]] = {
    "transcript": read_transcript,
    "chat": read_chat,
    "attendance": read_attendance,
    "chapters": read_chapters,
}
_NAMES: Final[tuple[tuple[Kind, re.Pattern[str]], ...]] = (
    ("chapters", re.compile(r"chapter|slides|kapitel|cap[ií]tulo|chapitre|agenda|folien", re.IGNORECASE)),
    ("chat", re.compile(r"chat", re.IGNORECASE)),
    ("attendance", re.compile(r"attendance|participant|attendee|teilnahme|asistencia|présence", re.IGNORECASE)),
    ("transcript", re.compile(r"transcript|caption|subtitle|\.cc\b|closed", re.IGNORECASE)),
)


def kind_of_name(name: str) -> Kind | None:
    """The kind that a file's name speaks of, or None."""
    return next((kind for kind, pattern in _NAMES if pattern.search(name)), None)


def read(path: Path, kind: Kind | None = None) -> Sidecar:
    """What a file says.

    Args:
        kind: what it is; by default as its content, then its name, tell.

    Raises:
        InputError: there is no such file, it may not be read, is too large, is none of these kinds, or not a single
            line of it can be used.
    """
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise InputError(f"{path}: is no regular file; name the transcript, chat, attendance or chapters file")
        if size > MAX_BYTES:
            raise InputError(f"{path}: {size / 2**20:.0f} MB are too much for a text beside a recording")
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    found = parse(data, os.fspath(path.name), kind)
    if found is None:
        wanted = kind or "transcript, chat, attendance or chapters"
        raise InputError(f"{path}: is no {wanted} file in a format that is known; docs/sidecars.md lists them")
    if not found.rows:
        why = f": line {found.bad[0].number} is {found.bad[0].reason}" if found.bad else ""
        raise InputError(f"{path}: no line of this {found.kind} file can be used{why}")
    return found


def parse(data: bytes, name: str = "", kind: Kind | None = None) -> Sidecar | None:
    """What bytes say; None where they are of no kind that is known.

    Args:
        name: the file's name, which decides only what the content leaves open.
        kind: what it is; by default as its content, then its name, tell.
    """
    lines, encoding = decode(data)
    if kind is None:
        kind = _kind(lines, name)
    elif not _plausible(lines, kind):
        return None
    return None if kind is None else _READERS[kind](lines, encoding)


def _kind(lines: list[str], name: str) -> Kind | None:
    named = kind_of_name(name)
    if is_whisper_json(lines) or is_whisper_tsv(lines):
        return "transcript"
    if cues := is_cues(lines):
        if named in {"chapters", "chat", "transcript"}:
            return named
        rows = read_chapters(lines, "").rows
        lengths = [row.t1_s - row.t0_s for row in rows if isinstance(row, Chapter) and row.t1_s is not None]
        if lengths and median(lengths) > CHAPTER_S:
            return "chapters"
        # Meet writes every message as a cue of three seconds.
        if cues == "sbv" and lengths and all(abs(length - CHAT_CUE_S) < 0.01 for length in lengths):
            return "chat"
        return "transcript"
    if is_attendance(lines):
        return "attendance"
    if is_chat(lines):
        return "chat"
    if is_meet_document(lines):
        return "transcript"
    return "chapters" if is_chapters(lines) else None


def _plausible(lines: list[str], kind: Kind) -> bool:
    if kind == "transcript":
        return bool(is_cues(lines)) or is_whisper_json(lines) or is_whisper_tsv(lines) or is_meet_document(lines)
    if kind == "chat":
        return bool(is_chat(lines) or is_cues(lines))
    if kind == "attendance":
        return is_attendance(lines)
    return bool(is_cues(lines)) or is_chapters(lines)
