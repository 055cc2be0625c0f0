"""``emorec up``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from flows.up import Addresses


def up(
    parts: Annotated[
        str | None,
        typer.Option(
            help="Only these, as a,b,…: server, worker, watcher, pages. By default all of them.", show_default=False
        ),
    ] = None,
) -> None:
    """Run by itself: recordings that land in the inbox become reports.

    Starts Prefect's server, a worker, the watcher of the inbox and a read-only server of the reports, all on this
    machine alone; says where they are; stops on Ctrl-C, and goes on where it was when it is started again. With
    PREFECT_API_URL set it uses that server.

    Example: emorec up
    """
    from emorec.cli.progress import legal_notice
    from emorec.settings import Settings
    from flows import up as operations

    chosen = tuple(parts.replace(" ", "").split(",")) if parts else operations.PARTS
    unknown = [part for part in chosen if part not in operations.PARTS]
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}: there are {', '.join(operations.PARTS)}")
    settings = Settings.load()
    if settings.privacy.emotions and "worker" in chosen:
        legal_notice()
    operations.run(settings, chosen, lambda line: typer.echo(line, err=True), _show)


def _show(addresses: Addresses) -> None:
    typer.echo(
        f"Put recordings into  {addresses.inbox}\n"
        f"Reports              {addresses.pages}\n"
        f"Runs                 {addresses.server}\n"
        f"Figures              {addresses.metrics}\n"
        f"Store                {addresses.store}\n"
        "Ctrl-C stops it; `emorec up` goes on where it was."
    )
