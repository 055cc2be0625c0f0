"""Files that lie beside a recording and, by their names, belong to it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from emorec.sidecars.read import MAX_BYTES, kind_of_name, parse
from emorec.sidecars.rows import Kind

__all__ = ["SUFFIXES", "belonging", "beside", "common_stem"]

SUFFIXES: Final = frozenset({".vtt", ".srt", ".sbv", ".txt", ".csv", ".tsv", ".json"})
MEDIA_SUFFIXES: Final = frozenset({".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v", ".ts", ".flv", ".wmv", ".mpg"})
COMMON_NAMES: Final = ("chat", "meeting_saved_chat", "meeting_saved_closed_caption", "closed_caption", "transcript",
                       "audio_transcript", "attendance", "participants", "meetingattendancelist",
                       "meetingattendancereport", "chapters", "slides")  # fmt: skip
"""What platforms call such files where each meeting has a folder of its own."""
MOST_FILES: Final = 2000

# Zoom adds the size of the picture to a recording's name, and not to those of the files that belong to it.
_VIEW = re.compile(r"(?:[_-](?:\d{3,4}x\d{3,4}|gallery|speaker|avo|gvo|as|recording))+$", re.IGNORECASE)

_NUMBERED = re.compile(r"[\s_(-]*\d")
"""What follows a recording's name in that of another one of a series, which may not be there yet."""


def beside(recording: Path) -> dict[Kind, Path]:
    """The transcript, chat, attendance and chapters of a recording, as far as they lie in its folder.

    A file belongs to a recording if its name begins with the recording's and not with a longer one's beside it, or, in
    a folder with a single recording, if it has one of the names that platforms give (``chat.txt``). Its content says
    what it is. Of several of a kind the one is taken whose name says so, then the shortest name. A folder that cannot
    be read has none.
    """
    try:
        there = [path for _, path in zip(range(MOST_FILES), sorted(recording.parent.iterdir()), strict=False)]
        candidates = belonging(recording, there)
        media = [path for path in there if path.suffix.casefold() in MEDIA_SUFFIXES]
        if len(media) == 1:
            candidates += [path for path in there if _is_common(path) and path not in candidates]
        found: dict[Kind, list[Path]] = {}
        for path in candidates:
            if path.is_file() and path.stat().st_size <= MAX_BYTES:
                sidecar = parse(path.read_bytes(), path.name)
                if sidecar is not None and sidecar.rows:
                    found.setdefault(sidecar.kind, []).append(path)
    except OSError:
        return {}
    return {
        kind: min(paths, key=lambda path: (kind_of_name(path.name) != kind, len(path.name), path.name))
        for kind, paths in found.items()
    }


def belonging(recording: Path, there: Iterable[Path]) -> list[Path]:
    """Those files of a recording's folder whose names begin with the recording's, and not with a longer one's."""
    files = list(there)
    stem = common_stem(recording).casefold()
    media = (common_stem(path).casefold() for path in files if path.suffix.casefold() in MEDIA_SUFFIXES)
    longer = tuple(other for other in media if len(other) > len(stem) and other.startswith(stem))
    return [path for path in files if _belongs(path, stem) and not path.name.casefold().startswith(longer)]


def common_stem(recording: Path) -> str:
    """What the name of a recording has in common with those of the files that belong to it."""
    return _VIEW.sub("", recording.stem)


def _is_common(path: Path) -> bool:
    return path.suffix.casefold() in SUFFIXES and path.stem.casefold() in COMMON_NAMES


def _belongs(path: Path, stem: str) -> bool:
    name = path.name.casefold()
    if path.suffix.casefold() not in SUFFIXES:
        return False
    rest = name.removeprefix(stem)
    # lecture.vtt, lecture.en.vtt, lecture-chat.txt, GMT…_RecordingnewChat.txt; of lecture.mp4 not lecture 2.vtt.
    if rest == name or _NUMBERED.match(rest):
        return False
    return not rest[:1].isalnum() or rest.startswith(("newchat", "chat"))
