"""A session in figures and plain sentences, written from its data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from reports.context import Context, Part
from reports.facts import Facts, analysis_of, numbers
from reports.moments import moments_in_order
from reports.series import Bins, Steps, bins_for, mean_in_bins, steps_of
from reports.spoken import chapter_at, chapter_name, chapters_of, question_at, question_line
from reports.stored import said
from reports.words import LEVELS, Words, known

if TYPE_CHECKING:
    from emorec.store import Session

__all__ = ["Headline", "headline_of", "opening", "sentences_of"]


@dataclass(frozen=True)
class Headline:
    """A headline figure: what it is called, its text, what it means, and its number (None where it is not one)."""

    key: str
    label: str
    text: str
    note: str
    value: float | None


def opening(context: Context) -> Part:
    """What this was, what happened, the figures at a glance, and what must be known before they are used."""
    metadata, facts, words = context.session.metadata, context.facts, context.words
    values = {
        "title": metadata["title"],
        "course": metadata["course"],
        "date": words.date(metadata["date"]),
        "date_iso": metadata["date"],
        "duration": words.duration(facts.duration_s),
        "warnings": [said(text, words) for text in metadata["warnings"]],
        "truncated": facts.read_until_s < facts.duration_s - 2,
        "read_until": words.clock(facts.read_until_s),
        "sentences": sentences_of(context.session, facts, words),
        "headline": headline_of(facts, words),
    }
    return Part("opening.html", values)


def headline_of(facts: Facts, words: Words) -> list[Headline]:
    """The figures at the head of a report, in order."""
    _ = words.gettext
    return [
        Headline(
            "duration", _("Duration"), words.duration(facts.duration_s), _read_note(facts, words), facts.duration_s
        ),
        _people(facts, words),
        Headline(
            "seen",
            _("Faces seen"),
            words.share(facts.seen),
            _("of people's time in the picture") if known(facts.seen) else "",
            _number(facts.seen),
        ),
        Headline(
            "attention",
            _("Attention"),
            words.score(facts.attention),
            _attention_note(facts, words),
            _number(facts.attention),
        ),
        _engagement(facts, words),
        *([_expression(facts, words)] if facts.with_emotions else []),
    ]


def sentences_of(session: Session, facts: Facts, words: Words) -> list[str]:
    """Three or four sentences that say what happened, for somebody who reads nothing else."""
    _, duration = words.gettext, words.duration(facts.duration_s)
    if facts.nobody:
        return [
            _("No participant was found in this recording of %(duration)s.", duration=duration),
            _(
                "Nothing can be said about attention or engagement. If people should be there, check that the "
                "recording shows their video and not only a shared screen."
            ),
        ]
    if facts.suppressed:
        return [
            _("The recording lasts %(duration)s.", duration=duration),
            _("The group is too small: figures of so few people would give single persons away, so they are not kept."),
        ]
    sentences = [_who(facts, words)]
    if not facts.measured:
        sentences.append(
            _(
                "Attention and engagement cannot be given: in this privacy mode they are means of fixed groups of at "
                "least %(least)s people, and at no time could all faces of such a group be measured. The number of "
                "people can.",
                least=words.number(analysis_of(session.metadata).least_group),
            )
            if facts.aggregate
            else _(
                "Attention and engagement cannot be given, because no face could be measured; the number of people can."
            )
        )
        return sentences
    sentences.append(_attention(session, facts, words))
    sentences += [text for text in (_mood(session, facts, words), _moment(session, facts, words)) if text]
    return sentences


def _read_note(facts: Facts, words: Words) -> str:
    # A recording's last picture ends a little before its nominal end.
    if facts.read_until_s < facts.duration_s - 2:
        return words.gettext("readable until %(until)s only", until=words.clock(facts.read_until_s))
    return ""


def _attention_note(facts: Facts, words: Words) -> str:
    if not known(facts.attention):
        return ""
    if facts.people == 1:
        return words.gettext("mean; 0 turned away, 1 facing the screen")
    return words.gettext("group mean; 0 turned away, 1 facing the screen")


def _people(facts: Facts, words: Words) -> Headline:
    label = words.gettext("People")
    if facts.people is None:
        return Headline("people", label, words.gettext("too few to tell"), "", None)
    note = words.gettext("at most %(most)s at once", most=words.number(facts.at_once)) if facts.at_once_tells else ""
    return Headline("people", label, words.number(facts.people), note, facts.people)


def _engagement(facts: Facts, words: Words) -> Headline:
    label = words.gettext("Engagement")
    if not facts.levels:
        return Headline("engagement", label, words.not_enough, "", None)
    high, medium, low = (f"{words.share(facts.levels[level])} {words.level(level)}" for level in LEVELS[::-1])
    note = words.gettext("%(medium)s, %(low)s, of the time that could be judged", medium=medium, low=low)
    return Headline("engagement", label, high, note, facts.levels["high"])


def _expression(facts: Facts, words: Words) -> Headline:
    label = words.gettext("Displayed most")
    if not facts.emotions:
        return Headline("expression", label, words.not_enough, "", None)
    first, second = sorted(facts.emotions, key=lambda name: -facts.emotions[name])[:2]
    note = words.gettext(
        "%(share)s, then %(second)s %(next)s",
        share=words.share(facts.emotions[first]),
        second=words.emotion(second),
        next=words.share(facts.emotions[second]),
    )
    return Headline("expression", label, words.emotion(first).capitalize(), note, facts.emotions[first])


def _number(value: float) -> float | None:
    return round(value, 4) if known(value) else None


def _who(facts: Facts, words: Words) -> str:
    if facts.at_once_tells:
        who = words.ngettext(
            "%(num)s person took part, at most %(most)s at once",
            "%(num)s people took part, at most %(most)s at once",
            facts.people or 0,
            most=words.number(facts.at_once),
        )
    else:
        who = words.ngettext("%(num)s person took part", "%(num)s people took part", facts.people or 0)
    if facts.unseen:
        return words.gettext("%(who)s; no face was visible at any time: cameras stayed off.", who=who)
    share = words.share(facts.seen)
    if facts.people == 1:
        return words.gettext(
            "%(who)s; the face could be seen %(share)s of the time in the picture.", who=who, share=share
        )
    return words.gettext("%(who)s; faces could be seen %(share)s of the time in the picture.", who=who, share=share)


SHORTEST_STEP: Final = 0.06
"""Share of the recording that a change of attention must last at least to be told."""


def _attention(session: Session, facts: Facts, words: Words) -> str:
    windows = session.group_windows
    bins = bins_for(facts.duration_s, most=120, at_least_s=facts.window_s)
    curve = mean_in_bins(numbers(windows, "t0"), numbers(windows, "attention"), bins)
    # What only a few of the group show is not the group's attention: the start and the end, when people come and go.
    visible = mean_in_bins(numbers(windows, "t0"), numbers(windows, "visible"), bins)
    curve[~(visible >= 0.25 * np.nanmax(visible))] = np.nan
    steps = steps_of(curve, shortest=max(2, round(bins.count * SHORTEST_STEP)))
    return _course(steps, bins, facts, words)


def _course(steps: Steps, bins: Bins, facts: Facts, words: Words) -> str:
    """The course of attention as a sentence: each of its shapes is a text of its own, so that it can be translated."""
    _ = words.gettext
    first, *later = steps.stretches or (None,)
    if first is None:
        return _("Attention was %(mean)s on average.", mean=words.score(facts.attention))
    if not later:
        return _("Attention held near %(mean)s throughout.", mean=words.score(first.mean))
    if steps.slope is not None:
        ends = {"start": words.score(first.mean), "end": words.score(later[-1].mean)}
        if steps.slope > 0:
            return _("Attention rose gradually, from about %(start)s at first to %(end)s at the end.", **ends)
        return _("Attention declined gradually, from about %(start)s at first to %(end)s at the end.", **ends)
    parts, before = [], first.mean
    for i, step in enumerate(later):
        values = {
            "before": words.score(before),
            "at": words.when(step.first * bins.width_s, facts.duration_s),
            "to": words.score(step.mean),
        }
        fell = step.mean < before
        if i == 0 and fell:
            parts.append(_("Attention held near %(before)s until %(at)s, when it fell to about %(to)s", **values))
        elif i == 0:
            parts.append(_("Attention held near %(before)s until %(at)s, when it rose to about %(to)s", **values))
        elif fell:
            parts.append(_("fell at %(at)s to about %(to)s", **values))
        else:
            parts.append(_("rose at %(at)s to about %(to)s", **values))
        before = step.mean
    return f"{words.joined(parts)}."


def _mood(session: Session, facts: Facts, words: Words) -> str:
    return _expressions(session, facts, words) if facts.emotions else _levels(facts, words)


def _levels(facts: Facts, words: Words) -> str:
    if not facts.levels:
        return ""
    return words.gettext(
        "Engagement was high in %(high)s of the time that could be judged, medium in %(medium)s and low in %(low)s.",
        **{level: words.share(facts.levels[level]) for level in LEVELS},
    )


def _expressions(session: Session, facts: Facts, words: Words) -> str:
    ranked = sorted(facts.emotions, key=lambda name: -facts.emotions[name])
    first = {"expression": words.displayed(ranked[0]), "share": words.share(facts.emotions[ranked[0]])}
    mostly = words.gettext("Displayed expressions were mostly %(expression)s (%(share)s).", **first)
    bins = bins_for(facts.duration_s, most=60, at_least_s=facts.window_s)
    windows = session.group_windows
    happy = mean_in_bins(numbers(windows, "t0"), numbers(windows, "happy"), bins)
    if not np.isfinite(happy).any():
        return mostly
    peak = int(np.nanargmax(happy))
    # A peak is worth telling when it stands out from the rest, not for being the highest of equals.
    if happy[peak] < facts.emotions["happy"] + max(0.1, 2 * float(np.nanstd(happy))):
        return mostly
    return words.gettext(
        "Displayed expressions were mostly %(expression)s (%(share)s); smiles were most frequent around %(at)s "
        "(%(smiles)s).",
        **first,
        at=words.when((peak + 0.5) * bins.width_s, facts.duration_s),
        smiles=words.share(happy[peak]),
    )


def _moment(session: Session, facts: Facts, words: Words) -> str:
    moments = moments_in_order(session)
    if not moments:
        return ""
    best = max(moments, key=lambda moment: float(moment["strength"]))
    detail = said(str(best["detail"] or ""), words) or words.moment(best["kind"])
    text = words.gettext(
        "The clearest moment of the group came at %(at)s: %(what)s.",
        at=words.when(float(best["t0"]), facts.duration_s),
        what=detail[:1].lower() + detail[1:].rstrip("."),
    )
    chapter = chapter_at(chapters_of(session), float(best["t0"]))
    if chapter is not None:
        text += " " + words.gettext("It lies in “%(chapter)s”.", chapter=chapter_name(chapter, words))
    question = question_at(session, float(best["t0"]), float(best["t1"]))
    if question is not None:
        text += " " + question_line(question, words)
    others = facts.moments - 1
    if others:
        more = words.ngettext("%(num)s more is marked below.", "%(num)s more are marked below.", others)
        text = f"{text} {more}"
    return text
