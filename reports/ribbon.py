"""Chapters and slides as a ribbon under every chart of time."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from reports.context import Context, Part
from reports.figures import at_ms
from reports.spoken import chapter_name, chapters_of

__all__ = ["with_ribbon"]

BELOW_PX: Final = 30
"""Where the ribbon begins below a chart: under the labels of its axis."""
HEIGHT_PX: Final = 16
ROOM_PX: Final = 52
"""What a chart's lower margin becomes: labels of the axis, the ribbon, and a little air; without a ribbon it is 36."""
MORE_PX: Final = 16
NAMED_FROM: Final = 0.14
"""A chapter of at least this share of the recording has room for its title, others for their number."""
NUMBERED_FROM: Final = 0.015
TITLE_PX: Final = 7.0
MOST_TITLE: Final = 60
COLORS: Final = ("#56616d", "#7b8794")


def with_ribbon(part: Part, context: Context) -> Part:
    """The part with chapters under those of its charts that run along the recording."""
    chapters = chapters_of(context.session)
    if len(chapters) < 2:
        return part
    charts = {
        name: replace(chart, figure=_marked(chart.figure, chapters, context), height_px=chart.height_px + MORE_PX)
        if _runs_along(chart.figure)
        else chart
        for name, chart in part.charts.items()
    }
    data = {
        name: [_marked(figure, chapters, context) if _runs_along(figure) else figure for figure in value]
        if name == "cards"
        else value
        for name, value in part.data.items()
    }
    return Part(part.template, part.values, charts, data)


def _runs_along(figure: Mapping[str, Any]) -> bool:
    return bool(figure.get("layout", {}).get("xaxis", {}).get("type") == "date")


def _marked(figure: Mapping[str, Any], chapters: list[dict[str, Any]], context: Context) -> dict[str, Any]:
    layout = dict(figure["layout"])
    shapes, notes = [], []
    for row in chapters:
        shapes.append(
            {
                "type": "rect",
                "xref": "x",
                "yref": "paper",
                "x0": at_ms(row["t0"]),
                "x1": at_ms(row["t1"]),
                "ysizemode": "pixel",
                "yanchor": 0,
                "y0": -BELOW_PX,
                "y1": -BELOW_PX - HEIGHT_PX,
                "fillcolor": COLORS[row["chapter"] % 2],
                "line": {"width": 0},
                "layer": "above",
            }
        )
        share = (row["t1"] - row["t0"]) / max(context.facts.duration_s, 1e-9)
        if share < NUMBERED_FROM:
            continue
        title = chapter_name(row, context.words)
        room = int(share * 900 / TITLE_PX)
        text = title if share >= NAMED_FROM and len(title) <= min(room, MOST_TITLE) else str(row["chapter"])
        notes.append(
            {
                "xref": "x",
                "yref": "paper",
                "x": at_ms((row["t0"] + row["t1"]) / 2),
                "y": 0,
                "yshift": -BELOW_PX - HEIGHT_PX / 2,
                "yanchor": "middle",
                # What a narrow page shows instead of the title.
                "name": str(row["chapter"]),
                # Plotly reads tags in texts.
                "text": html.escape(text),
                "showarrow": False,
                "font": {"size": 11, "color": "#ffffff"},
            }
        )
    layout["shapes"] = [*layout.get("shapes", []), *shapes]
    layout["annotations"] = [*layout.get("annotations", []), *notes]
    layout["margin"] = {**layout.get("margin", {}), "b": ROOM_PX}
    return {**figure, "layout": layout}
