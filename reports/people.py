"""Figures of single participants: heat map, attendance, and a card for each; none of them ranks anybody."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from emorec.types import EMOTIONS, STATES, State
from reports.charts import FINE, STACK_ORDER, Chart, at_ms, coarse_bins, pattern, stacked_bars, time_axis
from reports.facts import Facts, numbers
from reports.series import Bins, bins_for, matrix, mean_in_bins, plain, runs
from reports.theme import palette
from reports.words import LEVELS, Words, known

if TYPE_CHECKING:
    import pandas as pd

    from emorec.store import Session

__all__ = ["attendance_chart", "cards", "expression_key", "heat_map"]

Float = NDArray[np.float64]

MOST_RUNS: Final = 3000
"""Bars of the attendance chart that a browser draws at once without a pause."""
LEAST_COVERAGE: Final = 0.5
"""A window with a face for less than this share of it says too little, as for levels."""
LONGEST_LABEL: Final = 16
LETTERS: Final = {"happy": "H", "surprise": "S", "neutral": "", "sad": "D", "fear": "F", "disgust": "G", "angry": "A"}
"""Second cue beside the colour of a cell; sadness is D because surprise has the S, and the page has a key."""


def heat_map(session: Session, facts: Facts, words: Words) -> tuple[Chart, list[tuple[str, str]]] | None:
    """Participants × time in up to three views, and the views that there are as (key, name)."""
    names = _names(session)
    if not names:
        return None
    bins = coarse_bins(facts)
    windows = _judged(session)
    views = [("attention", words.gettext("Attention")), ("engagement", words.gettext("Engagement"))]
    shown = [(key, name) for key, name in views if windows[key].notna().any()]
    data = [_scores(windows, names, key, name, bins, words) for key, name in shown]
    if facts.emotions:
        data.append(_expressions(windows, names, bins, words))
        shown.append(("expression", words.gettext("Displayed emotion")))
    if not data:
        return None
    for trace in data[1:]:
        trace["visible"] = False
    height = _row_px(len(names)) * len(names)
    layout = {
        "xaxis": time_axis(facts.duration_s, showgrid=False),
        "yaxis": _name_axis(session),
        "hovermode": "closest",
        "margin": {"t": 64, "b": 36},
    }
    text = words.gettext(
        "Heat map of %(people)s over time, in columns of %(width)s; choose above it what it shows: %(views)s. Empty "
        "where the face was seen too little.",
        people=words.people(len(names)),
        width=words.duration(bins.width_s),
        views=", ".join(name.lower() for _, name in shown),
    )
    return Chart("heat-map", {"data": data, "layout": layout}, height + 100, text), shown


def attendance_chart(session: Session, facts: Facts, words: Words) -> Chart | None:
    """Who was there when, in three states, as bars over time."""
    names = _names(session)
    if not names:
        return None
    coded, bins = _states(session, names, facts)
    bars: dict[int, list[tuple[int, float, float]]] = {code: [] for code in range(len(STATES))}
    for row, codes in enumerate(coded):
        for code, a, b in runs(codes):
            if code >= 0:
                end_s = min(b * bins.width_s, facts.duration_s)
                bars[code].append((row, a * bins.width_s, end_s))
    colors = palette()
    looks: list[tuple[str, dict[str, Any], float]] = [
        (words.state("visible"), {"color": colors["visible"]}, 0.72),
        (
            words.state("camera_off"),
            {
                "color": colors["camera_off"],
                "pattern": pattern("/"),
            },
            0.72,
        ),
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
        "xaxis": time_axis(facts.duration_s),
        "yaxis": _name_axis(session),
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
    return Chart("attendance", {"data": data, "layout": layout}, _row_px(len(names)) * len(names) + 90, text)


def cards(session: Session, facts: Facts, words: Words) -> list[dict[str, Any]]:
    """For each participant: ``label``, ``facts`` (name and text) and ``figure``."""
    names = _names(session)
    if not names:
        return []
    fine, coarse = bins_for(facts.duration_s, FINE, at_least_s=facts.window_s), coarse_bins(facts)
    windows = _judged(session)
    attention = matrix(windows, names, "t0", "attention", fine)
    emotions = {name: matrix(windows, names, "t0", name, coarse) for name in EMOTIONS} if facts.emotions else {}
    group = mean_in_bins(numbers(session.group_windows, "t0"), numbers(session.group_windows, "attention"), fine)
    states, state_bins = _states(session, names, facts)
    levels = windows.groupby("participant")["level"].value_counts(normalize=True).to_dict()
    table = session.participants.set_index("participant")
    found = []
    for row, name in enumerate(names):
        share = {level: levels.get((name, level), 0.0) for level in LEVELS}
        series = {emotion: emotions[emotion][row] for emotion in STACK_ORDER} if emotions else {}
        figure = _card_figure(attention[row], group, fine, series, coarse, states[row], state_bins, facts, words)
        found.append(
            {
                "label": str(table["label"][name]),
                "facts": _card_facts(table.loc[name], share, facts, words),
                "figure": figure,
            }
        )
    return found


def _names(session: Session) -> list[str]:
    return [str(name) for name in session.participants["participant"]]


def _judged(session: Session) -> pd.DataFrame:
    """The windows in which a face was seen for long enough to say something of them."""
    frame = session.windows
    return frame[frame["coverage"] >= LEAST_COVERAGE]


def _row_px(rows: int) -> int:
    """Height of a participant's row: roomy for few, just readable for a hundred."""
    return 34 if rows <= 10 else 22 if rows <= 40 else 14


