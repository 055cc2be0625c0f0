"""The group over time: attention, displayed emotions, engagement levels, and how engagement was distributed.

Its engagement and synchrony, with their bands, are in :mod:`reports.bands`.
"""

from __future__ import annotations

import itertools
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from reports.bands import engagement_chart, extreme, likely_range, synchrony_chart
from reports.context import Context, Part, drawn
from reports.facts import numbers
from reports.figures import (
    Chart,
    Table,
    area,
    band,
    line,
    pattern,
    people_axis,
    share_axis,
    stacked_bars,
    time_axis,
)
from reports.group import FINE, coarse_bins, group_table, screen_changes
from reports.moments import moment_marks, moment_rows
from reports.series import bins_for, mean_in_bins, plain
from reports.words import LEVELS

__all__ = ["STACK_ORDER", "over_time"]

Float = NDArray[np.float64]

STACK_ORDER: Final = ("happy", "surprise", "neutral", "sad", "fear", "disgust", "angry")
"""From pleasant to unpleasant, so that a stack's upper edge rises when the mood sinks."""
DISTRIBUTION_STEP: Final = 0.05


def over_time(context: Context) -> Part | None:
    """The group over time, with its moments."""
    made = (attention_chart, emotion_chart, synchrony_chart, engagement_chart, level_chart, distribution_chart)
    charts = drawn(*(make(context) for make in made))
    if not charts:
        return None
    values = {"moments": moment_rows(context), "all_moments": context.facts.moments}
    return Part("over_time.html", values, charts)


def attention_chart(context: Context) -> Chart | None:
    """The group's attention with its band, above how many people it comes from; moments and screen changes marked."""
    session, facts, words, colors = context.session, context.facts, context.words, context.theme.palette
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
        area(words.gettext("in the picture"), present, bins, colors["present"], yaxis="y2"),
        area(words.state("visible"), visible, bins, colors["visible"], yaxis="y2"),
    ]
    if not facts.measured:
        return _people_chart(context, people, present)
    likely = [band(words.gettext("likely range"), lo, hi, bins, colors["band"])] if np.isfinite(lo).any() else []
    curve = line(words.gettext("attention"), mean, bins, colors["accent"])
    layout = {
        "xaxis": time_axis(facts.duration_s, words, anchor="y2"),
        "yaxis": {
            "range": [-0.1, 1.001],
            "domain": [0.34, 1],
            "title": {"text": words.gettext("attention")},
            "dtick": 0.25,
        },
        "yaxis2": {**people_axis(present, words), "domain": [0, 0.24]},
        **moment_marks(context),
    }
    text = words.gettext(
        "Line of the group's attention over %(duration)s: mean %(mean)s, lowest %(lowest)s, highest %(highest)s. "
        "Below it the number of people in the picture and of visible faces.",
        duration=words.duration(facts.duration_s),
        mean=words.score(facts.attention),
        lowest=words.score(extreme(mean, np.nanmin)),
        highest=words.score(extreme(mean, np.nanmax)),
    )
    note = words.gettext("1: faces turned and open to the screen; 0: turned away.")
    if facts.people != 1:
        note = f"{note} {likely_range(words)}"
    figure = {"data": [*likely, curve, *screen_changes(context, bins), *people], "layout": layout}
    columns = [
        (words.gettext("attention"), "attention", words.score),
        (words.gettext("from"), "attention_lo", words.score),
        (words.gettext("to"), "attention_hi", words.score),
        (words.gettext("in the picture"), "present", words.number),
        (words.gettext("faces"), "visible", words.number),
    ]
    return Chart("attention", words.gettext("Attention"), note, figure, 400, text, group_table(context, columns))


def _people_chart(context: Context, data: list[dict[str, Any]], present: Float) -> Chart:
    """The number of people alone, where no face could be measured."""
    facts, words = context.facts, context.words
    layout = {
        "xaxis": time_axis(facts.duration_s, words, anchor="y2"),
        "yaxis2": {**people_axis(present, words), "anchor": "x"},
    }
    text = words.gettext(
        "Number of people in the picture over %(duration)s, at most %(most)s.",
        duration=words.duration(facts.duration_s),
        most=words.number(float(np.nanmax(present))),
    )
    note = words.gettext("Too few faces could be measured for a curve of attention.")
    columns = [
        (words.gettext("in the picture"), "present", words.number),
        (words.gettext("faces"), "visible", words.number),
    ]
    figure = {"data": data, "layout": layout}
    return Chart("attention", words.gettext("People"), note, figure, 240, text, group_table(context, columns))


def emotion_chart(context: Context) -> Chart | None:
    """Shares of the displayed emotions over time, stacked."""
    facts, words = context.facts, context.words
    if not facts.emotions:
        return None
    names = {name: words.emotion(name) for name in STACK_ORDER}
    parts = [f"{names[name]} {words.share(facts.emotions[name])}" for name in STACK_ORDER]
    text = words.gettext(
        "Stacked shares of the displayed emotions over time; on average %(shares)s.", shares=words.joined(parts)
    )
    note = words.gettext(
        "Mean shares of what faces showed, in columns of %(width)s. An expression is not a feeling: a neutral face may "
        "be deep in thought.",
        width=words.duration(coarse_bins(facts).width_s),
    )
    figure = _stack(context, names, context.theme.palette["emotions"])
    table = group_table(context, [(names[name], name, words.share) for name in STACK_ORDER])
    return Chart("emotions", words.gettext("Displayed expressions"), note, figure, 360, text, table)


