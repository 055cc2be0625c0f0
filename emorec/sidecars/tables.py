"""The tables speech, chat and chapters, of rows in the time of the recording."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from emorec.schemas import SCHEMAS
from emorec.sidecars.people import participant_of
from emorec.sidecars.rows import Chapter, Message, Row, Utterance
from emorec.sidecars.text import is_question, name_key, word_count

__all__ = ["chapters_of_screen", "chapters_table", "chat_table", "rejoined", "speech_table"]

PUNCTUATION = set(".?!。？！…؟।")


class _Names:
    """What is kept of a name: the participant where it is one's, the name itself on request, else S01, S02, …"""

    def __init__(self, labels: dict[str, str], keep: bool, letter: str) -> None:
        self._labels, self._keep, self._letter = labels, keep, letter
        self._numbers: dict[tuple[str, ...], str] = {}
        self._participants: dict[str, str | None] = {}

    def participant(self, name: str) -> str | None:
        if name not in self._participants:
            self._participants[name] = participant_of(name, self._labels) if name else None
        return self._participants[name]

    def shown(self, name: str) -> str | None:
        if not name:
            return None
        if self._keep:
            return name
        participant = self.participant(name)
        if participant is not None:
            return participant
        key = name_key(name) or (name,)
        return self._numbers.setdefault(key, f"{self._letter}{len(self._numbers) + 1:02d}")


def speech_table(
    session: str, rows: Sequence[Row], labels: dict[str, str], *, keep_text: bool, keep_names: bool
) -> pa.Table:
    """speech.parquet, by time. ``labels``: names by participant, where they are known."""
    spoken = sorted((row for row in rows if isinstance(row, Utterance)), key=lambda row: (row.t0_s, row.t1_s))
    names = _Names(labels, keep_names, "S")
    # Captions without any punctuation do not say what is a question.
    written = any(set(row.text) & PUNCTUATION for row in spoken)
    return pa.Table.from_pylist(
        [
            {
                "session": session,
                "t0": row.t0_s,
                "t1": row.t1_s,
                "participant": names.participant(row.speaker),
                "speaker": names.shown(row.speaker),
                "words": word_count(row.text),
                "question": is_question(row.text) if written else None,
                "text": row.text if keep_text else None,
            }
            for row in spoken
        ],
        SCHEMAS["speech"],
    )


def chat_table(
    session: str, rows: Sequence[Row], labels: dict[str, str], *, keep_text: bool, keep_names: bool
) -> pa.Table:
    """chat.parquet, by time. ``labels``: names by participant, where they are known."""
    messages = sorted((row for row in rows if isinstance(row, Message)), key=lambda row: row.t_s)
    names = _Names(labels, keep_names, "A")
    return pa.Table.from_pylist(
        [
            {
                "session": session,
                "t": row.t_s,
                "participant": names.participant(row.author),
                "author": names.shown(row.author),
                "length": len(row.text),
                "question": is_question(row.text) and not row.reaction,
                "reaction": row.reaction,
                "text": row.text if keep_text else None,
            }
            for row in messages
        ],
        SCHEMAS["chat"],
    )


def rejoined(table: pa.Table, labels: dict[str, str]) -> pa.Table | None:
    """speech or chat once more joined with participants, by the names that it kept; None where it has no rows."""
    if not len(table):
        return None
    column = "speaker" if "speaker" in table.column_names else "author"
    found = {name: participant_of(name, labels) for name in table[column].unique().to_pylist() if name}
    who = [
        known or found.get(name)
        for known, name in zip(table["participant"].to_pylist(), table[column].to_pylist(), strict=True)
    ]
    at = table.schema.get_field_index("participant")
    return table.set_column(at, table.schema.field(at), pa.array(who, pa.string()))


def chapters_table(session: str, rows: Sequence[Row], duration_s: float) -> pa.Table:
    """chapters.parquet of a file: without gaps where the file says only where chapters begin."""
    chapters = sorted((row for row in rows if isinstance(row, Chapter)), key=lambda row: row.t0_s)
    ends = [row.t0_s for row in chapters[1:]] + [duration_s]
    return _chapters(
        session,
        [
            (row.t0_s, end if row.t1_s is None else max(row.t0_s, min(row.t1_s, end)), row.title)
            for row, end in zip(chapters, ends, strict=True)
        ],
        "file",
    )


def chapters_of_screen(
    session: str, t_s: NDArray[np.float64], change: NDArray[np.bool_], duration_s: float, slide_s: float
) -> pa.Table:
    """chapters.parquet of what the picture shows: a new one begins where the screen changes. No rows where it never
    does.

    Args:
        t_s: of the samples; ``change``: whether the screen changed there.
        slide_s: changes that follow each other faster are one.
    """
    starts: list[float] = []
    last_s = -np.inf
    for at_s in t_s[change].tolist():
        if at_s - last_s > slide_s and at_s > slide_s:
            starts.append(at_s)
        last_s = at_s
    if not starts:
        return SCHEMAS["chapters"].empty_table()
    edges = [0.0, *starts, duration_s]
    return _chapters(session, [(a, b, None) for a, b in itertools.pairwise(edges)], "screen")


def _chapters(session: str, parts: Sequence[tuple[float, float, str | None]], source: str) -> pa.Table:
    rows = [
        {"session": session, "t0": t0_s, "t1": t1_s, "chapter": number, "title": title, "source": source}
        for number, (t0_s, t1_s, title) in enumerate(parts, start=1)
    ]
    return pa.Table.from_pylist(rows, SCHEMAS["chapters"])