def _name_axis(session: Session) -> dict[str, Any]:
    """Rows by number with their labels as ticks: first appearance on top. Plotly reads tags in labels, so escape."""
    labels = [str(label) for label in session.participants["label"]]
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


def expression_key(facts: Facts, words: Words) -> list[dict[str, str]]:
    """What the colours and letters of displayed emotions stand for, in the order of the stacks."""
    style = palette()["emotions"]
    return [
        {"name": words.emotion(name), "letter": LETTERS[name], "color": style[name]["color"]}
        for name in STACK_ORDER
        if facts.emotions
    ]


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
    windows: pd.DataFrame, names: list[str], column: str, name: str, bins: Bins, words: Words
) -> dict[str, Any]:
    values = matrix(windows, names, "t0", column, bins)
    return {
        "type": "heatmap",
        "name": column,
        "z": [plain(row) for row in values],
        "x0": at_ms(bins.width_s / 2),
        "dx": round(bins.width_s * 1000),
        "zmin": 0,
        "zmax": 1,
        "colorscale": palette()["scale"],
        "xgap": 1 if bins.count <= 64 else 0,
        "ygap": 2,
        "hoverongaps": False,
        "hovertemplate": f"%{{y}}, %{{x}}: {name.lower()} %{{z:.2f}}<extra></extra>",
        "colorbar": _color_bar(
            tickvals=[0, 0.5, 1],
            ticktext=[f"0 {words.level('low')}", words.number(0.5, 1), f"1 {words.level('high')}"],
            len=0.5,
        ),
    }


def _expressions(windows: pd.DataFrame, names: list[str], bins: Bins, words: Words) -> dict[str, Any]:
    """The emotion with the highest mean probability of each cell, by colour and letter."""
    style = palette()["emotions"]
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
        "dx": round(bins.width_s * 1000),
        "zmin": -0.5,
        "zmax": count - 0.5,
        "colorscale": scale,
        "xgap": 1,
        "ygap": 2,
        "hoverongaps": False,
        "hovertemplate": "%{y}, %{x}: " + words.gettext("mostly %%{customdata}") + "<extra></extra>",
        "showscale": False,
    }


