"""Curves of the group with bands that say how far to trust them: its engagement, and the synchrony of expressions."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from reports.context import Context
from reports.facts import numbers
from reports.figures import Chart, at_ms, band, bin_ms, line, time_axis
from reports.group import FINE, group_table, screen_changes
from reports.moments import moment_marks
from reports.series import Bins, bins_for, mean_in_bins, plain
from reports.words import Words

__all__ = ["engagement_chart", "extreme", "likely_range", "synchrony_chart"]

Float = NDArray[np.float64]

SYNCHRONY_POINTS: Final = 2 * FINE
"""So fine that in recordings of up to four hours no point is of more than the half a minute that synchrony is of: over
more its ups would be averaged away, and the band would not."""
LEAST_SPAN: Final = (-0.2, 0.4)
"""What the axis of synchrony shows at least: small ups and downs shall not look large."""
AIR: Final = 0.12
"""Share of that axis above and below all that is drawn: room for the numbers of moments."""


def engagement_chart(context: Context) -> Chart | None:
    """The group's engagement, window by window, with its band."""
    session, facts, words, colors = context.session, context.facts, context.words, context.theme.palette
    bins = bins_for(facts.duration_s, FINE, at_least_s=facts.window_s)
    t_s = numbers(session.group_windows, "t0")
    mean, lo, hi = (
        mean_in_bins(t_s, numbers(session.group_windows, name), bins)
        for name in ("engagement", "engagement_lo", "engagement_hi")
    )
    if not np.isfinite(mean).any():
        return None
    name = words.gettext("engagement")
    likely = [band(words.gettext("likely range"), lo, hi, bins, colors["band"])] if np.isfinite(lo).any() else []
    layout = {
        "xaxis": time_axis(facts.duration_s, words),
        "yaxis": {"range": [-0.1, 1.001], "title": {"text": name}, "dtick": 0.25},
        **moment_marks(context),
    }
    text = words.gettext(
        "Line of the group's engagement over %(duration)s: mean %(mean)s, lowest %(lowest)s, highest %(highest)s.",
        duration=words.duration(facts.duration_s),
        mean=words.score(facts.engagement),
        lowest=words.score(extreme(mean, np.nanmin)),
        highest=words.score(extreme(mean, np.nanmax)),
    )
    window = words.duration(bins.width_s)
    note = (
        words.gettext(
            "An index from 0 to 1 of attention and displayed expression, one value every %(window)s.", window=window
        )
        if facts.with_emotions
        else words.gettext("An index from 0 to 1 of attention, one value every %(window)s.", window=window)
    )
    if facts.people != 1:
        note = f"{note} {likely_range(words)}"
    figure = {"data": [*likely, line(name, mean, bins, colors["accent"]), *screen_changes(context, bins)]}
    columns = [
        (name, "engagement", words.score),
        (words.gettext("from"), "engagement_lo", words.score),
        (words.gettext("to"), "engagement_hi", words.score),
    ]
    title = words.gettext("Engagement")
    return Chart("engagement", title, note, {**figure, "layout": layout}, 280, text, group_table(context, columns))


def synchrony_chart(context: Context) -> Chart | None:
    """How far displayed expressions went together, before what chance alone makes of that; None where there is nothing
    to tell chance from."""
    session, facts, words, colors = context.session, context.facts, context.words, context.theme.palette
    source, time = (session.group, "t") if len(session.group) else (session.group_windows, "t0")
    values, lo, hi = (numbers(source, name) for name in ("synchrony", "synchrony_lo", "synchrony_hi"))
    judged = np.isfinite(values) & np.isfinite(lo) & np.isfinite(hi)
    if not facts.with_emotions or not judged.any():
        return None
    bins = bins_for(facts.duration_s, SYNCHRONY_POINTS, at_least_s=5 if time == "t" else facts.window_s)
    t_s = numbers(source, time)
    mean, low, high = (mean_in_bins(t_s, np.where(judged, column, np.nan), bins) for column in (values, lo, hi))
    above = words.share(float(np.mean(values[judged] > hi[judged])))
    lowest = min(LEAST_SPAN[0], extreme(np.concatenate([mean, low]), np.nanmin))
    highest = max(LEAST_SPAN[1], extreme(np.concatenate([mean, high]), np.nanmax))
    air = AIR * (highest - lowest)
    name = words.gettext("synchrony")
    layout = {
        "xaxis": time_axis(facts.duration_s, words),
        "yaxis": {"range": [lowest - air, highest + air], "title": {"text": name}, "nticks": 5},
        **moment_marks(context),
    }
    marks = _above(mean, high, bins, words, colors)
    data = [
        band(words.gettext("what chance makes"), low, high, bins, colors["chance"]),
        line(name, mean, bins, colors["accent"]),
        *marks,
        *screen_changes(context, bins, lowest - air / 2),
    ]
    meaning = words.gettext(
        "Did expressions change together, like smiles at one joke? 1: all change alike; 0: each on its own."
    )
    found = (
        words.gettext(
            "Inside the grey range it may be chance; above it, at the diamonds, it hardly is: %(above)s of the time, "
            "where chance alone makes 2 to 3%%.",
            above=above,
        )
        if marks
        else words.gettext("Inside the grey range it may be chance; here it was never clearly above it.")
    )
    note = f"{meaning} {found}"
    text = words.gettext(
        "Line of how far displayed expressions went together: mean %(mean)s, highest %(highest)s; above the range of "
        "chance %(above)s of the time.",
        mean=words.number(float(np.mean(values[judged])), 2),
        highest=words.number(extreme(mean, np.nanmax), 2),
        above=above,
    )

    def number(value: float) -> str:
        return words.number(value, 2)

    columns = [
        (name, "synchrony", number),
        (words.gettext("by chance from"), "synchrony_lo", number),
        (words.gettext("to"), "synchrony_hi", number),
    ]
    title = words.gettext("How far expressions went together")
    return Chart("synchrony", title, note, {"data": data, "layout": layout}, 300, text, group_table(context, columns))


def likely_range(words: Words) -> str:
    """What the band of a mean over the group is."""
    return words.gettext(
        "The shaded range is where the mean of 95 in 100 similar groups would lie; it is wide when few faces are seen."
    )


def extreme(values: Float, pick: Any) -> float:
    """The least or largest of what is known; NaN where nothing is."""
    return float(pick(values)) if np.isfinite(values).any() else float("nan")


def _above(mean: Float, high: Float, bins: Bins, words: Words, colors: dict[str, Any]) -> list[dict[str, Any]]:
    """Marks where the curve is above the band, so that it is seen without comparing two edges."""
    over = mean > high
    if not over.any():
        return []
    name = words.gettext("more than chance")
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": name,
            "x0": at_ms(bins.width_s / 2),
            "dx": bin_ms(bins),
            "y": plain(np.where(over, mean, np.nan)),
            "marker": {"symbol": "diamond", "size": 8, "color": colors["second"]},
            "hovertemplate": f"{name}<extra></extra>",
        }
    ]
