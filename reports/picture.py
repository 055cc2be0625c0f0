"""A session as one picture for a chat: what it was, its figures, the curve of attention, and what not to do with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from reports.context import context_of
from reports.document import document
from reports.facts import numbers
from reports.series import bins_for, mean_in_bins
from reports.summary import headline_of, sentences_of
from reports.theme import Theme
from reports.trend import path_of

if TYPE_CHECKING:
    from emorec.store import Session

__all__ = ["SIZE_PX", "render"]

SIZE_PX: Final = (1200, 630)
"""What chats show whole: the size of a link's preview."""
POINTS: Final = 120
SENTENCES: Final = 2


def render(session: Session, language: str = "en", theme: Path | None = None) -> str:
    """The page that the picture is taken of, :data:`SIZE_PX` large.

    Raises:
        SettingsError: the folder of the theme, or a file in it, cannot be used.
    """
    context = context_of(session, language, Theme(theme))
    facts, words, metadata = context.facts, context.words, session.metadata
    windows = session.group_windows
    bins = bins_for(facts.duration_s, POINTS, at_least_s=facts.window_s)
    curve = mean_in_bins(numbers(windows, "t0"), numbers(windows, "attention"), bins)
    x = (bins.starts_s + bins.width_s / 2) / max(facts.duration_s, 1e-3) * 100
    return document(
        "picture.html",
        {},
        words,
        theme=context.theme,
        script="picture.js",
        styles=("report.css", "picture.css"),
        plotly=False,
        title=metadata["title"],
        emorec=metadata["emorec"],
        course=metadata["course"],
        date=words.date(metadata["date"]),
        duration=words.duration(facts.duration_s),
        facts=facts,
        tiles=[figure for figure in headline_of(facts, words) if figure.key != "duration"],
        sentences=sentences_of(session, facts, words)[:SENTENCES],
        curve=path_of(x, (1 - curve) * 100) if np.isfinite(curve).any() else "",
        clocks=[words.clock(share * facts.duration_s) for share in (0, 0.5, 1)],
    )
