"""The report of one session, derived from what is stored and never changing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reports import charts, people, quality, summary
from reports.document import document
from reports.facts import facts_of, numbers
from reports.stored import said
from reports.summary import Headline
from reports.words import Words, words_in

if TYPE_CHECKING:
    from emorec.store import Session

__all__ = ["Headline", "headline", "render"]


def headline(session: Session, language: str = "en") -> list[Headline]:
    """The headline figures of a session, in order: duration, people, faces seen, attention, engagement, expression."""
    return summary.headline_of(facts_of(session), words_in(language))


def render(session: Session, language: str = "en") -> str:
    """One self-contained HTML document: works offline and from a mail attachment; the same session, the same text.

    Args:
        session: committed; only read.
        language: one of :data:`reports.i18n.LANGUAGES`.
    """
    words, facts = words_in(language), facts_of(session)
    group = [
        charts.attention_chart(session, facts, words),
        charts.emotion_chart(session, facts, words),
        charts.level_chart(session, facts, words),
    ]
    heat = people.heat_map(session, facts, words)
    attendance = people.attendance_chart(session, facts, words)
    sizes = charts.face_size_chart(session, words)
    drawn = [chart for chart in (*group, heat[0] if heat else None, attendance, sizes) if chart is not None]
    cards = people.cards(session, facts, words) if facts.measured else []
    data = {
        "figures": {chart.id: chart.figure for chart in drawn},
        "cards": [card["figure"] for card in cards],
    }
    metadata = session.metadata
    return document(
        "session.html",
        data,
        words,
        title=metadata["title"],
        course=metadata["course"],
        date=words.date(metadata["date"]),
        date_iso=metadata["date"],
        facts=facts,
        duration=words.duration(facts.duration_s),
        headline=summary.headline_of(facts, words),
        sentences=summary.sentences_of(session, facts, words),
        charts={chart.id: chart for chart in drawn},
        views=heat[1] if heat else [],
        column=words.duration(charts.coarse_bins(facts).width_s),
        key=people.expression_key(facts, words),
        cards=cards,
        moments=quality.moment_rows(session, words),
        personal_moments=quality.personal_moment_rows(session, words),
        all_moments=facts.moments,
        group_table=quality.group_table(session, facts, words),
        people_table=quality.people_table(session, words),
        quality=quality.quality_rows(session, facts, words),
        left_out=quality.left_out_rows(session, words),
        provenance=quality.provenance_rows(session, facts, words),
        warnings=[said(text, words) for text in metadata["warnings"]],
        emorec=metadata["emorec"],
        window=words.duration(facts.window_s),
        rate=_rate(session, words),
        truncated=facts.read_until_s < facts.duration_s - 2,
        read_until=words.clock(facts.read_until_s),
    )


def _rate(session: Session, words: Words) -> str:
    """Samples per second, as the group's samples lie; without them (aggregate) as they were counted."""
    t_s = numbers(session.group, "t")
    if len(t_s) > 1:
        return _two_digits(1 / float(np.median(np.diff(t_s))), words)
    samples = session.metadata["counts"].get("samples")
    duration_s = session.metadata["recording"]["duration_s"]
    return _two_digits(samples / duration_s, words) if samples and duration_s else ""


def _two_digits(value: float, words: Words) -> str:
    short = f"{value:.2g}"
    return words.number(float(short), len(short.partition(".")[2]))
