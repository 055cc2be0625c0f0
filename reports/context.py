"""What every part of a report is told from, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reports.facts import Facts, facts_of
from reports.figures import Chart
from reports.theme import RELEASED, Theme
from reports.words import Words, words_in

if TYPE_CHECKING:
    from emorec.store import Session

__all__ = ["Context", "Part", "context_of", "drawn"]


@dataclass(frozen=True)
class Context:
    """A session with its figures, the language it is told in, and the look of the page."""

    session: Session
    facts: Facts
    words: Words
    theme: Theme


@dataclass(frozen=True)
class Part:
    """A part of a report: a template, which finds ``values`` and ``charts`` (by id) in ``part``.

    ``data`` is for the page's script. A template is included where the part stands in
    :data:`reports.session.PARTS`; whoever adds a part writes a function and a template, and names it there.
    """

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    charts: Mapping[str, Chart] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)


def context_of(session: Session, language: str = "en", theme: Theme = RELEASED) -> Context:
    """The context of a session's report."""
    return Context(session, facts_of(session), words_in(language), theme)


def drawn(*charts: Chart | None) -> dict[str, Chart]:
    """The charts that there are, by id."""
    return {chart.id: chart for chart in charts if chart is not None}
