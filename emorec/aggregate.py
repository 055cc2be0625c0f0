"""Privacy mode aggregate: what of a resolved recording may be kept, so that nothing tells of a single person.

A mean over everybody seen would give single people away: where one comes or goes, the difference of two windows is
that one's value. So people are put into cells of at least ``least_group``, fixed for the whole session, and a window's
values come from whole cells only, those of whom every member has a value. Whatever is computed from any windows then
tells of a whole cell at least (k-anonymity of linear queries: Sweeney 2002; Aggarwal & Yu 2008). What it costs: who
is in no cell is not counted, and a small group's window in which one of a cell is not seen stays empty.

The numbers of people move in steps of ``least_group`` at least, for the same reason. What is true of everybody in a
cell (all of them low) is true of each: that remains, as in every table of a group.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from emorec.analysis import Group, GroupWindows, Moment, Windows
from emorec.analysis.engagement import LEVELS
from emorec.analysis.group import bootstrap_band, dense
from emorec.analysis.synchrony import synchrony
from emorec.analysis.windows import Grid, group_means
from emorec.settings.analysis import AnalysisSettings
from emorec.tables import group_windows_table, moments_table
from emorec.types import EMOTIONS, Bool, Float64, Int64, Samples, Timeline

__all__ = ["aggregate_counts", "aggregate_metadata", "aggregate_tables", "cells"]

DIGITS: Final = 3
"""Of every value; more would be of no use but to tell people apart."""
STRENGTH_DIGITS: Final = 1
SENTENCES: Final = {
    "attention_peak": "The group's attention rose.",
    "attention_drop": "The group's attention fell.",
    "engagement_peak": "The group's engagement rose.",
    "engagement_drop": "The group's engagement fell.",
    "shared_laughter": "Several people smiled or laughed at once.",
}
"""What is said of a moment: without how many took part. A moment of another kind, like an absence, may be that of a
single person and is not kept."""
_PERSON = re.compile(r"\bP\d{2,}\b")


def cells(known: Bool, least: int) -> list[Int64]:
    """People in cells of at least ``least``, so that many windows have many whole cells.

    Greedy: the person with most windows, and whoever shares most windows with those already chosen; then who is left
    joins a cell where that does not lower the number of people × windows that count. Not everybody is in a cell.

    Args:
        known: [people, windows], who has values when.
    """
    left = sorted(range(len(known)), key=lambda who: (-int(known[who].sum()), who))
    found: list[list[int]] = []
    alone: list[int] = []
    while len(left) >= least:
        members = [left[0]]
        together = known[left[0]].copy()
        while len(members) < least:
            others = [who for who in left if who not in members]
            best = max(others, key=lambda who: (int((known[who] & together).sum()), -who))
            members.append(best)
            together &= known[best]
        if together.any():
            found.append(members)
            left = [who for who in left if who not in members]
        else:
            alone.append(left.pop(0))
    for who in sorted([*left, *alone]):
        gains = [
            (len(members) + 1) * int((whole & known[who]).sum()) - len(members) * int(whole.sum())
            for members in found
            for whole in [known[members].all(axis=0)]
        ]
        if gains and max(gains) >= 0:
            found[int(np.argmax(gains))].append(who)
    return [np.array(sorted(members), np.int64) for members in found]


def aggregate_tables(
    session: str,
    samples: Samples,
    timeline: Timeline,
    windows: Windows,
    group_windows: GroupWindows,
    moments: Sequence[Moment],
    grid: Grid,
    settings: AnalysisSettings,
) -> dict[str, pa.Table]:
    """The two tables that privacy mode aggregate keeps: windows of the group, each value from whole cells only, and
    the moments of the group, by whole windows and without a person."""
    n_people, n = int(timeline.participant.max(initial=-1)) + 1, len(grid)
    attention = _by_person(windows, windows.attention, n_people, n)
    emotions = _by_person(windows, windows.emotions, n_people, n)
    engagement = _by_person(windows, windows.engagement, n_people, n)
    level = _by_person(windows, np.where(windows.level >= 0, windows.level, np.nan), n_people, n)
    chosen = cells(_usual(attention, emotions, engagement), settings.least_group)
    attention, engagement, level = (_of_whole_cells(values, chosen) for values in (attention, engagement, level))
    emotions = np.stack([_of_whole_cells(emotions[:, :, k], chosen) for k in range(len(EMOTIONS))], axis=2)
    low, high = bootstrap_band(engagement, settings.bootstrap)
    attention_low, attention_high = bootstrap_band(attention, settings.bootstrap)
    present = _steady(group_windows.present, group_windows.people_present, settings.least_group)
    visible = np.minimum(present, _steady(group_windows.visible, group_windows.people_visible, settings.least_group))
    together, chance_low, chance_high = _synchrony(timeline, samples, grid, chosen, settings)
    kept = GroupWindows(
        present=present,
        visible=visible,
        engagement=_rounded(_mean(engagement)),
        engagement_lo=_rounded(low),
        engagement_hi=_rounded(high),
        shares=np.stack(
            [_rounded(_mean(np.where(np.isfinite(level), level == k, np.nan))) for k in range(len(LEVELS))], axis=1
        ),
        means=Group(
            present=np.zeros(n, np.int64),
            visible=np.zeros(n, np.int64),
            visible_share=_rounded(visible / present),
            emotions=_rounded(_mean(emotions)),
            attention=_rounded(_mean(attention)),
            attention_lo=_rounded(attention_low),
            attention_hi=_rounded(attention_high),
            synchrony=_rounded(together),
            synchrony_lo=_rounded(chance_low),
            synchrony_hi=_rounded(chance_high),
            compared=np.zeros(n, np.int64),
        ),
        people_present=group_windows.people_present,
        people_visible=group_windows.people_visible,
        people_attention=np.isfinite(attention).sum(axis=0),
        people_emotions=np.isfinite(emotions).all(axis=2).sum(axis=0),
        people_engaged=np.isfinite(engagement).sum(axis=0),
    )
    return {
        "group_windows": group_windows_table(session, kept, grid),
        "moments": moments_table(session, _kept_moments(moments, kept, grid)),
    }


def aggregate_counts(counts: Mapping[str, int], group_windows: GroupWindows, least: int) -> dict[str, int | None]:
    """What may be said of how many: the samples; and the participants, null where they are fewer than ``least`` but
    some, and the share of their time in the picture with a visible face, in per cent."""
    people = counts["participants"]
    told: dict[str, int | None] = {
        "participants": people if people == 0 or people >= least else None,
        "samples": counts["samples"],
    }
    there = float(np.nansum(group_windows.present))
    if people >= least and there > 0:
        told["seen_percent"] = round(100 * float(np.nansum(group_windows.visible)) / there)
    return told


def aggregate_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """A session.json without what would tell how many faces there were, or of whom.

    Seconds by stage go because they grow with the number of faces, their counts because they are it.
    """
    warnings = [text for text in metadata["warnings"] if not _PERSON.search(text)]
    return {**metadata, "stages": {}, "warnings": warnings}


def _by_person(windows: Windows, values: NDArray[Any], n_people: int, n_windows: int) -> Float64:
    """Values of participants' windows [rows] or [rows, k] as [people, windows] or [people, windows, k]."""
    table = np.full((n_people, n_windows, *values.shape[1:]), np.nan)
    table[windows.participant, windows.window] = values
    return table


