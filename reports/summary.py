"""A session in figures and plain sentences, written from its data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from reports import words
from reports.charts import moments_in_order
from reports.facts import Facts, numbers
from reports.series import Bins, Steps, bins_for, mean_in_bins, steps_of

if TYPE_CHECKING:
    from emorec.store import Session

__all__ = ["Headline", "headline_of", "sentences_of"]


@dataclass(frozen=True)
class Headline:
    """A headline figure: what it is called, its text, what it means, and its number (None where it is not one)."""

    key: str
    label: str
    text: str
    note: str
    value: float | None


def headline_of(facts: Facts) -> list[Headline]:
    """The figures at the head of a report, in order."""
    return [
        Headline("duration", "Duration", words.duration(facts.duration_s), _read_note(facts), facts.duration_s),
        _people(facts),
        Headline(
            "seen",
            "Faces seen",
            words.share(facts.seen),
            "of people's time in the picture" if words.known(facts.seen) else "",
            _number(facts.seen),
        ),
        Headline(
            "attention",
            "Attention",
            words.score(facts.attention),
            "group mean; 0 turned away, 1 facing the screen" if words.known(facts.attention) else "",
            _number(facts.attention),
        ),
        _engagement(facts),
        *([_expression(facts)] if facts.with_emotions else []),
    ]


def sentences_of(session: Session, facts: Facts) -> list[str]:
    """Three or four sentences that say what happened, for somebody who reads nothing else."""
    if facts.nobody:
        return [
            f"No participant was found in this recording of {words.duration(facts.duration_s)}.",
            "Nothing can be said about attention or engagement. If people should be there, check that the recording "
            "shows their video and not only a shared screen.",
        ]
    if facts.suppressed:
        return [
            f"The recording lasts {words.duration(facts.duration_s)}.",
            "The group is too small: figures of so few people would give single persons away, so they are not kept.",
        ]
    sentences = [_who(facts)]
    if not facts.measured:
        why = "fewer than five faces were visible at a time" if facts.aggregate else "no face could be measured"
        sentences.append(f"Attention and engagement cannot be given, because {why}; the number of people can.")
        return sentences
    sentences.append(_attention(session, facts))
    sentences += [text for text in (_mood(session, facts), _moment(session, facts)) if text]
    return sentences


def _read_note(facts: Facts) -> str:
    # A recording's last picture ends a little before its nominal end.
    if facts.read_until_s < facts.duration_s - 2:
        return f"readable until {words.clock(facts.read_until_s)} only"
    return ""


def _people(facts: Facts) -> Headline:
    if facts.people is None:
        return Headline("people", "People", "too few to tell", "", None)
    at_once = f"at most {facts.at_once:.0f} at once" if facts.at_once_tells else ""
    return Headline("people", "People", str(facts.people), at_once, facts.people)


def _engagement(facts: Facts) -> Headline:
    if not facts.levels:
        return Headline("engagement", "Engagement", words.NOT_ENOUGH, "", None)
    shares = [f"{words.share(facts.levels[level])} {level}" for level in ("medium", "low")]
    return Headline(
        "engagement",
        "Engagement",
        f"{words.share(facts.levels['high'])} high",
        f"{', '.join(shares)}, of the time that could be judged",
        facts.levels["high"],
    )


def _expression(facts: Facts) -> Headline:
    if not facts.emotions:
        return Headline("expression", "Displayed most", words.NOT_ENOUGH, "", None)
    first, second = sorted(facts.emotions, key=lambda name: -facts.emotions[name])[:2]
    return Headline(
        "expression",
        "Displayed most",
        words.EMOTION_WORDS[first].capitalize(),
        f"{words.share(facts.emotions[first])}, then {words.EMOTION_WORDS[second]} "
        f"{words.share(facts.emotions[second])}",
        facts.emotions[first],
    )


def _number(value: float) -> float | None:
    return round(value, 4) if words.known(value) else None


def _who(facts: Facts) -> str:
    text = f"{words.people(facts.people or 0).capitalize()} took part"
    if facts.at_once_tells:
        text += f", at most {facts.at_once:.0f} at once"
    if facts.unseen:
        return f"{text}; no face was visible at any time: cameras stayed off."
    faces = "the face" if facts.people == 1 else "faces"
    return f"{text}; {faces} could be seen {words.share(facts.seen)} of the time in the picture."


SHORTEST_STEP: Final = 0.06
"""Share of the recording that a change of attention must last at least to be told."""


def _attention(session: Session, facts: Facts) -> str:
    windows = session.group_windows
    bins = bins_for(facts.duration_s, most=120, at_least_s=facts.window_s)
    curve = mean_in_bins(numbers(windows, "t0"), numbers(windows, "attention"), bins)
    # What only a few of the group show is not the group's attention: the start and the end, when people come and go.
    visible = mean_in_bins(numbers(windows, "t0"), numbers(windows, "visible"), bins)
    curve[~(visible >= 0.25 * np.nanmax(visible))] = np.nan
    steps = steps_of(curve, shortest=max(2, round(bins.count * SHORTEST_STEP)))
    whose = "The participant's attention" if facts.people == 1 else "Attention"
    return f"{whose} {_course(steps, bins, facts)}."


def _course(steps: Steps, bins: Bins, facts: Facts) -> str:
    first, *later = steps.stretches or (None,)
    if first is None:
        return f"was {words.score(facts.attention)} on average"
    if not later:
        return f"held near {words.score(first.mean)} throughout"
    if steps.slope is not None:
        start, end = first.mean, later[-1].mean
        return (
            f"{'rose' if steps.slope > 0 else 'declined'} gradually, from about {words.score(start)} "
            f"at first to {words.score(end)} at the end"
        )
    text, before = f"held near {words.score(first.mean)}", first.mean
    for i, step in enumerate(later):
        at = words.when(step.first * bins.width_s, facts.duration_s)
        verb = "fell" if step.mean < before else "rose"
        text += f" until {at}, when it {verb}" if i == 0 else f", and {verb} at {at}"
        text += f" to about {words.score(step.mean)}"
        before = step.mean
    return text


def _mood(session: Session, facts: Facts) -> str:
    return _expressions(session, facts) if facts.emotions else _levels(facts)


def _levels(facts: Facts) -> str:
    if not facts.levels:
        return ""
    high, medium, low = (words.share(facts.levels[level]) for level in ("high", "medium", "low"))
    return f"Engagement was high in {high} of the time that could be judged, medium in {medium} and low in {low}."


def _expressions(session: Session, facts: Facts) -> str:
    ranked = sorted(facts.emotions, key=lambda name: -facts.emotions[name])
    first = ranked[0]
    text = f"Displayed expressions were mostly {_adjective(first)} ({words.share(facts.emotions[first])})"
    bins = bins_for(facts.duration_s, most=60, at_least_s=facts.window_s)
    windows = session.group_windows
    happy = mean_in_bins(numbers(windows, "t0"), numbers(windows, "happy"), bins)
    if not np.isfinite(happy).any():
        return f"{text}."
    peak = int(np.nanargmax(happy))
    # A peak is worth telling when it stands out from the rest, not for being the highest of equals.
    if happy[peak] < facts.emotions["happy"] + max(0.1, 2 * float(np.nanstd(happy))):
        return f"{text}."
    at = words.when((peak + 0.5) * bins.width_s, facts.duration_s)
    return f"{text}; smiles were most frequent around {at} ({words.share(happy[peak])})."


def _adjective(emotion: str) -> str:
    return {"sad": "sad", "surprise": "surprised", "disgust": "disgusted", "fear": "fearful"}.get(emotion, emotion)


def _moment(session: Session, facts: Facts) -> str:
    moments = moments_in_order(session)
    if not moments:
        return ""
    best = max(moments, key=lambda moment: float(moment["strength"]))
    others = facts.moments - 1
    more = f" {others} more {'is' if others == 1 else 'are'} marked below." if others else ""
    detail = str(best["detail"] or best["kind"]).rstrip(".")
    return (
        f"The clearest moment of the group came at {words.clock(best['t0'])}: {detail[:1].lower()}{detail[1:]}.{more}"
    )
