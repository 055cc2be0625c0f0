"""``emorec doctor``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

_MARKS = {"ok": "ok     ", "warning": "warning", "failure": "FAILURE"}


def doctor(
    ctx: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="One line of JSON per finding.")] = False
) -> None:
    """Look whether everything is there that emorec needs, and say what to do where it is not.

    The exit code is 1 if something has failed.

    Example: emorec doctor
    """
    from emorec.cli.native import divert_native_output
    from flows.doctor import examine

    divert_native_output(ctx)
    failed = False
    for finding in examine():
        failed |= finding.state == "failure"
        if as_json:
            typer.echo(json.dumps(asdict(finding), ensure_ascii=False))
        else:
            typer.echo(f"{_MARKS[finding.state]}  {finding.what}: {finding.text}")
    raise typer.Exit(1 if failed else 0)
