"""Chats: Zoom's saved chat (local and cloud), Teams as it is copied out of a meeting, Meet's SBV."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from emorec.sidecars.cues import is_cues, read_cues
from emorec.sidecars.rows import Clock, Ledger, Message, Row, Sidecar
from emorec.sidecars.text import is_reaction
from emorec.sidecars.times import DAY_S, clock_seconds, day_comes_first, position_seconds, unrolled

__all__ = ["is_chat", "read_chat"]

HEAD_LINES: Final = 400
"""How many lines are looked at to say what a file is."""
_TIME = r"(?:\d{4}-\d{2}-\d{2}\s+)?\d{1,2}:\d{2}:\d{2}(?:\s?[AaPp][Mm])?"
# "10:02:11 From Jane Doe to Everyone:", in the older form with the message behind the colon; the words of several
# languages. A name may hold anything; "to" is the last one before the colon.
_FROM = re.compile(
    rf"(?P<time>{_TIME})[\s\t]+(?:From|Von|De|Da|Van|От|Von:|開始|寄件者|発信者)\s+(?P<name>.+?)"
    r"(?:\s+(?:to|To|an|An|a|para|Para|à|À|aan|Aan|до|кому|宛先|至)\s+(?P<to>[^:]+?))?\s*[:：](?:\s+(?P<text>\S.*))?",
)
# "00:01:23\tJane Doe:\tHello": cloud recordings, times of the recording.
_CLOUD = re.compile(r"(?P<time>\d{1,2}:\d{2}:\d{2})\t+\s*(?P<name>[^\t]+?)\s*:\s*\t\s*(?P<text>.*)")
# "[1/5/2024 10:02 AM] Jane Doe: Hello", "[10:02] Jane Doe" with the message below.
_BRACKET = re.compile(r"\[(?P<time>[^\]]*\d{1,2}[:.]\d{2}[^\]]*)\]\s*(?P<name>[^:\n]{1,80}?)\s*(?::\s*(?P<text>.*))?")
_REPLY = re.compile(r"\s*(?:Replying to|Antwort auf|En respuesta a|En réponse à|Respondendo a)\s+[\"“].*[\"”]:?\s*")
_PRIVATE = re.compile(r"\((?:Direct Message|Privately|Direktnachricht|Mensaje directo|Message direct)\)", re.IGNORECASE)


def is_chat(lines: Sequence[str]) -> str:
    """``zoom``, ``zoom cloud`` or ``teams``, or "" where a file is no such chat."""
    head = [line.strip() for line in lines[:HEAD_LINES] if line.strip()]
    for name, pattern in (("zoom cloud", _CLOUD), ("zoom", _FROM), ("teams", _BRACKET)):
        if any(pattern.fullmatch(line) for line in head):
            return name
    return ""


def read_chat(lines: list[str], encoding: str) -> Sidecar:
    """The messages of a chat in any of these formats, by what is in it."""
    ledger = Ledger(lines)
    name = is_chat(lines)
    if not name and (cues := is_cues(lines)):
        return ledger.close("chat", f"meet, {cues}", "recording", _meet(ledger, cues), encoding)
    if name == "zoom cloud":
        return ledger.close("chat", name, "recording", _blocks(ledger, _CLOUD, _positions), encoding)
    pattern = _FROM if name == "zoom" else _BRACKET
    texts = [match["time"] for line in lines if (match := pattern.fullmatch(line.strip()))]
    day_first, dated = day_comes_first(texts, default=False), False

    def clock(times: list[str]) -> list[float | None]:
        nonlocal dated
        moments = [clock_seconds(text, day_first=day_first) for text in times]
        dated = any(moment and moment[0] for moment in moments)
        if dated:
            return [
                moment[0].toordinal() * DAY_S - _EPOCH_S + moment[1] if moment and moment[0] else None
                for moment in moments
            ]
        known = iter(unrolled([moment[1] for moment in moments if moment]))
        return [next(known) if moment else None for moment in moments]

    rows = _blocks(ledger, pattern, clock)
    kind: Clock = "date" if dated else "day"
    return ledger.close("chat", name or "unknown", kind, rows, encoding)


_EPOCH_S: Final = 719_163 * DAY_S
"""1970-01-01 as days of the calendar, in s."""


def _positions(times: list[str]) -> list[float | None]:
    return [position_seconds(text) for text in times]


def _blocks(ledger: Ledger, pattern: re.Pattern[str], seconds: Callable[[list[str]], list[float | None]]) -> list[Row]:
    """Messages that begin with a line of the pattern and go on to the next one."""
    heads = [(row, m) for row, line in enumerate(ledger.lines) if (m := pattern.fullmatch(line.strip()))]
    times_s = seconds([match["time"] for _, match in heads])
    ends = [row for row, _ in heads[1:]] + [len(ledger.lines)]
    rows: list[Row] = []
    for (row, match), end, t_s in zip(heads, ends, times_s, strict=True):
        body = range(row + 1, end)
        quoted = [at for at in body if _REPLY.fullmatch(ledger.lines[at])]
        texts = [match["text"] or "", *(ledger.lines[at] for at in body if at not in quoted)]
        text = "\n".join(part.strip() for part in texts if part.strip())
        if t_s is None:
            ledger.bad("a message whose time is none", row, *body)
        elif not text:
            ledger.bad("a message without text", row, *body)
        else:
            ledger.use(row, *body)
            # Whom a message answers is said by a line of Zoom's own.
            ledger.structure(*quoted)
            rows.append(Message(t_s, _author(match["name"]), text, is_reaction(text)))
    return rows


def _meet(ledger: Ledger, name: str) -> list[Row]:
    rows: list[Row] = []
    for cue in read_cues(ledger, name):
        at = [row for row, _ in cue.text]
        author, colon, text = "\n".join(text.strip() for _, text in cue.text).partition(":")
        if colon and author.strip() and text.strip():
            ledger.use(*at)
            rows.append(Message(cue.t0_s, author.strip(), text.strip(), is_reaction(text)))
        else:
            ledger.bad("a message without an author", *at)
    return rows


def _author(name: str) -> str:
    return _PRIVATE.sub("", name).strip()
