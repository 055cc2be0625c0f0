"""`emorec assets`: the third-party model files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def assets(
    folder: Annotated[Path | None, typer.Option(help="Cache folder; by default the one in the settings.")] = None,
    plates: Annotated[
        bool, typer.Option("--plates", help="Bring what `emorec analyze --names` needs too (27 MB).")
    ] = False,
) -> None:
    """Bring the third-party model files from the package index, and verify them.

    Needs the index once; nothing is downloaded when a recording is analysed.

    Example: emorec assets
    """
    from emorec import assets as model_files
    from emorec.settings import Settings

    target = folder or Settings.load().assets
    brought = model_files.ensure(target, lambda line: typer.echo(line, err=True), plates=plates)
    what = f"brought {len(brought)}" if brought else "all there"
    count = len(model_files.NAMES) + (len(model_files.PLATES) if plates else 0)
    typer.echo(f"{target}: {count} model files verified, {what}")
