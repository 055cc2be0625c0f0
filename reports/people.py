"""Participants over time: heat map and attendance; none of them ranks anybody."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from emorec.types import STATES
from reports.cards import cards_of, expression_key
from reports.charts import STACK_ORDER
from reports.context import Context, Part, drawn
from reports.figures import Chart, Table, at_ms, bin_ms, pattern, time_axis
from reports.group import coarse_bins
from reports.moments import personal_moment_rows
from reports.series import Bins, matrix, plain, runs
from reports.states import judged, names_of, states_of
from reports.words import known

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["attendance_chart", "heat_map", "participants"]

Float = NDArray[np.float64]

LONGEST_LABEL: Final = 16
LETTERS: Final = {"happy": "H", "surprise": "S", "neutral": "", "sad": "D", "fear": "F", "disgust": "G", "angry": "A"}
"""Second cue beside the colour of a cell; sadness is D because surprise has the S, and the page has a key."""


def participants(context: Context) -> Part | None:
    """What single participants did, in order of their first appearance."""
    facts = context.facts
    if facts.aggregate:
        return Part("no_people.html", {"suppressed": facts.suppressed})
    if facts.nobody:
        return None
    heat, views = heat_map(context)
    cards = cards_of(context) if facts.measured else []
    values = {
        "views": views,
        "key": expression_key(context, LETTERS),
        "cards": cards,
        "moments": personal_moment_rows(context),
    }
    return Part(
        "people.html", values, drawn(heat, attendance_chart(context)), {"cards": [card["figure"] for card in cards]}
    )


def heat_map(context: Context) -> tuple[Chart | None, list[tuple[str, str]]]:
    """Participants × time in up to three views, and the views that there are as (key, name)."""
    session, facts, words = context.session, context.facts, context.words
    names = names_of(session)
    bins = coarse_bins(facts)
    windows = judged(session)
    views = [("attention", words.gettext("Attention")), ("engagement", words.gettext("Engagement"))]
    shown = [(key, name) for key, name in views if windows[key].notna().any()]
    data = [_scores(context, windows, names, key, name, bins) for key, name in shown]
    if facts.emotions:
        data.append(_expressions(context, windows, names, bins))
        shown.append(("expression", words.gettext("Displayed emotion")))
    if not data:
        return None, []
    for trace in data[1:]:
        trace["visible"] = False
    height = _row_px(len(names)) * len(names)
    layout = {
        "xaxis": time_axis(facts.duration_s, words, showgrid=False),
        "yaxis": _name_axis(context),
        "hovermode": "closest",
        "margin": {"t": 64, "b": 36},
    }
    width = words.duration(bins.width_s)
    text = words.gettext(
        "Heat map of %(people)s over time, in columns of %(width)s; choose above it what it shows: %(views)s. Empty "
        "where the face was seen too little.",
        people=words.people(len(names)),
        width=width,
        views=", ".join(name.lower() for _, name in shown),
    )
    note = words.gettext(
        "Each column is %(width)s; empty where the face was seen less than half of the time.", width=width
    )
    title = words.gettext("Everybody over time")
    return Chart("heat-map", title, note, {"data": data, "layout": layout}, height + 100, text), shown


def attendance_chart(context: Context) -> Chart | None:
    """Who was there when, in three states, as bars over time."""
    session, facts, words, colors = context.session, context.facts, context.words, context.theme.palette
    names = names_of(session)
    if not names:
        return None
    coded, bins = states_of(session, names, facts)
    bars: dict[int, list[tuple[int, float, float]]] = {code: [] for code in range(len(STATES))}
    for row, codes in enumerate(coded):
        for code, a, b in runs(codes):
            if code >= 0:
                end_s = min(b * bins.width_s, facts.duration_s)
                bars[code].append((row, a * bins.width_s, end_s))
    looks: list[tuple[str, dict[str, Any], float]] = [
        (words.state("visible"), {"color": colors["visible"]}, 0.72),
        (words.state("camera_off"), {"color": colors["camera_off"], "pattern": pattern("/")}, 0.72),
        (words.state("absent"), {"color": colors["absent"]}, 0.16),
    ]
    data = []
    for code, (name, marker, width) in enumerate(looks):
        data.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": name,
                "base": [at_ms(a) for _, a, _ in bars[code]],
                "x": [round((b - a) * 1000) for _, a, b in bars[code]],
                "y": [row for row, _, _ in bars[code]],
                "width": width,
                "marker": marker | {"line": {"width": 0}},
                "customdata": [f"{words.clock(a)}–{words.clock(b)}" for _, a, b in bars[code]],
                "hovertemplate": "%{y}: %{customdata}" + f" {name}<extra></extra>",
                "showlegend": True,
            }
        )
    layout = {
        "barmode": "overlay",
        "xaxis": time_axis(facts.duration_s, words),
        "yaxis": _name_axis(context),
        "hovermode": "closest",
    }
    table = session.participants
    text = words.gettext(
        "Attendance of %(people)s over time in three states. In all, faces were visible for %(visible)s of person "
        "time, cameras off for %(off)s.",
        people=words.people(len(names)),
        visible=words.duration(float(table["visible_s"].sum())),
        off=words.duration(float(table["camera_off_s"].sum())),
    )
    note = words.gettext(
        "Thin line: away after the first and before the last appearance. A person in a room who turns away or is "
        "hidden also counts as no face."
    )
    height = _row_px(len(names)) * len(names) + 90
    figure = {"data": data, "layout": layout}
    return Chart("attendance", words.gettext("Attendance"), note, figure, height, text, _people_table(context))


def _people_table(context: Context) -> Table:
    """Attendance and means of each participant, by first appearance."""
    words, _ = context.words, context.words.gettext
    rows = [
        [
            str(person["label"]),
            words.clock(person["first_seen"]),
            words.clock(person["last_seen"]),
            *(words.duration(person[name]) for name in ("visible_s", "camera_off_s", "absent_s")),
            *(words.score(person[name]) if known(person[name]) else "–" for name in ("attention", "engagement")),
        ]
        for person in context.session.table("participants").to_pylist()
    ]
    head = [
        _("participant"),
        _("first seen"),
        _("last seen"),
        _("face visible"),
        _("camera off"),
        _("away"),
        _("attention"),
        _("engagement"),
    ]
    return Table(head, rows)


def _row_px(rows: int) -> int:
    """Height of a participant's row: roomy for few, just readable for a hundred."""
    return 34 if rows <= 10 else 22 if rows <= 40 else 14


