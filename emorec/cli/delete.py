"""``emorec delete``."""

from __future__ import annotations

import re
import sys
from typing import Annotated

import typer

_UNITS = {"d": 1, "w": 7, "m": 30, "y": 365}


def delete(
    sessions: Annotated[
        list[str] | None, typer.Argument(metavar="[SESSION…]", help="Ids of sessions.", show_default=False)
    ] = None,
    older_than: Annotated[
        str | None,
        typer.Option(metavar="AGE", help="Every session whose date is longer ago: 90d, 6m, 1y.", show_default=False),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(help="Folder or fsspec URL of all sessions. [default: ./emorec-store]", show_default=False),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be deleted, and delete nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete sessions with every trace: tables, report, unfinished work, Prefect's runs, logs.

    Recordings stay where they are.

    Example: emorec delete --older-than 1y
    """
    from emorec import removal
    from emorec.settings import Settings
    from emorec.store import Store
    from flows.forgetting import forget_sessions

    if not sessions and older_than is None:
        raise typer.BadParameter("name sessions, or give --older-than")
    settings = Settings.load()
    root = Store(store or settings.store)
    wanted = list(dict.fromkeys(sessions or []))
    if older_than is not None:
        wanted += [s.id for s in removal.older_than(root, _days(older_than)) if s.id not in wanted]
    if not wanted:
        typer.echo(f"{root.root}: no session is that old")
        return
    if dry_run or not yes:
        for session in wanted:
            typer.echo(_line(root, session), err=not dry_run)
    if dry_run:
        typer.echo(f"{len(wanted)} sessions would be deleted")
        return
    if not yes and older_than is not None and not sys.stdin.isatty():
        raise typer.BadParameter("--older-than needs --yes where nobody can be asked")
    if not yes and sys.stdin.isatty():
        typer.confirm(f"Delete {len(wanted)} sessions for good?", abort=True)
    removed = forget_sessions(settings, root, wanted)
    typer.echo(f"{root.root}: {len(removed.sessions)} sessions deleted, with {removed.runs} of Prefect's runs")


def _line(store: object, session: str) -> str:
    from emorec.store import Store

    assert isinstance(store, Store)
    if not store.exists(session):
        return session
    metadata = store.open(session).metadata
    return f"{session}  {metadata['date']}  {metadata['course']}  {metadata['title']}"


def _days(age: str) -> int:
    match = re.fullmatch(r"(\d+)([dwmy]?)", age.strip().lower())
    if match is None:
        raise typer.BadParameter(f"{age} is no age: 90d, 12w, 6m, 1y")
    return int(match[1]) * _UNITS[match[2] or "d"]
