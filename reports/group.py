"""What charts of the group share: how fine they are, its windows as a table, and marks where the screen changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from reports.context import Context
from reports.facts import Facts, numbers
from reports.figures import Table, at_ms
from reports.series import Bins, bins_for, mean_in_bins
from reports.words import known

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FINE", "coarse_bins", "group_table", "screen_changes"]

FINE: Final = 240
"""Most points of a curve: what 1,000 px can show without noise."""
COARSE: Final = 64
"""Most columns of stacked bars and of the heat map: wide enough for a letter, each of a span with a name."""
BELOW: Final = -0.05
"""Where screen changes are marked on an axis of 0 to 1: under all that is measured."""


def coarse_bins(facts: Facts) -> Bins:
    """The columns of stacked bars and of the heat map; at least a window wide."""
    return bins_for(facts.duration_s, COARSE, at_least_s=facts.window_s)


def screen_changes(context: Context, bins: Bins, at: float = BELOW) -> list[dict[str, Any]]:
    """Marks where the screen changed (a slide), at a height under the curves; several in one bin are one."""
    frame: pd.DataFrame = context.session.group
    changed = numbers(frame, "t")[frame["screen_change"].fillna(value=False).to_numpy(bool)]
    if not len(changed):
        return []
    t_s = changed[np.unique(bins.index(changed), return_index=True)[1]]
    name = context.words.gettext("screen change")
    mark = {"symbol": "line-ns-open", "size": 9, "color": context.theme.palette["screen"], "line": {"width": 2}}
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": name,
            "x": [at_ms(t) for t in t_s],
            "y": [at] * len(t_s),
            "marker": mark,
            "hovertemplate": f"{name}<extra></extra>",
        }
    ]


def group_table(context: Context, columns: list[tuple[str, str, Any]]) -> Table:
    """Columns of the group's windows as texts, a row per column of the stacked bars."""
    frame, bins, words = context.session.group_windows, coarse_bins(context.facts), context.words
    t_s = numbers(frame, "t0")
    series = [(mean_in_bins(t_s, numbers(frame, column), bins), text) for _, column, text in columns]
    rows = [
        [words.clock(start), *(text(values[i]) if known(values[i]) else "–" for values, text in series)]
        for i, start in enumerate(bins.starts_s)
    ]
    return Table([words.gettext("time"), *(name for name, _, _ in columns)], rows)