def _name_axis(context: Context) -> dict[str, Any]:
    """Rows by number with their labels as ticks: first appearance on top. Plotly reads tags in labels, so escape."""
    labels = [str(label) for label in context.session.participants["label"]]
    short = [label if len(label) <= LONGEST_LABEL else label[: LONGEST_LABEL - 1] + "…" for label in labels]
    return {
        "tickvals": list(range(len(labels))),
        "ticktext": [html.escape(label) for label in short],
        "range": [len(labels) - 0.5, -0.5],
        "showgrid": False,
        "ticks": "",
        "ticklabelstandoff": 6,
        "tickfont": {"size": 12 if _row_px(len(labels)) >= 20 else 10},
    }


def _color_bar(**more: Any) -> dict[str, Any]:
    return {
        "orientation": "h",
        "x": 0,
        "xanchor": "left",
        "y": 1,
        "yanchor": "bottom",
        "ypad": 6,
        "xpad": 0,
        "thickness": 10,
        "ticklabelposition": "outside top",
        "outlinewidth": 0,
        **more,
    }


def _scores(
    context: Context, windows: pd.DataFrame, names: list[str], column: str, name: str, bins: Bins
) -> dict[str, Any]:
    values, words = matrix(windows, names, "t0", column, bins), context.words
    ends = [f"0 {words.level('low')}", words.number(0.5, 1), f"1 {words.level('high')}"]
    return {
        "type": "heatmap",
        "name": column,
        "z": [plain(row) for row in values],
        "x0": at_ms(bins.width_s / 2),
        "dx": bin_ms(bins),
        "zmin": 0,
        "zmax": 1,
        "colorscale": context.theme.palette["scale"],
        "xgap": 1,
        "ygap": 2,
        "hoverongaps": False,
        "hovertemplate": f"%{{y}}, %{{x}}: {name.lower()} %{{z:.2f}}<extra></extra>",
        "colorbar": _color_bar(tickvals=[0, 0.5, 1], ticktext=ends, len=0.5),
    }


def _expressions(context: Context, windows: pd.DataFrame, names: list[str], bins: Bins) -> dict[str, Any]:
    """The emotion with the highest mean probability of each cell, by colour and letter."""
    style, words = context.theme.palette["emotions"], context.words
    stack = np.stack([matrix(windows, names, "t0", name, bins) for name in STACK_ORDER], axis=2)
    there = np.isfinite(stack).all(axis=2)
    best = np.where(there, np.argmax(np.nan_to_num(stack), axis=2), -1)
    count = len(STACK_ORDER)
    scale = []
    for i, name in enumerate(STACK_ORDER):
        scale += [[i / count, style[name]["color"]], [(i + 1) / count, style[name]["color"]]]
    words_of = [words.emotion(name) for name in STACK_ORDER]
    return {
        "type": "heatmap",
        "name": "expression",
        "z": [[int(i) if i >= 0 else None for i in row] for row in best],
        "text": [[LETTERS[STACK_ORDER[i]] if i >= 0 else "" for i in row] for row in best],
        "texttemplate": "%{text}",
        "customdata": [[words_of[i] if i >= 0 else "" for i in row] for row in best],
        "x0": at_ms(bins.width_s / 2),
        "dx": bin_ms(bins),
        "zmin": -0.5,
        "zmax": count - 0.5,
        "colorscale": scale,
        "xgap": 1,
        "ygap": 2,
        "hoverongaps": False,
        "hovertemplate": "%{y}, %{x}: " + words.gettext("mostly %%{customdata}") + "<extra></extra>",
        "showscale": False,
    }
