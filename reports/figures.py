"""What figures have in common: axes of time and people, stacked bars, bands, patterns, tables of what they show.

Figures are Plotly's plain specifications; the page draws them with one shared template.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from reports.series import Bins, plain, runs
from reports.words import Words

__all__ = [
    "Chart",
    "Table",
    "area",
    "at_ms",
    "band",
    "bin_ms",
    "line",
    "pattern",
    "people_axis",
    "share_axis",
    "stacked_bars",
    "time_axis",
]

Float = NDArray[np.float64]

EPOCH_MS: Final = 946_684_800_000
"""The year 2000: Plotly takes small numbers on an axis of dates for years."""
TICKS: Final = 9
"""Most labels of an axis of time; a phone shows every second one."""
TICK_STEPS_S: Final = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 14400, 28800, 86400)


@dataclass(frozen=True)
class Table:
    """Figures as a table: names of columns, and rows of texts whose first names the row."""

    head: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Chart:
    """A figure: ``figure`` has Plotly's ``data`` and ``layout``; ``text`` says what it shows to who cannot see it.

    ``title`` and ``note`` stand above it; ``table`` has the same figures, None where the page's script makes it of the
    figure when it is asked for.
    """

    id: str
    title: str
    note: str
    figure: dict[str, Any]
    height_px: int
    text: str
    table: Table | None = None


def at_ms(t_s: float) -> int:
    """A time of the recording on the axis of :func:`time_axis`."""
    return EPOCH_MS + round(t_s * 1000)


def bin_ms(bins: Bins) -> int:
    """How wide a bin is on that axis."""
    return round(bins.width_s * 1000)


def time_axis(duration_s: float, words: Words, **more: Any) -> dict[str, Any]:
    """The recording's time in the measure in which sentences tell it; an axis of dates, for what is hovered over."""
    step = next((s for s in TICK_STEPS_S if duration_s / s < TICKS), TICK_STEPS_S[-1])
    ticks = [float(t) for t in np.arange(0, duration_s * 1.0001, step)]
    return {
        "type": "date",
        "range": [at_ms(0), at_ms(duration_s)],
        "tickvals": [at_ms(t) for t in ticks],
        "ticktext": [words.tick(t, duration_s) for t in ticks],
        "hoverformat": "%-H:%M:%S" if duration_s >= 3600 else "%-M:%S",
        **more,
    }


def people_axis(present: Float, words: Words) -> dict[str, Any]:
    """Numbers of people, in whole ones."""
    few = float(np.nanmax(present)) < 4
    return {
        "rangemode": "tozero",
        "title": {"text": words.gettext("people")},
        "tickformat": "d",
        "fixedrange": True,
        **({"dtick": 1} if few else {"nticks": 4}),
    }


def share_axis() -> dict[str, Any]:
    """0 to 100 per cent."""
    return {"range": [0, 1.001], "tickformat": ".0%", "dtick": 0.25}


def pattern(shape: str) -> dict[str, Any]:
    """A faint white pattern over a colour: the second cue for who cannot tell the colours apart."""
    return {"shape": shape, "fillmode": "overlay", "size": 6, "solidity": 0.2, "fgcolor": "#ffffff"}


def line(name: str, values: Float, bins: Bins, color: str, **more: Any) -> dict[str, Any]:
    """A curve over time; with few values it has marks, so that a single one is seen."""
    few = np.isfinite(values).sum() < 8
    return {
        "type": "scatter",
        "mode": "lines+markers" if few else "lines",
        "name": name,
        "x0": at_ms(bins.width_s / 2),
        "dx": bin_ms(bins),
        "y": plain(values),
        "line": {"color": color, "width": 2.5},
        "hovertemplate": f"{name} %{{y:.2f}}<extra></extra>",
        **more,
    }


def area(name: str, values: Float, bins: Bins, color: str, **more: Any) -> dict[str, Any]:
    """Steps from 0 on, filled; for numbers that are 0 where nothing is. One path, where bars were hundreds."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x0": at_ms(0),
        "dx": bin_ms(bins),
        # The last step is as wide as the others.
        "y": plain(np.append(values, values[-1:]), 1),
        "line": {"width": 0, "shape": "hv", "color": color},
        "fill": "tozeroy",
        "fillcolor": color,
        "hovertemplate": f"{name} %{{y:.0f}}<extra></extra>",
        **more,
    }


def band(name: str, lo: Float, hi: Float, bins: Bins, color: str) -> dict[str, Any]:
    """A band as one polygon per unbroken stretch: Plotly's own fill between lines is drawn across gaps."""
    x: list[Any] = []
    y: list[Any] = []
    there = (np.isfinite(lo) & np.isfinite(hi)).astype(np.int64)
    middles = [at_ms(start + bins.width_s / 2) for start in bins.starts_s]
    for drawn, a, b in runs(there):
        if drawn:
            x += [*middles[a:b], *middles[a:b][::-1], None]
            y += [*plain(hi[a:b]), *plain(lo[a:b])[::-1], None]
    return {
        "type": "scatter",
        "mode": "none",
        "fill": "toself",
        "name": name,
        "x": x,
        "y": y,
        "fillcolor": color,
        "hoverinfo": "skip",
    }


def stacked_bars(series: dict[str, Float], style: dict[str, Any], names: dict[str, str], bins: Bins) -> list[Any]:
    """A bar trace for each series, without gaps between bars; a bin without data stays empty, unlike under a curve."""
    ms = bin_ms(bins)
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
