"""What was said and written in a session: around a time, by whom, which questions, in which chapter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from reports.facts import numbers
from reports.words import Words

if TYPE_CHECKING:
    from emorec.store import Session

__all__ = [
    "Asked",
    "around",
    "asked",
    "chapter_at",
    "chapter_name",
    "chapters_of",
    "instructor_of",
    "question_at",
    "question_line",
    "talk_of",
    "who_of",
]

Float = NDArray[np.float64]

AFTER_S: Final = 30.0
"""How long the group is looked at after a question, s; likewise before it."""
BEFORE_MOMENT_S: Final = 15.0
"""What was said so long before a moment belongs to it, s: what a group reacts to comes first."""
INTO_MOMENT_S: Final = 10.0
QUESTION_BEFORE_S: Final = 60.0
"""A question so long before a moment may be what it answers to, s."""
LONGEST_QUOTE: Final = 220


@dataclass(frozen=True)
class Asked:
    """A question at ``t_s``, of speech or ``chat``; ``before`` and ``after``: the group's attention in the half minute
    up to it and from its end on (NaN where it is not known); ``others``: how many people spoke or wrote after it."""

    t_s: float
    end_s: float
    who: str
    text: str
    words: int
    chat: bool
    before: float
    after: float
    others: int


def chapters_of(session: Session) -> list[dict[str, Any]]:
    """The chapters, in order."""
    rows: list[dict[str, Any]] = session.table("chapters").to_pylist()
    return rows


def chapter_at(chapters: list[dict[str, Any]], t_s: float) -> dict[str, Any] | None:
    """The chapter at a time."""
    return next((row for row in reversed(chapters) if row["t0"] <= t_s < row["t1"]), None)


def chapter_name(chapter: dict[str, Any], words: Words) -> str:
    """A chapter's title, or what it is and its number."""
    if chapter["title"]:
        return str(chapter["title"])
    return words.gettext("slide %(number)s", number=chapter["chapter"])


def who_of(session: Session, row: dict[str, Any]) -> str:
    """Who said or wrote something: the participant's label, else what the session calls them; "" if nobody knows."""
    labels = dict(zip(session.participants["participant"], session.participants["label"], strict=True))
    if row["participant"]:
        return str(labels.get(row["participant"]) or row["participant"])
    return str(row.get("speaker") or row.get("author") or "")


def instructor_of(session: Session) -> str | None:
    """Who leads, as the session says it: the label of a participant, or a name."""
    known = session.metadata.get("instructor")
    if not known:
        return None
    labels = dict(zip(session.participants["participant"], session.participants["label"], strict=True))
    return str(labels.get(known) or known)


def talk_of(session: Session) -> list[tuple[str, float]]:
    """Seconds of speech of everybody who spoke, most first; "" for what nobody is known to have said."""
    seconds: dict[str, float] = {}
    for row in session.table("speech").to_pylist():
        name = who_of(session, row)
        seconds[name] = seconds.get(name, 0.0) + row["t1"] - row["t0"]
    return sorted(seconds.items(), key=lambda item: (-item[1], item[0]))


def asked(session: Session) -> list[Asked]:
    """All questions, by time."""
    speech, chat = session.table("speech").to_pylist(), session.table("chat").to_pylist()
    t_s, attention = _attention(session)
    found = []
    for row in [row for row in (*speech, *chat) if row["question"]]:
        spoken = "t0" in row
        start, end = (row["t0"], row["t1"]) if spoken else (row["t"], row["t"])
        who = who_of(session, row)
        later = {who_of(session, other) for other in speech if end <= other["t0"] <= end + AFTER_S}
        later |= {who_of(session, other) for other in chat if end < other["t"] <= end + AFTER_S}
        found.append(
            Asked(
                t_s=start,
                end_s=end,
                who=who,
                text=_shortened(row["text"] or ""),
                words=row["words"] if spoken else 0,
                chat=not spoken,
                before=_mean(attention[(t_s >= start - AFTER_S) & (t_s < start)]),
                after=_mean(attention[(t_s >= end) & (t_s < end + AFTER_S)]),
                others=len(later - {who, ""}),
            )
        )
    return sorted(found, key=lambda question: question.t_s)


def around(session: Session, t0_s: float, t1_s: float, words: Words) -> list[str]:
    """Sentences on what was being said around a moment: the chapter, the question asked, who spoke, and what."""
    _ = words.gettext
    lines = []
    chapter = chapter_at(chapters_of(session), t0_s)
    if chapter is not None:
        lines.append(_("In “%(chapter)s”.", chapter=chapter_name(chapter, words)))
    question = question_at(session, t0_s, t1_s)
    if question is not None:
        lines.append(question_line(question, words))
    said = [
        row
        for row in session.table("speech").to_pylist()
        if row["t1"] >= t0_s - BEFORE_MOMENT_S and row["t0"] <= min(t1_s, t0_s + INTO_MOMENT_S)
    ]
    who = [name for name in dict.fromkeys(who_of(session, row) for row in said) if name]
    if who:
        lines.append(_("Then spoke: %(people)s.", people=words.joined(who)))
    texts = [row["text"] for row in said if row["text"]]
    if texts:
        lines.append(_("Was said: “%(text)s”", text=_ending(" ".join(texts))))
    return lines


def question_at(session: Session, t0_s: float, t1_s: float) -> Asked | None:
    """The question that a moment may answer to: the last one that was spoken, else written, shortly before or in it."""
    near = [q for q in asked(session) if t0_s - QUESTION_BEFORE_S <= q.t_s <= t1_s]
    return max(near, key=lambda q: (not q.chat, q.t_s), default=None)


def question_line(question: Asked, words: Words) -> str:
    """A question in a sentence, with its time, who asked it, and its text where that was kept."""
    at = words.clock(question.t_s)
    if question.text and question.who:
        return words.gettext("%(who)s had asked at %(at)s: “%(text)s”", who=question.who, at=at, text=question.text)
    if question.text:
        return words.gettext("Asked at %(at)s: “%(text)s”", at=at, text=question.text)
    if question.who:
        return words.gettext("%(who)s had asked a question at %(at)s.", who=question.who, at=at)
    return words.gettext("A question was asked at %(at)s.", at=at)


def _attention(session: Session) -> tuple[Float, Float]:
    group = session.group
    return numbers(group, "t"), numbers(group, "attention")


def _mean(values: Float) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _ending(text: str) -> str:
    """The last part of a text: what was said right then."""
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_QUOTE else "… " + text[-LONGEST_QUOTE:].split(" ", 1)[-1]


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1].rsplit(" ", 1)[0] + " …"
