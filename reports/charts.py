"""Figures of the group, as Plotly's plain specifications; the page draws them with one shared template."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from reports.facts import Facts, numbers
from reports.series import Bins, bins_for, mean_in_bins, plain, runs
from reports.theme import palette
from reports.words import LEVELS, Words, known

if TYPE_CHECKING:
    from emorec.store import Session

__all__ = [
    "MOMENTS_MARKED",
    "Chart",
    "at_ms",
    "attention_chart",
    "coarse_bins",
    "emotion_chart",
    "face_size_chart",
    "level_chart",
    "moments_in_order",
    "pattern",
    "stacked_bars",
    "time_axis",
]

Float = NDArray[np.float64]

EPOCH_MS: Final = 946_684_800_000
"""The year 2000: Plotly takes small numbers on an axis of dates for years."""
FINE: Final = 240
"""Most points of a curve: what 1,000 px can show without noise."""
COARSE: Final = 64
"""Most columns of stacked bars and of the heat map: wide enough for a letter, each of a span with a name."""
MOMENTS_MARKED: Final = 12
STACK_ORDER: Final = ("happy", "surprise", "neutral", "sad", "fear", "disgust", "angry")
"""From pleasant to unpleasant, so that a stack's upper edge rises when the mood sinks."""
FACE_EDGES_PX: Final = (0, 20, 24, 30, 40, 60, 80, 120, 200)
"""By default faces are looked for from 20 px on, and their eyes measured from 24 px (docs/validity.md)."""


@dataclass(frozen=True)
class Chart:
    """A figure: ``figure`` has Plotly's ``data`` and ``layout``; ``text`` says what it shows to who cannot see it."""

    id: str
    figure: dict[str, Any]
    height_px: int
    text: str


def coarse_bins(facts: Facts) -> Bins:
    """The columns of stacked bars and of the heat map; at least a window wide."""
    return bins_for(facts.duration_s, COARSE, at_least_s=facts.window_s)


def attention_chart(session: Session, facts: Facts, words: Words) -> Chart | None:
    """The group's attention with its band, above how many people it comes from; moments and screen changes marked."""
    colors = palette()
    source, time = (session.group, "t") if len(session.group) else (session.group_windows, "t0")
    bins = bins_for(facts.duration_s, FINE, at_least_s=2 if time == "t" else facts.window_s)
    t_s = numbers(source, time)
    mean, lo, hi, present, visible = (
        mean_in_bins(t_s, numbers(source, name), bins)
        for name in ("attention", "attention_lo", "attention_hi", "present", "visible")
    )
    if facts.nobody or not np.isfinite(present).any():
        return None
    people = [
        _area(words.gettext("in the picture"), present, bins, colors["present"]),
        _area(words.state("visible"), visible, bins, colors["visible"]),
    ]
    if not facts.measured:
        return _people_chart(people, present, facts, words)
    ms = _milliseconds(bins)
    data = [
        *([_band(bins, lo, hi, words)] if np.isfinite(lo).any() else []),
        {
            "type": "scatter",
            "mode": "lines+markers" if np.isfinite(mean).sum() < 8 else "lines",
            "name": words.gettext("attention"),
            "x0": at_ms(bins.width_s / 2),
            "dx": ms,
            "y": plain(mean),
            "line": {"color": colors["accent"], "width": 2.5},
            "hovertemplate": words.gettext("attention") + " %{y:.2f}<extra></extra>",
        },
        *people,
    ]
    if "screen_change" in source and (changes := t_s[source["screen_change"].fillna(value=False).to_numpy(bool)]).size:
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": words.gettext("screen change"),
                "x": [at_ms(t) for t in changes],
                "y": [0.03] * len(changes),
                "marker": {"symbol": "line-ns-open", "size": 9, "color": colors["screen"], "line": {"width": 2}},
                "hovertemplate": words.gettext("screen change") + "<extra></extra>",
            }
        )
    layout = {
        "xaxis": time_axis(facts.duration_s, anchor="y2"),
        "yaxis": {
            "range": [0, 1.001],
            "domain": [0.34, 1],
            "title": {"text": words.gettext("attention")},
            "dtick": 0.25,
        },
        "yaxis2": {**_people_axis(present, words), "domain": [0, 0.24]},
        **_moment_marks(session),
    }
    text = words.gettext(
        "Line of the group's attention over %(duration)s: mean %(mean)s, lowest %(lowest)s, highest %(highest)s. "
        "Below it the number of people in the picture and of visible faces.",
        duration=words.duration(facts.duration_s),
        mean=words.score(facts.attention),
        lowest=words.score(_extreme(mean, np.nanmin)),
        highest=words.score(_extreme(mean, np.nanmax)),
    )
    return Chart("attention", {"data": data, "layout": layout}, 400, text)


