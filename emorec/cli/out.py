"""``emorec export`` and ``emorec query``."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_SHOWN = 200
"""How many rows of an answer a terminal shows; files have all of them."""


class To(StrEnum):
    """Formats of ``emorec export``."""

    CSV = "csv"
    ODS = "ods"
    ELAN = "elan"
    BIDS = "bids"
    RO_CRATE = "ro-crate"


class Form(StrEnum):
    """Forms of an answer to ``emorec query``."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def export(
    session: Annotated[str, typer.Argument(metavar="SESSION", help="A session's id or folder.")],
    to: Annotated[
        To, typer.Option(help="csv and ods for spreadsheets, elan for annotators, bids and ro-crate for researchers.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="A new folder. [default: ./SESSION-FORMAT]", show_default=False),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(help="Folder or fsspec URL of all sessions. [default: ./emorec-store]", show_default=False),
    ] = None,
) -> None:
    """Write a session in the format of other tools, and print the files to open.

    Example: emorec export 0123456789abcdef --to ods
    """
    from emorec import exports
    from emorec.settings import Settings
    from emorec.store import load

    opened = load(session, store or Settings.load().store)
    for path in exports.export(opened, to.value, out or Path(f"{opened.id}-{to.value}")):
        typer.echo(path)


def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help='What to ask; the table group is written "group".')],
    store: Annotated[
        str | None,
        typer.Option(help="Folder or fsspec URL of all sessions. [default: ./emorec-store]", show_default=False),
    ] = None,
    form: Annotated[
        Form | None,
        typer.Option("--format", help="By default a table on a terminal, else CSV.", show_default=False),
    ] = None,
) -> None:
    """Ask all sessions of a store in SQL.

    There are sessions, timeline, windows, "group", group_windows, participants, left_out, moments, speech, chat and
    chapters; docs/formats.md has their columns.

    Example: emorec query "select course, avg(engagement) from sessions join windows using (session) group by course"
    """
    from emorec.asking import query_table
    from emorec.settings import Settings

    answer = query_table(sql, store or Settings.load().store)
    chosen = form or (Form.TABLE if sys.stdout.isatty() else Form.CSV)
    if chosen is Form.CSV:
        typer.echo(answer.to_pandas().to_csv(index=False), nl=False)
    elif chosen is Form.JSON:
        typer.echo(
            answer.to_pandas().to_json(orient="records", lines=True, date_format="iso", force_ascii=False), nl=False
        )
    else:
        _print_table(answer)


def _print_table(answer: pa.Table) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(*answer.column_names)
    for row in answer.slice(0, ROWS_SHOWN).to_pylist():
        table.add_row(*(_cell(value) for value in row.values()))
    console = Console()
    console.print(table, markup=False)
    if len(answer) > ROWS_SHOWN:
        console.print(f"{len(answer) - ROWS_SHOWN} more rows; --format csv has all of them", markup=False)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