def _states(session: Session, names: list[str], facts: Facts) -> tuple[NDArray[np.int64], Bins]:
    """The most frequent state of each participant and bin, [participants, count]; −1 before and after they were seen.

    Bins are as fine as :data:`MOST_RUNS` allows.
    """
    frame: pd.DataFrame = session.timeline
    rows = frame["participant"].map({name: i for i, name in enumerate(names)}).to_numpy()
    codes = frame["state"].map({state: i for i, state in enumerate(STATES)}).to_numpy()
    t_s = frame["t"].to_numpy(float)
    for most in (FINE * 2, FINE, FINE // 2, COARSEST):
        bins = bins_for(facts.duration_s, most)
        flat = (rows * bins.count + bins.index(t_s)) * len(STATES) + codes
        counts = np.bincount(flat.astype(np.int64), minlength=len(names) * bins.count * len(STATES))
        counts = counts.reshape(len(names), bins.count, len(STATES))
        coded = np.where(counts.sum(axis=2) > 0, counts.argmax(axis=2), -1)
        if sum(len(runs(row)) for row in coded) <= MOST_RUNS:
            break
    return coded.astype(np.int64), bins


COARSEST: Final = 30
"""Bins of the attendance chart when faces come and go all the time."""


def _card_facts(row: Any, levels: dict[str, float], facts: Facts, words: Words) -> list[tuple[str, str]]:
    judged = sum(levels.values()) > 0
    found = [
        (words.gettext("Seen"), f"{words.clock(row['first_seen'])} – {words.clock(row['last_seen'])}"),
        (words.gettext("Face visible"), words.duration(float(row["visible_s"]))),
        (words.gettext("Camera off or no face"), words.duration(float(row["camera_off_s"]))),
        (words.gettext("Mean attention"), words.score(float(row["attention"]))),
        (
            words.gettext("Engagement"),
            ", ".join(f"{words.share(levels[level])} {words.level(level)}" for level in LEVELS[::-1])
            if judged
            else words.not_enough,
        ),
    ]
    if facts.emotions:
        emotions = {name: float(row[name]) for name in EMOTIONS}
        if all(known(value) for value in emotions.values()):
            ranked = sorted(emotions, key=lambda name: -emotions[name])[:3]
            text = ", ".join(f"{words.emotion(name)} {words.share(emotions[name])}" for name in ranked)
        else:
            text = words.not_enough
        found.append((words.gettext("Displayed"), text))
    return found


def _card_figure(
    attention: Float,
    group: Float,
    fine: Bins,
    emotions: dict[str, Float],
    coarse: Bins,
    states: NDArray[np.int64],
    state_bins: Bins,
    facts: Facts,
    words: Words,
) -> dict[str, Any]:
    colors = palette()
    middle = {"x0": at_ms(fine.width_s / 2), "dx": round(fine.width_s * 1000)}
    data: list[dict[str, Any]] = [
        _shading(states, state_bins, "camera_off", colors["camera_off"], facts, words),
        _shading(states, state_bins, "absent", colors["absent"], facts, words),
        *([] if facts.people == 1 else [_reference(group, middle, words)]),
        {
            "type": "scatter",
            "mode": "lines+markers" if np.isfinite(attention).sum() < 8 else "lines",
            "name": words.gettext("attention"),
            **middle,
            "y": plain(attention),
            "line": {"color": colors["accent"], "width": 2.5},
            "hovertemplate": words.gettext("attention") + " %{y:.2f}<extra></extra>",
        },
    ]
    layout: dict[str, Any] = {
        "xaxis": time_axis(facts.duration_s),
        "yaxis": {"range": [0, 1.001], "title": {"text": words.gettext("attention")}, "dtick": 0.5},
        "barmode": "stack",
    }
    if emotions:
        data += [
            trace | {"yaxis": "y2", "showlegend": False}
            for trace in stacked_bars(
                emotions, colors["emotions"], {name: words.emotion(name) for name in emotions}, coarse
            )
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


def _reference(group: Float, middle: dict[str, int], words: Words) -> dict[str, Any]:
    """The group's attention, to see whether a change was everybody's."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": words.gettext("group"),
        **middle,
        "y": plain(group),
        "line": {"color": palette()["group"], "width": 1.2, "dash": "dot"},
        "hovertemplate": words.gettext("group") + " %{y:.2f}<extra></extra>",
    }


def _shading(
    states: NDArray[np.int64], bins: Bins, state: State, color: str, facts: Facts, words: Words
) -> dict[str, Any]:
    """The stretches of a state as boxes behind the curve."""
    x: list[Any] = []
    y: list[Any] = []
    for code, a, b in runs(states):
        if code == STATES.index(state):
            start, end = at_ms(a * bins.width_s), at_ms(min(b * bins.width_s, facts.duration_s))
            x += [start, end, end, start, start, None]
            y += [0, 0, 1, 1, 0, None]
    return {
        "type": "scatter",
        "mode": "none",
        "fill": "toself",
        "name": words.state(state),
        "x": x,
        "y": y,
        "fillcolor": color,
        "opacity": 0.35,
        "hoverinfo": "skip",
        "showlegend": bool(x),
    }
