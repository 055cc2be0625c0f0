"""``emorec report``."""

from __future__ import annotations

from typing import Annotated, Literal

import typer


def report(
    sessions: Annotated[list[str], typer.Argument(metavar="SESSION…", help="A session's id or folder.")],
    store: Annotated[
        str | None,
        typer.Option(help="Folder or fsspec URL of all sessions. [default: ./emorec-store]", show_default=False),
    ] = None,
    lang: Annotated[
        Literal["en", "es"] | None,
        typer.Option(help="Language of the reports; by default as the settings say.", show_default=False),
    ] = None,
) -> None:
    """Render the reports of stored sessions again; the sessions are not changed.

    Example: emorec report 0123456789abcdef --lang es
    """
    from emorec.app import render_report
    from emorec.settings import Settings
    from emorec.store import load

    settings = Settings.load()
    for name in sessions:
        typer.echo(
            render_report(load(name, store or settings.store), lang or settings.report.language, settings.report.theme)
        )
