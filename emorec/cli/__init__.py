"""The command line: parses, calls, prints. Exit codes: 0 done, 1 a failure, 2 wrong usage, 130 stopped by Ctrl-C.

Nothing heavy is imported before a command runs, so that ``emorec --help`` answers at once.
"""

from __future__ import annotations

import gc
import sys
from typing import Annotated

import typer

from emorec import __version__
from emorec.cli import (
    analyze,
    assets,
    change,
    delete,
    demo,
    doctor,
    evaluate,
    index,
    label,
    model,
    out,
    registry,
    report,
    up,
)
from emorec.cli.failures import failure_line
from emorec.cli.help import PlainHelp

__all__ = ["app", "main"]

INTERRUPTED = 130
"""The exit code of a shell's command that SIGINT ended: 128 + 2."""

app = typer.Typer(
    name="emorec",
    cls=PlainHelp,
    help="Turn recordings of meetings and lectures into engagement reports, on this machine alone.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("analyze")(analyze.analyze)
app.command("report")(report.report)
app.command("compare")(report.compare)
app.command("index")(index.index)
app.command("list")(index.list_sessions)
app.command("set")(change.change)
app.command("export")(out.export)
app.command("query")(out.query)
app.command("demo")(demo.demo)
app.command("assets")(assets.assets)
app.command("up")(up.up)
app.command("delete")(delete.delete)
app.command("doctor")(doctor.doctor)
app.command("train")(model.train)
app.command("evaluate")(evaluate.evaluate)
app.add_typer(registry.app, name="model")
app.command("label")(label.label)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"emorec {__version__}")
        raise typer.Exit


@app.callback()
def options(
    ctx: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of a failure.")] = False,
    version: Annotated[  # noqa: ARG001 — typer acts on it by itself
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """Options that come before the command."""
    ctx.obj = debug


def main() -> None:
    """Run the command line; a failure is one line on stderr, or a traceback with ``--debug``."""
    try:
        app()
    except (KeyboardInterrupt, SystemExit) as end:
        # Within a command typer makes this exit code of Ctrl-C by itself, and says nothing.
        if isinstance(end, SystemExit) and end.code != INTERRUPTED:
            raise
        typer.echo("emorec: stopped; the same command goes on where it was", err=True)
        sys.exit(INTERRUPTED)
    except Exception as error:
        if "--debug" in sys.argv[1:]:
            raise
        typer.echo(failure_line(error), err=True)
        sys.exit(1)
    finally:
        # The interpreter would look through all that was loaded once more before it ends: a tenth of a short analysis.
        gc.freeze()