def _people_chart(data: list[dict[str, Any]], present: Float, facts: Facts, words: Words) -> Chart:
    """The number of people alone, where no face could be measured."""
    layout = {
        "xaxis": time_axis(facts.duration_s, anchor="y2"),
        "yaxis2": {**_people_axis(present, words), "anchor": "x"},
    }
    text = words.gettext(
        "Number of people in the picture over %(duration)s, at most %(most)s.",
        duration=words.duration(facts.duration_s),
        most=words.number(float(np.nanmax(present))),
    )
    return Chart("attention", {"data": data, "layout": layout}, 240, text)


def _people_axis(present: Float, words: Words) -> dict[str, Any]:
    few = float(np.nanmax(present)) < 4
    return {
        "rangemode": "tozero",
        "title": {"text": words.gettext("people")},
        "tickformat": "d",
        "fixedrange": True,
        **({"dtick": 1} if few else {"nticks": 4}),
    }


def emotion_chart(session: Session, facts: Facts, words: Words) -> Chart | None:
    """Shares of the displayed emotions over time, stacked."""
    if not facts.emotions:
        return None
    bins = coarse_bins(facts)
    frame = session.group_windows
    t_s = numbers(frame, "t0")
    series = {name: mean_in_bins(t_s, numbers(frame, name), bins) for name in STACK_ORDER}
    data = stacked_bars(series, palette()["emotions"], {name: words.emotion(name) for name in STACK_ORDER}, bins)
    layout = {
        "barmode": "stack",
        "legend": {"traceorder": "normal"},
        "xaxis": time_axis(facts.duration_s),
        "yaxis": _share_axis(),
        **_moment_marks(session),
    }
    parts = [f"{words.emotion(name)} {words.share(facts.emotions[name])}" for name in STACK_ORDER]
    text = words.gettext(
        "Stacked shares of the displayed emotions over time; on average %(shares)s.", shares=words.joined(parts)
    )
    return Chart("emotions", {"data": data, "layout": layout}, 360, text)


def level_chart(session: Session, facts: Facts, words: Words) -> Chart | None:
    """Shares of participants with low, medium and high engagement over time, stacked."""
    if not facts.levels:
        return None
    bins = coarse_bins(facts)
    frame = session.group_windows
    t_s = numbers(frame, "t0")
    order = LEVELS[::-1]
    series = {name: mean_in_bins(t_s, numbers(frame, name), bins) for name in order}
    data = stacked_bars(series, palette()["levels"], {name: words.level(name) for name in order}, bins)
    layout = {
        "barmode": "stack",
        "legend": {"traceorder": "normal"},
        "xaxis": time_axis(facts.duration_s),
        "yaxis": _share_axis(),
        **_moment_marks(session),
    }
    parts = [f"{words.level(name)} {words.share(facts.levels[name])}" for name in order]
    text = words.gettext(
        "Stacked shares of engagement levels over time; on average %(shares)s.", shares=words.joined(parts)
    )
    return Chart("levels", {"data": data, "layout": layout}, 300, text)


def face_size_chart(session: Session, words: Words) -> Chart | None:
    """How large the faces were: share of all measured faces by width."""
    widths = numbers(session.timeline, "w")
    widths = widths[np.isfinite(widths)]
    if not len(widths):
        return None
    counts = np.histogram(widths, [*FACE_EDGES_PX, np.inf])[0] / len(widths)
    names = [f"{a}–{b}" for a, b in itertools.pairwise(FACE_EDGES_PX)] + [f"{FACE_EDGES_PX[-1]}+"]
    names[0] = f"<{FACE_EDGES_PX[1]}"
    data = [
        {
            "type": "bar",
            "x": names,
            "y": plain(counts, 4),
            "marker": {"color": palette()["accent"]},
            "text": [words.share(float(value)) if value else "" for value in counts],
            "textposition": "outside",
            "cliponaxis": False,
            "hovertemplate": "%{x} px: %{y:.0%}<extra></extra>",
        }
    ]
    layout = {
        "showlegend": False,
        "bargap": 0.25,
        "hovermode": "closest",
        "xaxis": {
            "type": "category",
            "title": {"text": words.gettext("width of the face in the recording, px")},
            "fixedrange": True,
        },
        "yaxis": {"tickformat": ".0%", "rangemode": "tozero", "nticks": 4},
        "margin": {"t": 24, "b": 48},
    }
    sizes = [f"{name} px {words.share(float(value))}" for name, value in zip(names, counts, strict=True) if value]
    text = words.gettext("Sizes of the measured faces: %(sizes)s.", sizes=", ".join(sizes))
    return Chart("face-sizes", {"data": data, "layout": layout}, 220, text)


def pattern(shape: str) -> dict[str, Any]:
    """A faint white pattern over a colour: the second cue for who cannot tell the colours apart."""
    return {"shape": shape, "fillmode": "overlay", "size": 6, "solidity": 0.2, "fgcolor": "#ffffff"}


