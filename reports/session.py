"""The report of one session, derived from what is stored and never changing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reports import charts, people, quality, summary, words
from reports.document import document
from reports.facts import facts_of, numbers
from reports.summary import Headline

if TYPE_CHECKING:
    from emorec.store import Session

__all__ = ["Headline", "headline", "render"]


def headline(session: Session) -> list[Headline]:
    """The headline figures of a session, in order: duration, people, faces seen, attention, engagement, expression."""
    return summary.headline_of(facts_of(session))


def render(session: Session) -> str:
    """One self-contained HTML document: works offline and from a mail attachment; the same session, the same text."""
    facts = facts_of(session)
    group = [
        charts.attention_chart(session, facts),
        charts.emotion_chart(session, facts),
        charts.level_chart(session, facts),
    ]
    heat = people.heat_map(session, facts)
    attendance = people.attendance_chart(session, facts)
    sizes = charts.face_size_chart(session)
    drawn = [chart for chart in (*group, heat[0] if heat else None, attendance, sizes) if chart is not None]
    cards = people.cards(session, facts) if facts.measured else []
    data = {
        "figures": {chart.id: chart.figure for chart in drawn},
        "cards": [card["figure"] for card in cards],
    }
    metadata = session.metadata
    return document(
        "session.html",
        data,
        title=metadata["title"],
        course=metadata["course"],
        date=words.date_in_words(metadata["date"]),
        date_iso=metadata["date"],
        facts=facts,
        duration=words.duration(facts.duration_s),
        headline=summary.headline_of(facts),
        sentences=summary.sentences_of(session, facts),
        charts={chart.id: chart for chart in drawn},
        views=heat[1] if heat else [],
        column=words.duration(charts.coarse_bins(facts).width_s),
        key=people.expression_key(facts),
        cards=cards,
        moments=quality.moment_rows(session),
        personal_moments=quality.personal_moment_rows(session),
        all_moments=facts.moments,
        group_table=quality.group_table(session, facts),
        people_table=quality.people_table(session),
        quality=quality.quality_rows(session, facts),
        left_out=quality.left_out_rows(session),
        provenance=quality.provenance_rows(session, facts),
        warnings=metadata["warnings"],
        emorec=metadata["emorec"],
        window=words.duration(facts.window_s),
        rate=_rate(session),
        truncated=facts.read_until_s < facts.duration_s - 2,
        read_until=words.clock(facts.read_until_s),
    )


def _rate(session: Session) -> str:
    """Samples per second, as the group's samples lie; without them (aggregate) as they were counted."""
    t_s = numbers(session.group, "t")
    if len(t_s) > 1:
        return f"{1 / float(np.median(np.diff(t_s))):.2g}"
    samples = session.metadata["counts"].get("samples")
    duration_s = session.metadata["recording"]["duration_s"]
    return f"{samples / duration_s:.2g}" if samples and duration_s else ""
