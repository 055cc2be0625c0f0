"""The report of one session, derived from what is stored and never changing it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reports import summary
from reports.charts import over_time
from reports.context import Context, Part, context_of
from reports.document import document
from reports.facts import facts_of
from reports.methods import limits, methods
from reports.people import participants
from reports.quality import data_quality
from reports.ribbon import with_ribbon
from reports.speech import spoken_part
from reports.summary import Headline
from reports.theme import Theme
from reports.words import words_in

if TYPE_CHECKING:
    from emorec.store import Session

__all__ = ["PARTS", "Headline", "headline", "parts_of", "render"]

PARTS: Final[tuple[Callable[[Context], Part | None], ...]] = (
    summary.opening,
    over_time,
    spoken_part,
    participants,
    data_quality,
    methods,
    limits,
)
"""The parts of a report from top to bottom; one that has nothing to say of a session gives None."""


def headline(session: Session, language: str = "en") -> list[Headline]:
    """The headline figures of a session, in order: duration, people, faces seen, attention, engagement, expression."""
    return summary.headline_of(facts_of(session), words_in(language))


def parts_of(context: Context) -> list[Part]:
    """The parts that a session's report has."""
    return [with_ribbon(part, context) for make in PARTS if (part := make(context)) is not None]


def render(session: Session, language: str = "en", theme: Path | None = None) -> str:
    """One self-contained HTML document: works offline and from a mail attachment; the same session, the same text.

    Args:
        session: committed; only read.
        language: one of :data:`reports.i18n.LANGUAGES`.
        theme: an institution's folder (see :mod:`reports.theme`).

    Raises:
        SettingsError: the folder is missing, or a file in it cannot be used.
    """
    context = context_of(session, language, Theme(theme))
    parts = parts_of(context)
    data = {
        "figures": {chart.id: chart.figure for part in parts for chart in part.charts.values()},
        **{name: value for part in parts for name, value in part.data.items()},
    }
    return document(
        "session.html",
        data,
        context.words,
        theme=context.theme,
        plotly=bool(data["figures"]),
        title=session.metadata["title"],
        facts=context.facts,
        emorec=session.metadata["emorec"],
        parts=parts,
    )
