"""``emorec set``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import typer

from emorec.cli.sidecar_options import Beside, with_options_of_files

if TYPE_CHECKING:
    from emorec.sidecars import Kind


@with_options_of_files
def change(
    session: Annotated[str, typer.Argument(metavar="SESSION", help="A session's id or folder.")],
    store: Annotated[
        str | None,
        typer.Option(help="Folder or fsspec URL of all sessions. [default: ./emorec-store]", show_default=False),
    ] = None,
    title: Annotated[str | None, typer.Option(help="Title of the session.")] = None,
    course: Annotated[str | None, typer.Option(help="Sessions that belong together.")] = None,
    date: Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="Day of the session.")] = None,
    label: Annotated[
        list[str] | None, typer.Option(metavar="P01=NAME", help="A participant's name; may be given several times.")
    ] = None,
    instructor: Annotated[
        str | None, typer.Option(metavar="P01|NAME", help="Who teaches or leads, for the balance of talk.")
    ] = None,
    *,
    beside: Beside,
    remove: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="Take a file back: transcript, chat, attendance or chapters."),
    ] = None,
) -> None:
    """Change what a session says of itself, and add files beside its recording; the recording is not needed.

    Renders the report again and prints where it is.

    Example: emorec set 0123456789abcdef --title "Week 7" --transcript lecture.vtt --label P01="Ana Lima"
    """
    from emorec.amend import Additions, amend
    from emorec.app import render_report, update_index_of
    from emorec.settings import Settings
    from emorec.sidecars import KINDS
    from emorec.store import load

    settings = beside.keeping(Settings.load())
    for kind in remove or ():
        if kind not in KINDS:
            raise typer.BadParameter(f"{kind} is none of {', '.join(KINDS)}", param_hint="--remove")
    additions = Additions(
        files=beside.files,
        started=beside.started,
        offset_s=beside.offset,
        remove=cast("tuple[Kind, ...]", tuple(remove or ())),
        labels=dict(_named(text) for text in label or ()),
        instructor=instructor,
        title=title,
        course=course,
        date=date,
    )
    if not additions:
        raise typer.BadParameter("say what to change; `emorec set --help` lists what there is")
    changed = amend(load(session, store or settings.store), additions, settings.sidecars)
    for kind in additions.files:
        found = changed.metadata["sidecars"][kind]
        typer.echo(f"{kind}: {found['rows']} entries of {found['lines']} lines, {found['format']}", err=True)
        for note in found["notes"]:
            typer.echo(note, err=True)
    typer.echo(render_report(changed, settings.report.language, settings.report.theme))
    update_index_of(changed, settings.report.language, settings.report.theme)


def _named(text: str) -> tuple[str, str]:
    participant, equals, name = text.partition("=")
    if not equals or not participant.strip() or not name.strip():
        raise typer.BadParameter(f"{text!r} is no P01=NAME", param_hint="--label")
    return participant.strip(), name.strip()
