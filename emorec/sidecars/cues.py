"""Cues of WebVTT, SRT and SBV files: the lines, times and text of each.

Libraries for these formats (webvtt-py, srt) end at the first broken line, or skip it without a word. Here every line is
accounted for, and what can be read around a broken one is; on whole files the tests hold the result against theirs.
Sources: WebVTT (W3C, 2019), SubRip, YouTube's SBV.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from emorec.sidecars.rows import Ledger
from emorec.sidecars.times import position_seconds

__all__ = ["Cue", "is_cues", "read_cues"]

ARROW = "-->"
_SBV = re.compile(r"\s*(\d{1,3}:\d{2}:\d{2}\.\d{1,3}),(\d{1,3}:\d{2}:\d{2}\.\d{1,3})\s*")
_BLOCKS = ("NOTE", "STYLE", "REGION")
_PLAIN_NUMBER = re.compile(r"\s*\d+\s*")


@dataclass(frozen=True, slots=True)
class Cue:
    """A cue's times, and its text as (line number, text) of each line that is not blank."""

    t0_s: float
    t1_s: float
    text: tuple[tuple[int, str], ...]


def is_cues(lines: list[str]) -> str:
    """``webvtt``, ``srt`` or ``sbv``, or "" where a file is none of them."""
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("WEBVTT"):
        return "webvtt"
    timings = [line for line in lines if ARROW in line]
    if any(_timing(line) for line in timings):
        return "srt"
    return "sbv" if any(_SBV.fullmatch(line) for line in lines[:50]) else ""


def read_cues(ledger: Ledger, format_name: str) -> list[Cue]:
    """The cues of a file, in its order; their text is left for the caller to claim, all else is accounted for."""
    lines, cues, row = ledger.lines, list[Cue](), 0
    if format_name == "webvtt":
        row = _header(ledger)
    while row < len(lines):
        if _starts(lines[row], format_name):
            row = _cue(ledger, row, format_name, cues)
        elif lines[row].split(" ")[0].strip() in _BLOCKS and format_name == "webvtt":
            row = _skip_block(ledger, row)
        elif row + 1 < len(lines) and _starts(lines[row + 1], format_name):
            # A cue's number or name stands right above its times.
            ledger.structure(row)
            row += 1
        else:
            if lines[row].strip():
                ledger.bad("text outside a cue", row)
            row += 1
    return cues


def _starts(line: str, format_name: str) -> bool:
    return bool(_SBV.fullmatch(line)) if format_name == "sbv" else ARROW in line


def _header(ledger: Ledger) -> int:
    """Account for the WEBVTT line and what describes the file below it; returns the row after."""
    lines = ledger.lines
    row = next(row for row, line in enumerate(lines) if line.strip())
    while row < len(lines) and lines[row].strip() and ARROW not in lines[row]:
        if row + 1 < len(lines) and ARROW in lines[row + 1]:
            break
        ledger.structure(row)
        row += 1
    return row


def _skip_block(ledger: Ledger, row: int) -> int:
    while row < len(ledger.lines) and ledger.lines[row].strip() and ARROW not in ledger.lines[row]:
        ledger.structure(row)
        row += 1
    return row


def _cue(ledger: Ledger, row: int, format_name: str, cues: list[Cue]) -> int:
    """Read the cue whose times are in this row; returns the row after it."""
    lines, timing = ledger.lines, row
    row += 1
    text: list[int] = []
    # A line that holds but a space belongs to a cue of YouTube; an empty one ends it.
    while row < len(lines) and lines[row] and not _starts(lines[row], format_name):
        text.append(row)
        row += 1
    if row < len(lines) and _starts(lines[row], format_name) and text and _PLAIN_NUMBER.fullmatch(lines[text[-1]]):
        # Without a blank line between, the next cue's number would be taken for this one's text.
        ledger.structure(text.pop())
    times = _timing(lines[timing])
    spoken = [(at, lines[at]) for at in text if lines[at].strip()]
    if times is None:
        ledger.bad("times that are none", timing)
        ledger.bad("text of a cue without times", *text)
    elif times[1] < times[0]:
        ledger.bad("a cue that ends before it begins", timing, *text)
    elif not spoken:
        ledger.bad("a cue without text", timing)
    else:
        ledger.structure(timing)
        cues.append(Cue(times[0], times[1], tuple(spoken)))
    return row


def _timing(line: str) -> tuple[float, float] | None:
    match = _SBV.fullmatch(line)
    if match is not None:
        start, end = match[1], match[2]
    elif ARROW in line:
        start, _, rest = line.partition(ARROW)
        # After the times WebVTT may place the cue: "align:start position:0%".
        end = rest.split()[0] if rest.split() else ""
    else:
        return None
    t0_s, t1_s = position_seconds(start), position_seconds(end)
    return None if t0_s is None or t1_s is None else (t0_s, t1_s)
