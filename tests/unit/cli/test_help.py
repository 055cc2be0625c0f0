"""Help says all that was written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from emorec.cli import app


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """All commands, those of groups too."""
    for name, command in group.commands.items():
        yield (*path, name), command
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))


ALL = dict(commands(typer.main.get_command(app)))


def bare(text: str) -> str:
    """A text without what laying it out in a table adds."""
    return re.sub(r"[\s│]", "", text)


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_no_part_of_an_options_text_is_lost(path: tuple[str, ...]) -> None:
    shown = bare(CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "250"}).output)
    for option in ALL[path].params:
        if option.help:
            assert bare(option.help.replace("\\[", "[")) in shown, option.name
