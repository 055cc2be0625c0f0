"""Transcripts: who said what when.

Zoom (WebVTT, ``Name: text``), Teams (WebVTT, ``<v Name>text</v>``), Google Meet (the document as text, or SBV),
YouTube (WebVTT whose cues roll on, SRT, SBV), Whisper and WhisperX (WebVTT, SRT, TSV, JSON; ``[SPEAKER_00]: text``).
"""

from __future__ import annotations

import html
import itertools
import json
import re
from collections.abc import Sequence
from typing import Any, Final

from emorec.sidecars.cues import Cue, is_cues, read_cues
from emorec.sidecars.rows import Ledger, Row, Sidecar, Utterance
from emorec.sidecars.times import position_seconds

__all__ = ["is_meet_document", "is_whisper_json", "is_whisper_tsv", "read_transcript"]

NAMED_SHARE: Final = 0.6
"""In a file with names, at least this share of cues begins with one; a colon elsewhere is punctuation."""
ROLLING_SHARE: Final = 0.3
"""In a file whose cues roll on, at least this share of cues begins with the last line of the one before."""
WORDS_PER_S: Final = 2.5
"""Usual pace of speech, to guess where an utterance ends if the file says only where it begins."""

_NAME = re.compile(r"\[?([^\W\d_][^:<>\n!?]{0,58}?|SPEAKER_\d+)\]?\s*[:：]\s*(?=\S)")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]+)>")
_TAGS = re.compile(r"</?[a-zA-Z][^<>]*>|<\d[\d:.]*>|</>|\{\\[^}]*\}")
_STAMP = re.compile(r"\d{1,2}:\d{2}:\d{2}")
_MEET_END = re.compile(r"(transcription ended|this editable transcript|meeting ended)", re.IGNORECASE)
_WHISPER_TSV = ["start", "end", "text"]


def read_transcript(lines: list[str], encoding: str) -> Sidecar:
    """The utterances of a transcript in any of these formats, by what is in it."""
    ledger = Ledger(lines)
    rows: list[Row]
    if is_whisper_json(lines):
        rows, name = _whisper_json(ledger), "whisper json"
    elif is_whisper_tsv(lines):
        rows, name = _whisper_tsv(ledger), "whisper tsv"
    elif name := is_cues(lines):
        rows, name = _from_cues(ledger, name)
    else:
        rows, name = _meet_document(ledger), "meet document"
    return ledger.close("transcript", name, "recording", rows, encoding)


def is_whisper_tsv(lines: Sequence[str]) -> bool:
    """Whether a file is Whisper's table of start, end (ms) and text."""
    return bool(lines) and lines[0].strip().split("\t") == _WHISPER_TSV


def is_whisper_json(lines: Sequence[str]) -> bool:
    """Whether a file is the JSON of Whisper ("segments") or whisper.cpp ("transcription")."""
    text = "\n".join(lines).lstrip()
    return text.startswith("{") and ('"segments"' in text or '"transcription"' in text)


def is_meet_document(lines: Sequence[str]) -> bool:
    """Whether a file is Meet's transcript as text: times of day of the recording on lines of their own, then names."""
    stamps = [i for i, line in enumerate(lines) if _STAMP.fullmatch(line.strip())]
    return any(_NAME.match(line) for i in stamps for line in lines[i + 1 : i + 4])


def _from_cues(ledger: Ledger, name: str) -> tuple[list[Row], str]:
    cues = read_cues(ledger, name)
    if any("<v " in text or "<v." in text for cue in cues for _, text in cue.text):
        return _voices(ledger, cues), f"{name}, voices"
    if _rolls(cues):
        return _rolling(ledger, cues), f"{name}, rolling"
    spoken = [(cue, " ".join(filter(None, (_plain(text) for _, text in cue.text)))) for cue in cues]
    named = sum(bool(_NAME.match(text)) for _, text in spoken)
    has_names = named > 0 and named >= NAMED_SHARE * len(spoken)
    rows: list[Row] = []
    for cue, text in spoken:
        at = [row for row, _ in cue.text]
        speaker, said = _split_name(text) if has_names else ("", text)
        if said:
            rows.append(Utterance(cue.t0_s, cue.t1_s, speaker, said))
            ledger.use(*at)
        else:
            ledger.bad("a cue without words", *at)
    return rows, f"{name}, names" if has_names else name


def _voices(ledger: Ledger, cues: list[Cue]) -> list[Row]:
    """Cues in which ``<v Name>`` says who speaks; one with several voices is shared out by length."""
    rows: list[Row] = []
    for cue in cues:
        at = [row for row, _ in cue.text]
        pieces = _VOICE.split(" ".join(text.strip() for _, text in cue.text))
        said = [("", pieces[0]), *zip(pieces[1::2], pieces[2::2], strict=True)]
        parts = [(html.unescape(name).strip(), _plain(text)) for name, text in said]
        parts = [(name, text) for name, text in parts if text]
        if not parts:
            ledger.bad("a cue without words", *at)
            continue
        ledger.use(*at)
        t0_s, length = cue.t0_s, sum(len(text) for _, text in parts)
        for name, text in parts:
            t1_s = t0_s + (cue.t1_s - cue.t0_s) * len(text) / length
            rows.append(Utterance(t0_s, min(t1_s, cue.t1_s), name, text))
            t0_s = t1_s
    return rows


