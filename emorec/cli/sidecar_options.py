"""What `emorec analyze` and `emorec set` take of files beside a recording."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from emorec.settings import Settings
    from emorec.sidecars import Kind

__all__ = ["Beside", "with_options_of_files"]


@dataclass(frozen=True)
class Beside:
    """The files that were named, and what was said of them; each field is an option of a command."""

    transcript: Annotated[
        Path | None, typer.Option(help="Transcript: WebVTT, SRT, SBV, Whisper's JSON or TSV, Meet's document.")
    ] = None
    chat: Annotated[Path | None, typer.Option(help="Chat: Zoom's or Teams' text, Meet's SBV.")] = None
    attendance: Annotated[Path | None, typer.Option(help="Attendance: a CSV report of Zoom, Teams or Meet.")] = None
    chapters: Annotated[
        Path | None, typer.Option(help="Chapters or slides: WebVTT, or lines of a time and a title.")
    ] = None
    started: Annotated[
        str,
        typer.Option(
            metavar="TIME",
            help="When the recording began on the clock of these files: 10:00:05, or 2024-01-05 10:00:05.",
            show_default=False,
        ),
    ] = ""
    offset: Annotated[float, typer.Option(metavar="SECONDS", help="Added to every time in these files.")] = 0.0
    keep_text: Annotated[
        bool | None,
        typer.Option("--keep-text/--no-keep-text", help="Keep what was said and written.", show_default=False),
    ] = None
    keep_names: Annotated[
        bool | None,
        typer.Option("--keep-names/--no-keep-names", help="Keep the names in these files.", show_default=False),
    ] = None

    @property
    def files(self) -> dict[Kind, Path]:
        """Those that were named, by kind."""
        given: dict[Kind, Path | None] = {
            "transcript": self.transcript,
            "chat": self.chat,
            "attendance": self.attendance,
            "chapters": self.chapters,
        }
        return {kind: path for kind, path in given.items() if path is not None}

    def keeping(self, settings: Settings) -> Settings:
        """The settings with what was said of texts and names."""
        given = (("keep_text", self.keep_text), ("keep_names", self.keep_names))
        wanted = {key: value for key, value in given if value is not None}
        return settings.model_copy(update={"sidecars": settings.sidecars.model_copy(update=wanted)})


def with_options_of_files(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for each field of :class:`Beside`, where it has a parameter ``beside``."""
    own, fields = inspect.signature(command, eval_str=True), inspect.signature(Beside, eval_str=True).parameters
    parameters: list[inspect.Parameter] = []
    for parameter in own.parameters.values():
        parameters += fields.values() if parameter.name == "beside" else [parameter]
    as_named = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]

    @functools.wraps(command)
    def run(**given: Any) -> None:
        beside = Beside(**{name: given.pop(name) for name in fields})
        command(beside=beside, **given)

    # What typer reads a command's options from.
    vars(run)["__signature__"] = own.replace(parameters=as_named)
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in as_named}
    return run
