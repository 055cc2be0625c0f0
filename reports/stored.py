"""Sentences that sessions store in English, said in the reader's language.

A session holds some sentences for people: what a moment was, why a track was left out, warnings. They are stored once,
in English; here are their forms, so that a report in another language can take them apart and say them again. What has
none of these forms stays as it is.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from reports.words import Words

__all__ = ["FORMS", "said"]


def mark(form: str) -> str:
    """Mark a form for extraction into the catalogs."""
    return form


FORMS: Final = (
    # Moments.
    mark("The group's attention rose to %(value)s (usually %(usual)s), %(people)s participants together."),
    mark("The group's attention fell to %(value)s (usually %(usual)s), %(people)s participants together."),
    mark("The group's engagement rose to %(value)s (usually %(usual)s), %(people)s participants together."),
    mark("The group's engagement fell to %(value)s (usually %(usual)s), %(people)s participants together."),
    mark("%(some)s of %(all)s visible participants smiled or laughed at once."),
    mark("The group's attention rose."),
    mark("The group's attention fell."),
    mark("The group's engagement rose."),
    mark("The group's engagement fell."),
    mark("Several people smiled or laughed at once."),
    mark("Not in the picture for %(minutes)s minutes, then back."),
    # Reasons to leave a track out.
    mark("seen for %(time)s s only"),
    mark("never seen for longer than %(time)s s"),
    mark("others are seen far longer"),
    mark("tiny beside the other faces (%(width)s px)"),
    mark("only %(width)s px wide"),
    mark("found with a low score (%(score)s)"),
    mark("no face mesh fits (%(score)s)"),
    mark("a face mesh hardly fits (%(score)s)"),
    mark("still while its surroundings move"),
    mark("a still picture"),
    mark("moves in still surroundings"),
    mark("outside every tile"),
    mark("without one crop good enough to recognise"),
    mark("too briefly to tell who it is"),
    mark("its crops do not look like one face (%(spread)s)"),
    mark("too short to be recognised, and nobody near it"),
    mark("no reason given"),
    mark("never moves, while others do (%(change)s)"),
    mark("in one picture with somebody who moves"),
    mark("small in its tile (%(share)s of its height)"),
    mark("only ever in a tile far larger than the others"),
    mark("not among the tiles when the gallery shows everybody"),
    # Warnings.
    mark("no participant was found in the recording"),
    mark("most faces are too small for their eyes to be measured: attention there is from head pose alone"),
    mark("fewer than %(least)s participants: in privacy mode aggregate their values are suppressed"),
    mark(
        "%(file)s: when the recording began on its clock is not known; taken to be when the meeting began, as the file "
        "says"
    ),
    mark("%(file)s: when the recording began on its clock is not known; taken to be at the first entry of the file"),
    mark("%(file)s: no entry lies within the recording; it may be of another one"),
    mark("%(file)s: %(some)s of %(all)s entries lie outside the recording"),
    mark("%(file)s: %(some)s of %(all)s lines could not be used (%(lines)s)"),
    mark(
        "%(file)s: %(some)s of %(all)s participants with a face could not be told apart by name; `emorec set "
        "%(session)s --label P01=Name` says who is who"
    ),
    mark("the file states %(stated)s s, but its pictures end at %(end)s s"),
    mark("times go back at %(time)s s; what repeats earlier times is left out"),
    mark("no picture could be read from %(from)s s to %(to)s s"),
    mark("1 damaged packet passed over"),
    mark("1 damaged packet passed over between %(first)s s and %(last)s s"),
    mark("%(lost)s damaged packets passed over"),
    mark("%(lost)s damaged packets passed over between %(first)s s and %(last)s s"),
)
"""Every form of a stored sentence; ``%(name)s`` stands for what differs."""

_NUMBER = re.compile(r"(?<![\d.])\d+\.\d+(?![\d.])")


def said(text: str, words: Words) -> str:
    """A stored sentence in the reader's language; parts joined by ``; `` are sentences of their own."""
    if words.language == "en":
        return text
    whole = _said(text, words)
    return whole if whole is not None else "; ".join(_said(part, words) or part for part in text.split("; "))


def _said(text: str, words: Words) -> str | None:
    for form, pattern in _patterns():
        if found := pattern.fullmatch(text):
            values = {
                name: _NUMBER.sub(lambda n: _local(n[0], words), value) for name, value in found.groupdict().items()
            }
            return words.gettext(form, **values)
    return None


def _local(number: str, words: Words) -> str:
    return words.number(float(number), len(number.split(".")[1]))


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(
        (form, re.compile(re.sub(r"%\\\((\w+)\\\)s", r"(?P<\1>.+?)", re.escape(form), flags=re.ASCII)))
        for form in FORMS
    )
