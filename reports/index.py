"""The index of a store: all its sessions, by course, with the trend of each, rebuilt from the sessions alone."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emorec.pages import INDEX
from emorec.version import __version__
from reports.document import document
from reports.entries import Entry, entries_of
from reports.theme import RELEASED, Theme
from reports.trend import path_of, trend_of
from reports.words import Words, known, words_in

if TYPE_CHECKING:
    from emorec.store import Store

__all__ = ["course_page", "pages", "render"]


def pages(
    store: Store, language: str = "en", kept: Iterable[str] = (), theme: Path | None = None
) -> dict[str, str | None]:
    """The pages that a store's index consists of, by name: ``index.html``, and those of courses' own pages that are
    ``kept``; None for a page whose course is gone."""
    entries, broken = entries_of(store)
    words, look = words_in(language), Theme(theme)
    made: dict[str, str | None] = {INDEX: render(entries, words, broken, look)}
    by_page: dict[str, list[Entry]] = {}
    for entry in entries:
        by_page.setdefault(course_page(entry.course), []).append(entry)
    for name in sorted(set(kept)):
        made[name] = render(by_page[name], words, 0, look) if name in by_page else None
    return made


def course_page(course: str) -> str:
    """The name of a course's own page: readable, and of that course alone."""
    readable = re.sub(r"[^a-z0-9]+", "-", _folded(course)).strip("-")[:40]
    return f"index-{readable}-{hashlib.sha256(course.encode()).hexdigest()[:6]}.html"


def render(entries: Sequence[Entry], words: Words, broken: int = 0, theme: Theme = RELEASED) -> str:
    """One page without any script but its own: small, offline, the same for the same sessions.

    Args:
        entries: of all sessions to be shown, in the order in which they stand.
        words: of the page's language.
        broken: how many sessions could not be read.
        theme: the look.
    """
    courses = _courses(entries)
    trends = [trend for name, of_course in courses if (trend := trend_of(name, of_course, words))]
    places = {name: place for place, (name, _) in enumerate(courses)}
    data = {
        "courses": [name for name, _ in courses],
        "rows": [
            [
                places[entry.course],
                entry.date,
                entry.title.casefold(),
                _plain(entry.duration_s),
                entry.people,
                _plain(entry.seen),
                _plain(entry.attention),
                _plain(entry.high),
            ]
            for entry in entries
        ],
        "fields": ["course", "date", "title", "duration", "people", "seen", "attention", "high"],
        "ids": [entry.id for entry in entries],
        "language": words.language,
        "texts": {
            "shown": words.gettext("Shown: %(shown)s of %(all)s", shown="{shown}", all="{all}"),
            "none": words.gettext("No session matches."),
            "one": words.gettext("One session chosen; choose another to compare."),
            "two": words.gettext("Two sessions chosen."),
            "whole": words.gettext("All charts of both on one page: %(command)s", command="emorec compare {a} {b}"),
        },
    }
    return document(
        "index.html",
        data,
        words,
        theme=theme,
        script="index.js",
        styles=("report.css", "index.css"),
        plotly=False,
        title=courses[0][0] if len(courses) == 1 and courses[0][0] != "general" else words.gettext("Sessions"),
        emorec=__version__,
        rows=[_row(entry, words) for entry in entries],
        courses=[_course(name, of_course, words) for name, of_course in courses],
        trends=trends,
        columns=[
            ("title", words.gettext("Session")),
            ("date", words.gettext("Date")),
            ("people", words.gettext("People")),
            ("seen", words.gettext("Faces seen")),
            ("attention", words.gettext("Attention")),
            ("high", words.gettext("High engagement")),
        ],
        meta=_meta(entries, courses, words),
        broken=broken,
    )


def _courses(entries: Sequence[Entry]) -> list[tuple[str, list[Entry]]]:
    """Entries by course, courses by name."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.course, []).append(entry)
    return sorted(found.items(), key=lambda item: (_folded(item[0]), item[0]))


def _folded(text: str) -> str:
    """Text without case and accents, for sorting and for names of files."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()


def _row(entry: Entry, words: Words) -> dict[str, Any]:
    """A session as the table shows it."""
    curve = np.array(entry.curve)
    return {
        "entry": entry,
        "date": words.date(entry.date, "medium"),
        "duration": words.duration(entry.duration_s),
        "people": words.gettext("too few to tell") if entry.people is None else words.number(entry.people),
        "seen": words.share(entry.seen) if known(entry.seen) else "–",
        "attention": words.score(entry.attention) if known(entry.attention) else "–",
        "high": words.share(entry.high) if known(entry.high) else "–",
        "curve": path_of((np.arange(len(curve)) + 0.5) / max(len(curve), 1) * 100, (1 - curve) * 100),
    }


def _course(name: str, entries: Sequence[Entry], words: Words) -> dict[str, Any]:
    """A course as the list of courses shows it."""
    ordered = sorted(entries, key=lambda entry: entry.order)
    attention = np.array([entry.attention for entry in ordered])
    seen = attention[np.isfinite(attention)]
    low, high = (words.score(float(pick(seen))) for pick in (np.min, np.max)) if len(seen) else ("", "")
    return {
        "name": name,
        "count": len(ordered),
        "latest": words.date(ordered[-1].date, "medium"),
        "attention": "–" if not len(seen) else low if low == high else f"{low}–{high}",
        "curve": path_of((np.arange(len(attention)) + 0.5) / len(attention) * 100, (1 - attention) * 100),
    }


def _meta(entries: Sequence[Entry], courses: Sequence[Any], words: Words) -> str:
    """How much there is, in a line."""
    if not entries:
        return ""
    count = words.ngettext("%(num)s session", "%(num)s sessions", len(entries))
    dates = sorted(entry.order[0] for entry in entries if entry.order[0])
    span = []
    if dates:
        first, last = (words.date(date, "medium") for date in (dates[0], dates[-1]))
        span = [first if first == last else f"{first} – {last}"]
    several = [words.ngettext("%(num)s course", "%(num)s courses", len(courses))] if len(courses) > 1 else []
    return " · ".join([count, *several, *span])


def _plain(value: float) -> float | None:
    return round(float(value), 4) if known(value) else None