def _rolls(cues: list[Cue]) -> bool:
    if any(re.search(r"<\d[\d:.]*>", text) for cue in cues for _, text in cue.text):
        return True
    shown = [[_plain(text) for _, text in cue.text] for cue in cues]
    again = sum(a[-1] == b[0] for a, b in itertools.pairwise(shown))
    return len(cues) >= 5 and again >= ROLLING_SHARE * len(cues)


def _rolling(ledger: Ledger, cues: list[Cue]) -> list[Row]:
    """Cues that show the line before once more above the new one: every line counts once."""
    rows: list[Row] = []
    before: list[str] = []
    for cue in cues:
        shown = [(row, _plain(text)) for row, text in cue.text]
        texts = [text for _, text in shown]
        known = max(
            (k for k in range(min(len(before), len(texts)) + 1) if before[len(before) - k :] == texts[:k]), default=0
        )
        ledger.repeat(*(row for row, _ in shown[:known]))
        new = [(row, text) for row, text in shown[known:] if text]
        ledger.bad("a line without words", *(row for row, text in shown[known:] if not text))
        if new:
            ledger.use(*(row for row, _ in new))
            rows.append(Utterance(cue.t0_s, cue.t1_s, "", " ".join(text for _, text in new)))
        before = texts
    return rows


def _whisper_tsv(ledger: Ledger) -> list[Row]:
    ledger.structure(0)
    rows: list[Row] = []
    for row, line in enumerate(ledger.lines[1:], start=1):
        cells = line.split("\t")
        if len(cells) == 3 and cells[0].strip().isdecimal() and cells[1].strip().isdecimal() and cells[2].strip():
            t0_s, t1_s = int(cells[0]) / 1000, int(cells[1]) / 1000
            if t1_s >= t0_s:
                ledger.use(row)
                rows.append(Utterance(t0_s, t1_s, "", cells[2].strip()))
    return rows


def _whisper_json(ledger: Ledger) -> list[Row]:
    """Rows of the JSON; its lines say nothing by themselves, so that each segment counts as one and is used or bad."""
    every = range(len(ledger.lines))
    try:
        document: dict[str, Any] = json.loads("\n".join(ledger.lines))
        segments = document.get("segments") or document["transcription"]
        found = [_segment(segment) for segment in segments]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        ledger.bad("JSON that cannot be read", *every)
        return []
    rows: list[Row] = [row for row in found if row is not None]
    if len(rows) == len(found):
        ledger.use(*every)
    else:
        ledger.structure(*every)
        ledger.bad(f"{len(found) - len(rows)} of {len(found)} segments without times or text", 0)
    return rows


def _segment(segment: dict[str, Any]) -> Utterance | None:
    text, speaker = str(segment.get("text", "")).strip(), str(segment.get("speaker") or "")
    offsets = segment.get("offsets")
    start, end, unit = (
        (offsets.get("from"), offsets.get("to"), 1000)
        if isinstance(offsets, dict)
        else (segment.get("start"), segment.get("end"), 1)
    )
    if not text or not isinstance(start, int | float) or not isinstance(end, int | float) or not 0 <= start <= end:
        return None
    return Utterance(start / unit, min(end / unit, 1e7), speaker, text) if start / unit < 1e7 else None


def _meet_document(ledger: Ledger) -> list[Row]:
    """Meet's document: the time on a line of its own every few minutes, below it ``Name: text``. Between two times the
    text is laid out at the usual pace of speech, pressed together where it is too long."""
    lines = ledger.lines
    starts = [row for row, line in enumerate(lines) if _STAMP.fullmatch(line.strip())]
    rows: list[Row] = []
    ledger.structure(*range(starts[0] if starts else 0))
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        t0_s = position_seconds(lines[start])
        until_s = position_seconds(lines[end]) if end < len(lines) else None
        if t0_s is None or (until_s is not None and until_s < t0_s):
            ledger.bad("a time that is none, or runs backwards", start)
            t0_s = t0_s or 0.0
            until_s = None
        else:
            ledger.structure(start)
        said: list[tuple[str, str]] = []
        for row in range(start + 1, end):
            text = lines[row].strip()
            if not text:
                continue
            if _MEET_END.match(text):
                ledger.structure(row)
                continue
            name, spoken = _split_name(text)
            if not name and not said:
                continue
            ledger.use(row)
            if name:
                said.append((name, spoken))
            else:
                said[-1] = (said[-1][0], f"{said[-1][1]} {text}")
        rows += _laid_out(said, t0_s, until_s)
    return rows


def _laid_out(said: list[tuple[str, str]], t0_s: float, until_s: float | None) -> list[Utterance]:
    seconds = [max(1.0, len(text.split()) / WORDS_PER_S) for _, text in said]
    squeeze = 1.0 if until_s is None else min(1.0, (until_s - t0_s) / max(sum(seconds), 1e-9))
    rows = []
    for (name, text), length in zip(said, seconds, strict=True):
        rows.append(Utterance(t0_s, t0_s + length * squeeze, name, text))
        t0_s += length * squeeze
    return rows


def _split_name(text: str) -> tuple[str, str]:
    match = _NAME.match(text)
    if match is None or len(match[1].split()) > 6:
        return "", text
    return match[1].strip(), text[match.end() :].strip()


def _plain(text: str) -> str:
    """A line without tags and escapes."""
    return re.sub(r"\s+", " ", html.unescape(_TAGS.sub("", text))).strip()
