"""A card for each participant, shown on demand: attendance and means in words, and a figure over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emorec.types import EMOTIONS, STATES, State
from reports.charts import STACK_ORDER
from reports.context import Context
from reports.facts import numbers
from reports.figures import at_ms, line, stacked_bars, time_axis
from reports.group import FINE, coarse_bins
from reports.series import Bins, bins_for, matrix, mean_in_bins, runs
from reports.states import judged, names_of, states_of
from reports.words import LEVELS, known

__all__ = ["cards_of", "expression_key"]

Float = NDArray[np.float64]


def cards_of(context: Context) -> list[dict[str, Any]]:
    """For each participant: ``label``, ``facts`` (name and text) and ``figure``."""
    session, facts = context.session, context.facts
    names = names_of(session)
    if not names:
        return []
    fine, coarse = bins_for(facts.duration_s, FINE, at_least_s=facts.window_s), coarse_bins(facts)
    windows = judged(session)
    attention = matrix(windows, names, "t0", "attention", fine)
    emotions = {name: matrix(windows, names, "t0", name, coarse) for name in EMOTIONS} if facts.emotions else {}
    group = mean_in_bins(numbers(session.group_windows, "t0"), numbers(session.group_windows, "attention"), fine)
    states, state_bins = states_of(session, names, facts)
    levels = windows.groupby("participant")["level"].value_counts(normalize=True).to_dict()
    table = session.participants.set_index("participant")
    found = []
    for row, name in enumerate(names):
        share = {level: levels.get((name, level), 0.0) for level in LEVELS}
        series = {emotion: emotions[emotion][row] for emotion in STACK_ORDER} if emotions else {}
        figure = _figure(context, attention[row], group, fine, series, coarse)
        shades = [_shading(context, states[row], state_bins, state) for state in ("camera_off", "absent")]
        figure["data"] = [shade for shade in shades if shade["x"]] + figure["data"]
        found.append(
            {"label": str(table["label"][name]), "facts": _facts(context, table.loc[name], share), "figure": figure}
        )
    return found


def expression_key(context: Context, letters: Mapping[str, str]) -> list[dict[str, str]]:
    """What colours, patterns and letters of displayed emotions stand for, in the order of the stacks."""
    style = context.theme.palette["emotions"]
    return [
        {
            "name": context.words.emotion(name),
            "letter": letters[name],
            "color": style[name]["color"],
            "pattern": PATTERNS.get(style[name]["pattern"], ""),
        }
        for name in STACK_ORDER
        if context.facts.emotions
    ]


PATTERNS = {"/": "rising", "\\": "falling", "x": "crossed", "-": "lying", ".": "dotted"}
"""The patterns of Plotly by their class in the style sheet."""


def _facts(context: Context, row: Any, levels: dict[str, float]) -> list[tuple[str, str]]:
    words, _ = context.words, context.words.gettext
    shares = ", ".join(f"{words.share(levels[level])} {words.level(level)}" for level in LEVELS[::-1])
    found = [
        (_("Seen"), f"{words.clock(row['first_seen'])} – {words.clock(row['last_seen'])}"),
        (_("Face visible"), words.duration(float(row["visible_s"]))),
        (_("Camera off or no face"), words.duration(float(row["camera_off_s"]))),
        (_("Mean attention"), words.score(float(row["attention"]))),
        (_("Engagement"), shares if sum(levels.values()) > 0 else words.not_enough),
    ]
    if context.facts.emotions:
        emotions = {name: float(row[name]) for name in EMOTIONS}
        text = words.not_enough
        if all(known(value) for value in emotions.values()):
            ranked = sorted(emotions, key=lambda name: -emotions[name])[:3]
            text = ", ".join(f"{words.emotion(name)} {words.share(emotions[name])}" for name in ranked)
        found.append((_("Displayed"), text))
    return found


def _figure(
    context: Context, attention: Float, group: Float, fine: Bins, emotions: dict[str, Float], coarse: Bins
) -> dict[str, Any]:
    """A participant's attention beside the group's, above what their face displayed."""
    facts, words, colors = context.facts, context.words, context.theme.palette
    data = []
    if facts.people != 1:
        # To see whether a change was everybody's.
        style = {"color": colors["group"], "width": 1.2, "dash": "dot"}
        data.append(line(words.gettext("group"), group, fine, colors["group"], line=style, mode="lines"))
    data.append(line(words.gettext("attention"), attention, fine, colors["accent"]))
    layout: dict[str, Any] = {
        "xaxis": time_axis(facts.duration_s, words),
        "yaxis": {"range": [0, 1.001], "title": {"text": words.gettext("attention")}, "dtick": 0.5},
        "barmode": "stack",
    }
    if emotions:
        names = {name: words.emotion(name) for name in emotions}
        data += [
            trace | {"yaxis": "y2", "showlegend": False}
            for trace in stacked_bars(emotions, colors["emotions"], names, coarse)
        ]
        layout["xaxis"]["anchor"] = "y2"
        layout["yaxis"]["domain"] = [0.54, 1]
        layout["yaxis2"] = {
            "range": [0, 1.001],
            "domain": [0, 0.44],
            "tickformat": ".0%",
            "dtick": 0.5,
            "title": {"text": words.gettext("displayed")},
        }
    return {"data": data, "layout": layout}


def _shading(context: Context, states: NDArray[np.int64], bins: Bins, state: State) -> dict[str, Any]:
    """The stretches of a state as boxes behind the curve."""
    x: list[Any] = []
    y: list[Any] = []
    for code, a, b in runs(states):
        if code == STATES.index(state):
            start, end = at_ms(a * bins.width_s), at_ms(min(b * bins.width_s, context.facts.duration_s))
            x += [start, end, end, start, start, None]
            y += [0, 0, 1, 1, 0, None]
    return {
        "type": "scatter",
        "mode": "none",
        "fill": "toself",
        "name": context.words.state(state),
        "x": x,
        "y": y,
        "fillcolor": context.theme.palette[state],
        "opacity": 0.35,
        "hoverinfo": "skip",
    }
