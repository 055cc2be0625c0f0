"""Files that lie beside a recording and, by their names, belong to it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from emorec.sidecars.read import MAX_BYTES, kind_of_name, parse
from emorec.sidecars.rows import Kind

__all__ = ["beside"]

SUFFIXES: Final = frozenset({".vtt", ".srt", ".sbv", ".txt", ".csv", ".tsv", ".json"})
MEDIA_SUFFIXES: Final = frozenset({".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v", ".ts", ".flv", ".wmv", ".mpg"})
COMMON_NAMES: Final = ("chat", "meeting_saved_chat", "meeting_saved_closed_caption", "closed_caption", "transcript",
                       "audio_transcript", "attendance", "participants", "meetingattendancelist",
                       "meetingattendancereport", "chapters", "slides")  # fmt: skip
"""What platforms call such files where each meeting has a folder of its own."""
MOST_FILES: Final = 2000

# Zoom adds the size of the picture to a recording's name, and not to those of the files that belong to it.
_VIEW = re.compile(r"(?:[_-](?:\d{3,4}x\d{3,4}|gallery|speaker|avo|gvo|as|recording))+$", re.IGNORECASE)


def beside(recording: Path) -> dict[Kind, Path]:
    """The transcript, chat, attendance and chapters of a recording, as far as they lie in its folder.

    A file belongs to a recording if its name begins with the recording's and not with a longer one's beside it, or, in
    a folder with a single recording, if it has one of the names that platforms give (``chat.txt``). Its content says
    what it is. Of several of a kind the one is taken whose name says so, then the shortest name. A folder that cannot
    be read has none.
    """
    stem = _stem(recording)
    try:
        there = [path for _, path in zip(range(MOST_FILES), sorted(recording.parent.iterdir()), strict=False)]
        media = [_stem(path) for path in there if path.suffix.casefold() in MEDIA_SUFFIXES]
        longer = tuple(other for other in media if len(other) > len(stem) and other.startswith(stem))
        candidates = [
            path
            for path in there
            if _belongs(path, stem, len(media) == 1) and not path.name.casefold().startswith(longer)
        ]
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


def _stem(recording: Path) -> str:
    return _VIEW.sub("", recording.stem).casefold()


def _belongs(path: Path, stem: str, alone: bool) -> bool:
    name = path.name.casefold()
    if path.suffix.casefold() not in SUFFIXES:
        return False
    if alone and path.stem.casefold() in COMMON_NAMES:
        return True
    rest = name.removeprefix(stem)
    # lecture.vtt, lecture.en.vtt, lecture-chat.txt, GMT…_RecordingnewChat.txt; of lecture.mp4 not lecture2.vtt.
    return rest != name and (not rest[:1].isalnum() or rest.startswith(("newchat", "chat")))
