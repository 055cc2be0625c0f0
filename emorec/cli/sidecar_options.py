"""What `emorec analyze` and `emorec set` take of files beside a recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from emorec.settings import Settings
    from emorec.sidecars import Kind

Transcript = Annotated[
    Path | None, typer.Option(help="Transcript: WebVTT, SRT, SBV, Whisper's JSON or TSV, Meet's document.")
]
Chat = Annotated[Path | None, typer.Option(help="Chat: Zoom's or Teams' text, Meet's SBV.")]
Attendance = Annotated[Path | None, typer.Option(help="Attendance: a CSV report of Zoom, Teams or Meet.")]
Chapters = Annotated[Path | None, typer.Option(help="Chapters or slides: WebVTT, or lines of a time and a title.")]
Started = Annotated[
    str,
    typer.Option(
        metavar="TIME",
        help="When the recording began on the clock of these files: 10:00:05, or 2024-01-05 10:00:05.",
        show_default=False,
    ),
]
Offset = Annotated[float, typer.Option(metavar="SECONDS", help="Added to every time in these files.")]
KeepText = Annotated[
    bool | None,
    typer.Option("--keep-text/--no-keep-text", help="Keep what was said and written.", show_default=False),
]
KeepNames = Annotated[
    bool | None,
    typer.Option("--keep-names/--no-keep-names", help="Keep the names in these files.", show_default=False),
]


def files(
    transcript: Path | None, chat: Path | None, attendance: Path | None, chapters: Path | None
) -> dict[Kind, Path]:
    """Those that were given, by kind."""
    given: dict[Kind, Path | None] = {
        "transcript": transcript,
        "chat": chat,
        "attendance": attendance,
        "chapters": chapters,
    }
    return {kind: path for kind, path in given.items() if path is not None}


def keeping(settings: Settings, text: bool | None, names: bool | None) -> Settings:
    """The settings with what was asked for on the command line."""
    wanted = {key: value for key, value in (("keep_text", text), ("keep_names", names)) if value is not None}
    return settings.model_copy(update={"sidecars": settings.sidecars.model_copy(update=wanted)})