def _usual(attention: Float64, emotions: Float64, engagement: Float64) -> Bool:
    """Who is measured when [people, windows]: has each of the values that anybody has."""
    known = np.ones(attention.shape, bool)
    for has in (np.isfinite(attention), np.isfinite(emotions).all(axis=2), np.isfinite(engagement)):
        if has.any():
            known &= has
    return known


def _of_whole_cells(values: Float64, chosen: list[Int64]) -> Float64:
    """Values [people, windows] of those whose cell is whole in a window, NaN elsewhere."""
    kept = np.full_like(values, np.nan)
    for members in chosen:
        whole = np.isfinite(values[members]).all(axis=0)
        kept[np.ix_(members, np.flatnonzero(whole))] = values[np.ix_(members, np.flatnonzero(whole))]
    return kept


def _mean(values: Float64) -> Float64:
    """Mean over people of [people, …], NaN left out; NaN where there is nobody."""
    known = np.isfinite(values)
    mean = np.full(values.shape[1:], np.nan)
    np.divide(np.where(known, values, 0).sum(axis=0), known.sum(axis=0), out=mean, where=known.any(axis=0))
    return mean


def _rounded(values: Float64) -> Float64:
    rounded: Float64 = np.round(values, DIGITS)
    return rounded


def _steady(mean: Float64, people: Int64, least: int) -> Float64:
    """Numbers of people [windows] that move only when ``least`` more or fewer are there, NaN where fewer are.

    The whole number that is right most of the time, or right now where that is off by ``least`` or more: a single
    person who comes or goes does not show.
    """
    counted = np.rint(mean)
    known = (people >= least) & (counted >= least)
    told = np.full(len(counted), np.nan)
    if not known.any():
        return told
    shown = float(np.quantile(counted[known], 0.5, method="nearest"))
    for i in np.flatnonzero(known):
        if abs(counted[i] - shown) >= least:
            shown = float(counted[i])
        told[i] = shown
    return told


def _synchrony(
    timeline: Timeline, samples: Samples, grid: Grid, chosen: list[Int64], settings: AnalysisSettings
) -> Float64:
    """Synchrony within cells and the ends of its band of chance [3, windows], means over the pairs of those cells all
    of whose members can be compared; the mean of several cells' bands is rather too wide than too narrow."""
    n = len(grid)
    total, pairs = np.zeros((3, n)), np.zeros((3, n))
    expressions = dense(timeline, timeline.emotions, len(samples))
    for members in chosen:
        found = synchrony(expressions[members], samples, settings)
        whole, weight = found.compared == len(members), len(members) * (len(members) - 1)
        for row, values in enumerate((found.value, found.chance_lo, found.chance_hi)):
            of_windows = group_means(np.where(whole, values, np.nan), grid.of_sample, n)
            known = np.isfinite(of_windows)
            total[row, known] += weight * of_windows[known]
            pairs[row, known] += weight
    mean = np.full((3, n), np.nan)
    np.divide(total, pairs, out=mean, where=pairs > 0)
    return mean


def _kept_moments(moments: Sequence[Moment], kept: GroupWindows, grid: Grid) -> list[Moment]:
    """The moments of which every window is told, from the start of a window to the end of one."""
    # What a moment's kind begins with, and the number of people that its windows are told of.
    measured = {
        "attention": kept.people_attention,
        "engagement": kept.people_engaged,
        "shared": kept.people_emotions,
    }
    shown = []
    for moment in moments:
        inside = np.flatnonzero((grid.t0_s < moment.t1_s) & (grid.t1_s > moment.t0_s))
        if moment.kind not in SENTENCES or not len(inside) or not measured[moment.kind.split("_")[0]][inside].all():
            continue
        shown.append(
            replace(
                moment,
                t0_s=float(grid.t0_s[inside[0]]),
                t1_s=float(grid.t1_s[inside[-1]]),
                strength=round(moment.strength, STRENGTH_DIGITS),
                participants=(),
                detail=SENTENCES[moment.kind],
            )
        )
    return shown
