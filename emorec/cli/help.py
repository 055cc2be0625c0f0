"""How help is shown: as it is written, square brackets and all."""

from __future__ import annotations

import re
from typing import Any

from typer.core import TyperGroup


class PlainHelp(TyperGroup):
    """A group of commands whose texts are no markup, in which rich would take ``[images/]`` for a tag and drop it."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        _escape(self)


def _escape(command: Any) -> None:
    for text in (command, *command.params):
        if getattr(text, "help", None):
            text.help = re.sub(r"(?<!\\)\[(?=[a-z#/@])", r"\\[", text.help)
    for inner in getattr(command, "commands", {}).values():
        _escape(inner)
