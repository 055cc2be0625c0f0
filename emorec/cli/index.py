"""``emorec index`` and ``emorec list``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from reports.entries import Entry

_STORE_HELP = "Folder or fsspec URL of all sessions. [default: ./emorec-store]"


def index(
    store: Annotated[str | None, typer.Option(help=_STORE_HELP, show_default=False)] = None,
    course: Annotated[
        str | None, typer.Option(help="Make a page of this course alone as well, to hand on.", show_default=False)
    ] = None,
    lang: Annotated[
        Literal["en", "es"] | None,
        typer.Option(help="Language of the page; by default as the settings say.", show_default=False),
    ] = None,
) -> None:
    """Make the page of all sessions again: search, sort, trends of courses, two sessions side by side.

    It follows every analysis by itself. Prints where it is.

    Example: emorec index --course algebra
    """
    from emorec.app import update_index
    from emorec.settings import Settings

    settings = Settings.load()
    typer.echo(update_index(store or settings.store, lang or settings.report.language, course, settings.report.theme))


def list_sessions(
    store: Annotated[str | None, typer.Option(help=_STORE_HELP, show_default=False)] = None,
    course: Annotated[str | None, typer.Option(help="Only the sessions of this course.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON per session.")] = False,
) -> None:
    """List the sessions of a store, the latest first: id, date, course, title, duration, people, attention.

    Example: emorec list --course algebra
    """
    from emorec.settings import Settings
    from emorec.store import Store
    from reports.entries import entries_of

    root = store or Settings.load().store
    entries, broken = entries_of(Store(root))
    shown = [entry for entry in entries if course in (None, entry.course)]
    for line in map(_json_line, shown) if as_json else _aligned([_cells(entry) for entry in shown]):
        typer.echo(line)
    if not shown:
        typer.echo(f"no session{'' if course is None else f' of course {course}'} in {root}", err=True)
    if broken:
        typer.echo(f"{broken} more cannot be read; analyse their recordings again with --again", err=True)


def _cells(entry: Entry) -> list[str]:
    from reports.words import known, words_in

    words = words_in("en")
    return [
        entry.id,
        entry.date,
        entry.course,
        entry.title,
        words.clock(entry.duration_s),
        "few" if entry.people is None else str(entry.people),
        words.score(entry.attention) if known(entry.attention) else "–",
    ]


def _aligned(rows: list[list[str]]) -> list[str]:
    """Rows as columns of text; on one line each, whatever a title holds."""
    rows = [[" ".join(cell.split()) for cell in row] for row in rows]
    widths = [max((len(row[k]) for row in rows), default=0) for k in range(7)]
    return [
        "  ".join(
            cell.rjust(width) if k >= 4 else cell.ljust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _json_line(entry: Entry) -> str:
    from reports.words import known

    def number(value: float) -> float | None:
        return round(value, 4) if known(value) else None

    return json.dumps(
        {
            "session": entry.id,
            "date": entry.date,
            "course": entry.course,
            "title": entry.title,
            "duration_s": entry.duration_s,
            "participants": entry.people,
            "seen": number(entry.seen),
            "attention": number(entry.attention),
            "high_engagement": number(entry.high),
        },
        ensure_ascii=False,
    )
