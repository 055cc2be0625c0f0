"""A session as Markdown for other programs' pages: its title, the headline figures, where report and folder are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reports.facts import facts_of
from reports.summary import headline_of
from reports.words import words_in

if TYPE_CHECKING:
    from emorec.store import Session

__all__ = ["render"]


def render(session: Session, language: str = "en", *, link: str = "", seconds: float | None = None) -> str:
    """The text.

    Args:
        session: committed, with a report.
        language: one of :data:`reports.i18n.LANGUAGES`.
        link: address of the report, where it is served.
        seconds: how long the analysis took, s; None where nothing was done again.
    """
    words = words_in(language)
    opened, report, folder = words.gettext("Open the report"), words.gettext("Report"), words.gettext("Session")
    did = words.gettext("Analysed before; nothing was done again.")
    if seconds is not None:
        did = words.gettext("Analysed in %(duration)s.", duration=words.duration(seconds))
    figures = headline_of(facts_of(session), words)
    lines = [
        f"## {_code(session.metadata['title'])}",
        "",
        "| " + words.gettext("Figure") + " | | |",
        "|---|---|---|",
        *(f"| {_cell(figure.label)} | {_cell(figure.text)} | {_cell(figure.note)} |" for figure in figures),
        *(["", f"[{opened}]({link})"] if link else []),
        *("", f"{report}: {_code(session.report)}", "", f"{folder}: {_code(session.folder)}", "", did),
    ]
    return "\n".join(lines)


def _cell(text: str) -> str:
    """Text that stays within a table's cell."""
    return _line(text).replace("|", "\\|")


def _code(text: str) -> str:
    """Text shown as it is, whatever Markdown or HTML a file's name holds."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {_line(text)} {fence}" if longest else f"{fence}{_line(text)}{fence}"


def _line(text: str) -> str:
    return " ".join(text.split())
