"""``emorec report`` and ``emorec compare``."""

from __future__ import annotations

from pathlib import Path
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
    kind: Annotated[
        Literal["html", "pdf", "png"],
        typer.Option(
            "--format",
            help="html: the report; pdf: the same on paper; png: a summary for a chat. The latter two need Chromium, "
            "Chrome or Edge.",
        ),
    ] = "html",
) -> None:
    """Render the reports of stored sessions again; the sessions are not changed.

    Prints where each is, beside its session.

    Example: emorec report 0123456789abcdef --lang es --format pdf
    """
    from emorec.app import print_report, render_report
    from emorec.settings import Settings
    from emorec.store import load

    settings = Settings.load()
    language, theme = lang or settings.report.language, settings.report.theme
    for name in sessions:
        session = load(name, store or settings.store)
        if kind == "html":
            typer.echo(render_report(session, language, theme))
        else:
            typer.echo(print_report(session, kind, language, theme))


def compare(
    first: Annotated[str, typer.Argument(metavar="SESSION", help="A session's id or folder.")],
    second: Annotated[str, typer.Argument(metavar="OTHER", help="Another's.")],
    store: Annotated[
        str | None,
        typer.Option(help="Folder or fsspec URL of all sessions. [default: ./emorec-store]", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="The page. [default: comparison-SESSION-OTHER.html, here]", show_default=False
        ),
    ] = None,
    lang: Annotated[
        Literal["en", "es"] | None,
        typer.Option(help="Language of the page; by default as the settings say.", show_default=False),
    ] = None,
) -> None:
    """Write a page with two sessions side by side: figures, curves, moments, and whether attention differs.

    Prints where it is. It is not part of the store: what is deleted there stays in it.

    Example: emorec compare 0123456789abcdef fedcba9876543210
    """
    from emorec.app import compare as write_comparison
    from emorec.settings import Settings
    from emorec.store import load

    settings = Settings.load()
    pair = [load(name, store or settings.store) for name in (first, second)]
    file = output or Path(f"comparison-{pair[0].id}-{pair[1].id}.html")
    write_comparison(pair[0], pair[1], file, lang or settings.report.language, settings.report.theme)
    typer.echo(str(file))