def level_chart(context: Context) -> Chart | None:
    """Shares of participants with low, medium and high engagement over time, stacked."""
    facts, words = context.facts, context.words
    if not facts.levels:
        return None
    order = LEVELS[::-1]
    names = {name: words.level(name) for name in order}
    parts = [f"{names[name]} {words.share(facts.levels[name])}" for name in order]
    text = words.gettext(
        "Stacked shares of engagement levels over time; on average %(shares)s.", shares=words.joined(parts)
    )
    note = words.gettext(
        "Share of people at each level, in columns of %(width)s. Only people whose face was seen half of the time or "
        "more are counted.",
        width=words.duration(coarse_bins(facts).width_s),
    )
    figure = _stack(context, names, context.theme.palette["levels"])
    table = group_table(context, [(names[name], name, words.share) for name in order])
    return Chart("levels", words.gettext("Engagement levels"), note, figure, 300, text, table)


def distribution_chart(context: Context) -> Chart | None:
    """How engagement was distributed: over all people's windows, by level; in aggregate over the group's."""
    facts, words, colors = context.facts, context.words, context.theme.palette
    frame = context.session.windows
    whole = not len(frame)
    if whole:
        frame = context.session.group_windows
    values = numbers(frame, "engagement")
    known_ = np.isfinite(values)
    if not known_.any():
        return None
    edges = np.linspace(0, 1, round(1 / DISTRIBUTION_STEP) + 1)
    total = int(known_.sum())
    groups: list[tuple[str, str, dict[str, Any], Any]] = []
    if whole:
        groups.append(("", words.gettext("group"), {"color": colors["accent"], "pattern": ""}, known_))
    else:
        level = frame["level"].to_numpy(object)
        for name in LEVELS[::-1]:
            share = words.share(float((level[known_] == name).sum()) / total)
            groups.append((name, f"{words.level(name)} {share}", colors["levels"][name], known_ & (level == name)))
    counts = {key: np.histogram(values[rows], edges)[0] / total for key, _, _, rows in groups}
    data = [
        {
            "type": "bar",
            "name": label,
            "x": plain(edges[:-1]),
            "y": plain(counts[key], 4),
            "offset": 0,
            "width": DISTRIBUTION_STEP * 0.92,
            "marker": {"color": style["color"], "line": {"width": 0}, "pattern": pattern(style["pattern"])},
            "hovertemplate": f"{label}: %{{y:.0%}}<extra></extra>",
        }
        for key, label, style, _ in groups
    ]
    layout = {
        "barmode": "stack",
        "legend": {"traceorder": "normal"},
        "showlegend": not whole,
        "hovermode": "closest",
        "xaxis": {"range": [0, 1.001], "dtick": 0.1, "title": {"text": words.gettext("engagement index")}},
        "yaxis": {"tickformat": ".0%", "rangemode": "tozero", "nticks": 4},
        "margin": {"t": 40, "b": 48},
    }
    low, middle, high = (float(v) for v in np.quantile(values[known_], [0.25, 0.5, 0.75]))
    text = words.gettext(
        "Half of the values lie between %(low)s and %(high)s, half of all below %(middle)s.",
        low=words.score(low),
        high=words.score(high),
        middle=words.score(middle),
    )
    window = words.duration(facts.window_s)
    note = (
        words.gettext("Share of the group's windows of %(window)s at each value of the index.", window=window)
        if whole
        else words.gettext("Share of all people's windows of %(window)s at each value of the index.", window=window)
    )
    spans = [f"{words.number(a, 2)}–{words.number(b, 2)}" for a, b in itertools.pairwise(edges)]
    rows = [
        [span, *(words.share(float(counts[key][i])) for key, *_ in groups)]
        for i, span in enumerate(spans)
        if any(counts[key][i] for key, *_ in groups)
    ]
    table = Table([words.gettext("engagement"), *(label for _, label, _, _ in groups)], rows)
    title = words.gettext("How engagement was distributed")
    return Chart(
        "distribution", title, f"{note} {text}", {"data": data, "layout": layout}, 260, f"{title}: {note} {text}", table
    )


def _stack(context: Context, names: dict[str, str], style: dict[str, Any]) -> dict[str, Any]:
    """Columns of the group's windows, stacked to the whole, with moments and screen changes."""
    facts, bins = context.facts, coarse_bins(context.facts)
    frame = context.session.group_windows
    t_s = numbers(frame, "t0")
    series = {name: mean_in_bins(t_s, numbers(frame, name), bins) for name in names}
    changes = screen_changes(context, bins_for(facts.duration_s, FINE, at_least_s=2))
    layout = {
        "barmode": "stack",
        "legend": {"traceorder": "normal"},
        "xaxis": time_axis(facts.duration_s, context.words),
        "yaxis": {**share_axis(), **({"range": [-0.1, 1.001]} if changes else {})},
        **moment_marks(context),
    }
    return {"data": [*stacked_bars(series, style, names, bins), *changes], "layout": layout}
