"""How good a session's data is: how much could be seen and measured, how large faces were, what was left out."""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np

from reports.context import Context, Part, drawn
from reports.facts import Facts, numbers
from reports.figures import Chart, Table
from reports.series import plain
from reports.stored import said
from reports.words import Words, known

__all__ = ["data_quality", "face_size_chart"]

Row = tuple[str, str]

POOR_QUALITY: Final = 0.5
REASONS_SHOWN: Final = 12
FACE_EDGES_PX: Final = (0, 20, 24, 30, 40, 60, 80, 120, 200)
"""By default faces are looked for from 20 px on, and their eyes measured from 24 px (docs/validity.md)."""


def data_quality(context: Context) -> Part:
    """What the figures rest on."""
    values = {"quality": quality_rows(context), "left_out": left_out_rows(context)}
    return Part("quality.html", values, drawn(face_size_chart(context)))


def quality_rows(context: Context) -> list[Row]:
    """What could be measured, as (what, how much)."""
    session, facts, words, _ = context.session, context.facts, context.words, context.words.gettext
    seen = _("%(share)s of people's time", share=words.share(facts.seen)) if known(facts.seen) else words.not_enough
    rows = [(_("Readable"), _readable(facts, words)), (_("Faces visible"), seen)]
    faces = session.timeline
    faces = faces[faces["state"] == "visible"]
    if len(faces):
        widths = numbers(faces, "w")
        if np.isfinite(widths).any():
            low, middle, high = np.nanquantile(widths, [0.1, 0.5, 0.9])
            text = _(
                "median %(median)s px (most between %(low)s and %(high)s px)",
                median=words.number(middle),
                low=words.number(low),
                high=words.number(high),
            )
            rows.append((_("Width of faces"), text))
        rows.append((_("Attention measured"), _on_faces(float(faces["attention"].notna().mean()), words)))
        if facts.with_emotions:
            rows.append((_("Expression measured"), _on_faces(float(faces["emotion"].notna().mean()), words)))
        quality = numbers(faces, "quality")
        if np.isfinite(quality).any():
            poor = float(np.mean(quality[np.isfinite(quality)] < POOR_QUALITY))
            text = _("%(share)s of faces", share=words.share(poor))
            rows.append((_("Hard to read (small, blurred, turned away)"), text))
    judged = session.windows["level"].notna()
    if len(judged):
        text = _(
            "in %(share)s of people's windows of %(window)s",
            share=words.share(float(judged.mean())),
            window=words.duration(facts.window_s),
        )
        rows.append((_("Engagement judged"), text))
    if not facts.aggregate:
        text = words.ngettext(
            "%(num)s sighting not taken as a participant",
            "%(num)s sightings not taken as a participant",
            len(session.left_out),
        )
        rows.append((_("Left out"), text))
    return rows


def left_out_rows(context: Context) -> list[Row]:
    """Why tracks were left out, and how many: the most frequent reasons, then the rest together."""
    words = context.words
    counts = context.session.left_out["reason"].fillna("no reason given").value_counts()
    rows = sorted(((str(reason), int(count)) for reason, count in counts.items()), key=lambda row: (-row[1], row[0]))
    rest = sum(count for _, count in rows[REASONS_SHOWN:])
    shown = [(said(reason, words), count) for reason, count in rows[:REASONS_SHOWN]]
    if rest:
        shown.append((words.gettext("other reasons"), rest))
    return [(reason, words.number(count)) for reason, count in shown]


def face_size_chart(context: Context) -> Chart | None:
    """How large the faces were: share of all measured faces by width."""
    words = context.words
    widths = numbers(context.session.timeline, "w")
    widths = widths[np.isfinite(widths)]
    if not len(widths):
        return None
    counts = np.histogram(widths, [*FACE_EDGES_PX, np.inf])[0] / len(widths)
    names = [f"{a}–{b}" for a, b in itertools.pairwise(FACE_EDGES_PX)] + [f"{FACE_EDGES_PX[-1]}+"]
    names[0] = f"<{FACE_EDGES_PX[1]}"
    shares = [words.share(float(value)) if value else "" for value in counts]
    data = [
        {
            "type": "bar",
            "x": names,
            "y": plain(counts, 4),
            "marker": {"color": context.theme.palette["accent"]},
            "text": shares,
            "textposition": "outside",
            "cliponaxis": False,
            "hovertemplate": "%{x} px: %{y:.0%}<extra></extra>",
        }
    ]
    title = words.gettext("width of the face in the recording, px")
    layout = {
        "showlegend": False,
        "bargap": 0.25,
        "hovermode": "closest",
        "xaxis": {"type": "category", "title": {"text": title}, "fixedrange": True},
        "yaxis": {"tickformat": ".0%", "rangemode": "tozero", "nticks": 4},
        "margin": {"t": 24, "b": 48},
    }
    there = [(name, share) for name, share in zip(names, shares, strict=True) if share]
    text = words.gettext(
        "Sizes of the measured faces: %(sizes)s.", sizes=", ".join(f"{name} px {share}" for name, share in there)
    )
    note = words.gettext(
        "Faces are looked for from about 20 px on and their eyes measured from 24 px, unless the settings say "
        "otherwise; larger is better."
    )
    table = Table([title, words.gettext("share of faces")], [[name, share] for name, share in there])
    return Chart(
        "face-sizes", words.gettext("Sizes of faces"), note, {"data": data, "layout": layout}, 220, text, table
    )


def _on_faces(share: float, words: Words) -> str:
    return words.gettext("on %(share)s of faces", share=words.share(share))


def _readable(facts: Facts, words: Words) -> str:
    if facts.read_until_s < facts.duration_s - 2:
        return words.gettext(
            "until %(until)s of %(end)s; nothing is known after it",
            until=words.clock(facts.read_until_s),
            end=words.clock(facts.duration_s),
        )
    return words.gettext("the whole recording")
