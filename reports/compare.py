"""Two sessions side by side: their figures, whether attention differs by more than chance, and their charts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from emorec.version import __version__
from reports.charts import attention_chart, emotion_chart, level_chart
from reports.context import Context, context_of
from reports.document import document
from reports.facts import Facts, numbers
from reports.figures import Chart, line, time_axis
from reports.moments import moment_rows
from reports.series import bins_for, mean_in_bins
from reports.summary import headline_of
from reports.theme import Theme
from reports.words import Words, known

if TYPE_CHECKING:
    from emorec.store import Session

__all__ = ["Difference", "difference", "render", "sentences_of"]

Float = NDArray[np.float64]

SEED: Final = 20261125
RESAMPLES: Final = 2000
BLOCK: Final = 6
"""Windows in a row that are drawn together: neighbouring ones resemble each other for about a minute."""
BAND: Final = (0.025, 0.975)
POINTS: Final = 180
NAMES: Final = ("A", "B")


@dataclass(frozen=True)
class Difference:
    """Mean attention of the second session less that of the first, and its 95 % range; NaN where not known."""

    value: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether ups and downs within the sessions hardly make such a difference."""
        return self.low > 0 or self.high < 0


def difference(first: Float, second: Float) -> Difference:
    """The difference of two series of windows' attention [n], [m], NaN where there is none.

    The range is of a moving-block bootstrap (Künsch 1989), seeded. It covers chance within the sessions, not that of
    who was there: what it calls unclear is unclear, what it calls clear may still be a different audience.
    """
    series = [values[np.isfinite(values)] for values in (first, second)]
    if not all(map(len, series)):
        return Difference(float("nan"), float("nan"), float("nan"))
    rng = np.random.default_rng(SEED)
    means = [_resampled(values, rng) for values in series]
    low, high = np.quantile(means[1] - means[0], BAND)
    return Difference(float(series[1].mean() - series[0].mean()), float(low), float(high))


def _resampled(values: Float, rng: np.random.Generator) -> Float:
    """Means of resampled series [RESAMPLES], each of blocks of neighbours."""
    n = len(values)
    block = min(BLOCK, n)
    count = -(-n // block)
    starts = rng.integers(0, n - block + 1, (RESAMPLES, count))
    index = (starts[:, :, None] + np.arange(block)).reshape(RESAMPLES, -1)[:, :n]
    means: Float = values[index].mean(axis=1)
    return means


def render(first: Session, second: Session, language: str = "en", theme: Path | None = None) -> str:
    """One self-contained HTML document with both sessions; the same sessions, the same text.

    Raises:
        SettingsError: the folder of the theme, or a file in it, cannot be used.
    """
    look = Theme(theme)
    sides = [context_of(session, language, look) for session in (first, second)]
    words = sides[0].words
    pairs = [
        [_of_side(make(context), name) for context, name in zip(sides, NAMES, strict=True)]
        for make in (attention_chart, emotion_chart, level_chart)
    ]
    pairs = [pair for pair in pairs if any(pair)]
    both = _overlay(sides, words)
    charts = [chart for pair in pairs for chart in pair if chart] + ([both] if both else [])
    return document(
        "compare.html",
        {"figures": {chart.id: chart.figure for chart in charts}, "cards": []},
        words,
        theme=look,
        styles=("report.css", "compare.css"),
        title=words.gettext("Two sessions side by side"),
        emorec=__version__,
        facts=sides[0].facts,
        sides=[_side(context, name) for context, name in zip(sides, NAMES, strict=True)],
        sentences=sentences_of(sides[0], sides[1]),
        rows=_rows(sides[0].facts, sides[1].facts, words),
        both=both,
        pairs=pairs,
        with_emotions=any(context.facts.with_emotions for context in sides),
    )


def sentences_of(first: Context, second: Context) -> list[str]:
    """What differs, in plain sentences."""
    words, facts = first.words, (first.facts, second.facts)
    if not all(known(side.attention) for side in facts):
        return [words.gettext("Attention is not known of both sessions, so that they cannot be compared in it.")]
    found = difference(*(numbers(side.session.group_windows, "attention") for side in (first, second)))
    values = {"a": words.score(facts[0].attention), "b": words.score(facts[1].attention)}
    if found.clear:
        attention = words.gettext(
            "Attention was %(a)s in A and %(b)s in B, a difference of more than the ups and downs within the sessions "
            "explain.",
            **values,
        )
    else:
        attention = words.gettext(
            "Attention was %(a)s in A and %(b)s in B, a difference that ups and downs within the sessions alone can "
            "make.",
            **values,
        )
    sentences = [attention]
    if all(side.levels for side in facts):
        high = [words.share(side.levels["high"]) for side in facts]
        sentences.append(
            words.gettext(
                "Engagement was high in %(a)s of the time that could be judged in A, and in %(b)s in B.",
                a=high[0],
                b=high[1],
            )
        )
    return sentences


def _of_side(chart: Chart | None, name: str) -> Chart | None:
    return chart and replace(chart, id=f"{chart.id}-{name.lower()}", title=f"{name}: {chart.title}")


def _side(context: Context, name: str) -> dict[str, Any]:
    """What stands at the head of a side, and its moments."""
    metadata, words, facts = context.session.metadata, context.words, context.facts
    return {
        "name": name,
        "title": metadata["title"],
        "course": metadata["course"],
        "date": words.date(metadata["date"]),
        "duration": words.duration(facts.duration_s),
        "people": words.people(facts.people) if facts.people else "",
        "moments": moment_rows(context),
    }


def _rows(first: Facts, second: Facts, words: Words) -> list[tuple[str, list[tuple[str, str]]]]:
    """The headline figures as (what, [(text, note) of each side]); one that only one side has stands there alone."""
    sides = [{figure.key: figure for figure in headline_of(facts, words)} for facts in (first, second)]
    labels = {key: figure.label for side in sides for key, figure in side.items()}
    return [
        (label, [(side[key].text, side[key].note) if key in side else ("–", "") for side in sides])
        for key, label in labels.items()
    ]


def _overlay(sides: list[Context], words: Words) -> Chart | None:
    """Attention of both over their time, on one pair of axes."""
    if not all(context.facts.measured for context in sides):
        return None
    longest = max(context.facts.duration_s for context in sides)
    data = []
    for context, name, color, dash in zip(sides, NAMES, ("accent", "second"), ("solid", "dash"), strict=True):
        windows = context.session.group_windows
        bins = bins_for(longest, POINTS, at_least_s=context.facts.window_s)
        curve = mean_in_bins(numbers(windows, "t0"), numbers(windows, "attention"), bins)
        trace = line(name, curve, bins, context.theme.palette[color])
        trace["line"] = {**trace["line"], "dash": dash}
        data.append(trace)
    layout = {
        "xaxis": time_axis(longest, words),
        "yaxis": {"range": [0, 1.001], "title": {"text": words.gettext("attention")}, "dtick": 0.25},
    }
    means = [words.score(context.facts.attention) for context in sides]
    text = words.gettext("Lines of attention of both sessions; mean %(a)s in A, %(b)s in B.", a=means[0], b=means[1])
    note = words.gettext("A is the solid line, B the dashed one; both from the start of their recording.")
    return Chart("both", words.gettext("Attention of both"), note, {"data": data, "layout": layout}, 320, text)
