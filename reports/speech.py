"""Said and asked: balance of talk, questions and what the group did then, attention by chapter."""

from __future__ import annotations

import html
from typing import Any, Final

import numpy as np

from reports.context import Context, Part, drawn
from reports.facts import numbers, weighted
from reports.figures import Chart, Table
from reports.series import plain
from reports.spoken import Asked, asked, chapter_name, chapters_of, instructor_of, talk_of
from reports.words import known

__all__ = ["spoken_part"]

MOST_SPEAKERS: Final = 12
MOST_QUESTIONS: Final = 200


def spoken_part(context: Context) -> Part | None:
    """What transcript, chat and chapters add; None where there is none of them."""
    chapters, questions = chapter_table(context), asked(context.session)
    talk = talk_chart(context)
    messages = len(context.session.table("chat"))
    if chapters is None and talk is None and not questions and not messages:
        return None
    values: dict[str, Any] = {
        "balance": balance(context),
        "chapters": chapters,
        "questions": question_table(context, questions),
        "answer": answer(context, questions),
        "chat": context.words.ngettext("%(num)s chat message.", "%(num)s chat messages.", messages) if messages else "",
    }
    return Part("speech.html", values, drawn(talk))


def balance(context: Context) -> str:
    """Who spoke how much, in a sentence; "" where nobody is known to have spoken."""
    words, talk = context.words, [(name, seconds) for name, seconds in talk_of(context.session) if name]
    total = sum(seconds for _, seconds in talk)
    if not total:
        return ""
    leader = instructor_of(context.session)
    own = next((seconds for name, seconds in talk if leader and name.casefold() == leader.casefold()), None)
    if leader and own is not None:
        return words.gettext(
            "%(who)s, who leads, spoke %(share)s of the time in which somebody spoke, the others %(rest)s.",
            who=leader,
            share=words.share(own / total),
            rest=words.share(1 - own / total),
        )
    name, seconds = talk[0]
    return words.gettext(
        "%(who)s spoke most: %(share)s of the time in which somebody spoke.",
        who=name,
        share=words.share(seconds / total),
    )


def talk_chart(context: Context) -> Chart | None:
    """Minutes of speech by person; several bars where several spoke."""
    words, talk = context.words, talk_of(context.session)
    if not talk:
        return None
    unknown = words.gettext("not said who")
    rows = [(name or unknown, seconds) for name, seconds in talk]
    rest = sum(seconds for _, seconds in rows[MOST_SPEAKERS:])
    shown = rows[:MOST_SPEAKERS] + ([(words.gettext("others"), rest)] if rest else [])
    total = sum(seconds for _, seconds in shown)
    shares = [words.share(seconds / total) if total else "" for _, seconds in shown]
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "y": [html.escape(name) for name, _ in shown][::-1],
            "x": plain(np.array([seconds / 60 for _, seconds in shown][::-1])),
            "text": shares[::-1],
            "textposition": "outside",
            "cliponaxis": False,
            "marker": {"color": context.theme.palette["accent"]},
            "hoverinfo": "skip",
        }
    ]
    layout = {
        "showlegend": False,
        "bargap": 0.3,
        "hovermode": False,
        "xaxis": {"title": {"text": words.gettext("minutes of speech")}, "rangemode": "tozero", "fixedrange": True},
        "yaxis": {"type": "category", "automargin": True, "fixedrange": True},
        "margin": {"t": 12, "b": 48, "r": 56},
    }
    text = words.gettext(
        "Who spoke how long: %(people)s.",
        people=", ".join(f"{name} {words.duration(seconds)}" for name, seconds in shown),
    )
    table = Table(
        [words.gettext("who"), words.gettext("spoke for"), words.gettext("share")],
        [[name, words.duration(seconds), share] for (name, seconds), share in zip(shown, shares, strict=True)],
    )
    note = words.gettext("As the transcript says; who speaks much is not better or worse for it.")
    figure = {"data": data, "layout": layout}
    return Chart("talk", words.gettext("Who spoke"), note, figure, 90 + 28 * len(shown), text, table)


def question_table(context: Context, questions: list[Asked]) -> Table | None:
    """Each question, and the group's attention in the half minute before and after it."""
    words = context.words
    if not questions:
        return None
    head = [
        words.gettext("asked at"),
        words.gettext("by"),
        words.gettext("question"),
        words.gettext("attention before"),
        words.gettext("in the 30 s after"),
        words.gettext("others who answered"),
    ]
    rows = [
        [
            words.clock(q.t_s),
            q.who or "–",
            q.text
            or (words.gettext("in the chat") if q.chat else words.ngettext("%(num)s word", "%(num)s words", q.words)),
            words.score(q.before) if known(q.before) else "–",
            words.score(q.after) if known(q.after) else "–",
            words.number(q.others),
        ]
        for q in questions[:MOST_QUESTIONS]
    ]
    return Table(head, rows)


def answer(context: Context, questions: list[Asked]) -> str:
    """What the group did after questions, on the whole; "" where it cannot be said."""
    words = context.words
    if not questions:
        return ""
    count = words.ngettext("%(num)s question was asked.", "%(num)s questions were asked.", len(questions))
    both = [(q.before, q.after) for q in questions if known(q.before) and known(q.after)]
    if not both:
        return count
    before, after = (float(np.mean([pair[i] for pair in both])) for i in (0, 1))
    change = words.gettext(
        "The group's attention was %(before)s on average in the half minute before and %(after)s in the 30 s after.",
        before=words.score(before),
        after=words.score(after),
    )
    return f"{count} {change}"


def chapter_table(context: Context) -> Table | None:
    """Attention and engagement by chapter."""
    session, words = context.session, context.words
    chapters = chapters_of(session)
    if not chapters:
        return None
    fine, windows = session.group, session.group_windows
    source, time = (fine, "t") if len(fine) else (windows, "t0")
    t_s, attention, visible, present = (numbers(source, name) for name in (time, "attention", "visible", "present"))
    w_s, engagement, weight = (numbers(windows, name) for name in ("t0", "engagement", "visible"))
    questions = asked(session)
    rows = []
    for row in chapters:
        inside = (t_s >= row["t0"]) & (t_s < row["t1"])
        judged = (w_s >= row["t0"]) & (w_s < row["t1"])
        values = weighted(attention[inside], visible[inside]), weighted(engagement[judged], weight[judged])
        there = present[inside][np.isfinite(present[inside])]
        rows.append(
            [
                f"{row['chapter']}. {row['title']}" if row["title"] else chapter_name(row, words),
                words.clock(row["t0"]),
                words.duration(row["t1"] - row["t0"]),
                *(words.score(value) if known(value) else "–" for value in values),
                words.number(float(there.mean())) if len(there) else "–",
                words.number(sum(row["t0"] <= q.t_s < row["t1"] for q in questions)),
            ]
        )
    head = [
        words.gettext("chapter"),
        words.gettext("from"),
        words.gettext("length"),
        words.gettext("attention"),
        words.gettext("engagement"),
        words.gettext("in the picture"),
        words.gettext("questions"),
    ]
    return Table(head, rows)
