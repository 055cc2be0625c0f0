"""``emorec demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Where the recording and its session go.")] = Path("demo"),
) -> None:
    """Compose a sample meeting of a minute and analyse it.

    The faces are public-domain portraits that installed packages carry; nothing is downloaded.

    Example: emorec demo
    """
    from emorec import demo as sample
    from emorec.cli.analyze import analyze

    made = sample.compose(folder)
    typer.echo(f"recording: {made.recording}", err=True)
    analyze(ctx, [made.recording], store=str(folder / "store"), title="Demo meeting", course="demo")
