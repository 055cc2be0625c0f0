"""Slides and chapters: WebVTT chapters, or a line ``time title`` for each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from emorec.sidecars.cues import is_cues, read_cues
from emorec.sidecars.rows import Chapter, Ledger, Row, Sidecar
from emorec.sidecars.times import position_seconds

__all__ = ["is_chapters", "read_chapters"]

LEAST_SHARE: Final = 0.8
"""A file of chapters has a time at the beginning of at least this share of its lines."""
_LINE = re.compile(
    r"\s*(?:\d{1,3}[.)]\s+)?[(\[]?(?P<time>(?:\d{1,2}:)?\d{1,3}:\d{2}(?:[.,]\d{1,3})?)[)\]]?"
    r"(?:\s*[-–—|:,;]\s*|\s+)(?P<title>\S.*?)\s*"
)


def is_chapters(lines: Sequence[str]) -> bool:
    """Whether nearly every line is a time and a title."""
    there = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    return bool(there) and sum(bool(_LINE.fullmatch(line)) for line in there) >= LEAST_SHARE * len(there)


def read_chapters(lines: list[str], encoding: str) -> Sidecar:
    """The chapters of a file, in its order."""
    ledger = Ledger(lines)
    rows: list[Row] = []
    if name := is_cues(lines):
        for cue in read_cues(ledger, name):
            ledger.use(*(row for row, _ in cue.text))
            rows.append(Chapter(cue.t0_s, cue.t1_s, " ".join(text.strip() for _, text in cue.text)))
        return ledger.close("chapters", name, "recording", rows, encoding)
    for row, line in enumerate(lines):
        if line.lstrip().startswith("#"):
            ledger.structure(row)
        elif match := _LINE.fullmatch(line):
            t_s = position_seconds(match["time"])
            if t_s is None:
                ledger.bad("a time that is none", row)
                continue
            ledger.use(row)
            rows.append(Chapter(t_s, None, match["title"]))
        elif line.strip():
            ledger.bad("no time at its beginning", row)
    return ledger.close("chapters", "time title", "recording", rows, encoding)