def at_ms(t_s: float) -> int:
    """A time of the recording on the axis of :func:`time_axis`."""
    return EPOCH_MS + round(t_s * 1000)


def time_axis(duration_s: float, **more: Any) -> dict[str, Any]:
    """The recording's time as a player shows it. Milliseconds on a date axis, so that ticks stay round when zoomed."""
    shown = "%-H:%M:%S" if duration_s >= 3600 else "%-M:%S"
    return {
        "type": "date",
        "range": [at_ms(0), at_ms(duration_s)],
        "tickformat": shown,
        "hoverformat": shown,
        "nticks": 12,
        **more,
    }


def stacked_bars(series: dict[str, Float], style: dict[str, Any], names: dict[str, str], bins: Bins) -> list[Any]:
    """A bar trace for each series, without gaps between bars; a bin without data stays empty, unlike under a curve."""
    ms = _milliseconds(bins)
    return [
        {
            "type": "bar",
            "name": names[name],
            "x0": at_ms(0),
            "dx": ms,
            "y": plain(values, 3),
            "offset": 0,
            "width": ms,
            "marker": {
                "color": style[name]["color"],
                "line": {"width": 0},
                "pattern": pattern(style[name]["pattern"]),
            },
            "hovertemplate": f"{names[name]} %{{y:.0%}}<extra></extra>",
        }
        for name, values in series.items()
    ]


def _milliseconds(bins: Bins) -> int:
    return round(bins.width_s * 1000)


def _share_axis() -> dict[str, Any]:
    return {"range": [0, 1.001], "tickformat": ".0%", "dtick": 0.25}


def _extreme(values: Float, pick: Any) -> float:
    return float(pick(values)) if np.isfinite(values).any() else float("nan")


def _band(bins: Bins, lo: Float, hi: Float, words: Words) -> dict[str, Any]:
    """The band as one polygon per unbroken stretch: Plotly's own fill between lines is drawn across gaps."""
    x: list[Any] = []
    y: list[Any] = []
    there = (np.isfinite(lo) & np.isfinite(hi)).astype(np.int64)
    middles = [at_ms(start + bins.width_s / 2) for start in bins.starts_s]
    for there_is, a, b in runs(there):
        if there_is:
            x += [*middles[a:b], *middles[a:b][::-1], None]
            y += [*plain(hi[a:b]), *plain(lo[a:b])[::-1], None]
    return {
        "type": "scatter",
        "mode": "none",
        "fill": "toself",
        "name": words.gettext("likely range"),
        "x": x,
        "y": y,
        "fillcolor": palette()["band"],
        "hoverinfo": "skip",
    }


def _area(name: str, values: Float, bins: Bins, color: str) -> dict[str, Any]:
    ms = _milliseconds(bins)
    return {
        "type": "bar",
        "name": name,
        "x0": at_ms(0),
        "dx": ms,
        "offset": 0,
        "width": ms,
        "y": plain(values, 1),
        "yaxis": "y2",
        "marker": {"color": color, "line": {"width": 0}},
        "hovertemplate": f"{name} %{{y:.0f}}<extra></extra>",
    }


def moments_in_order(session: Session) -> list[dict[str, Any]]:
    """The moments of the group by time; when there are too many to mark, the strongest.

    A moment without a strength is that of a single person, like a long absence.
    """
    measured = [moment for moment in session.table("moments").to_pylist() if known(moment["strength"])]
    strongest = sorted(measured, key=lambda moment: (-moment["strength"], moment["t0"]))[:MOMENTS_MARKED]
    return sorted(strongest, key=lambda moment: float(moment["t0"]))


def _moment_marks(session: Session) -> dict[str, Any]:
    """A shaded stretch with a number for each moment; the numbers are those of the list on the page."""
    colors = palette()
    shapes, notes = [], []
    for number, moment in enumerate(moments_in_order(session), start=1):
        shapes.append(
            {
                "type": "rect",
                "xref": "x",
                "yref": "paper",
                "x0": at_ms(moment["t0"]),
                "x1": at_ms(moment["t1"]),
                "y0": 0,
                "y1": 1,
                "fillcolor": colors["moment"],
                "line": {"width": 1, "color": colors["moment_edge"], "dash": "dot"},
                "layer": "above",
            }
        )
        notes.append(
            {
                "xref": "x",
                "yref": "paper",
                "x": at_ms((moment["t0"] + moment["t1"]) / 2),
                "y": 1,
                "yanchor": "top",
                "text": f"<b>{number}</b>",
                "showarrow": False,
                "font": {"size": 13, "color": "#ffffff"},
                "bgcolor": "#8a5a00",
                "borderpad": 2,
            }
        )
    return {"shapes": shapes, "annotations": notes}
