"""`emorec label`: faces of a session, to be labelled by a person."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

CONSENT = """\
This keeps pictures of the faces in this recording, until a better model was made of them, {days:g} days have passed,
or they are deleted (emorec label {session} --delete). The people in it must have agreed to that, freely and for this
purpose.
Who agreed, and when? (An empty answer keeps nothing.)"""


def label(
    session: Annotated[str, typer.Argument(metavar="SESSION", help="A session's id or folder.")],
    recording: Annotated[Path | None, typer.Option(help="The recording that the session was made from.")] = None,
    count: Annotated[int, typer.Option(min=1, max=2000, help="How many faces at most.")] = 100,
    consent: Annotated[
        str | None, typer.Option(help="Who agreed to it and when, in words; asked for on a terminal without it.")
    ] = None,
    take: Annotated[Path | None, typer.Option(help="A file that the labelling page saved: put it beside them.")] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete the faces of the session.")] = False,
    store: Annotated[
        str | None,
        typer.Option(help="Folder or fsspec URL of all sessions. [default: ./emorec-store]", show_default=False),
    ] = None,
) -> None:
    """Collect the faces that the model was least sure of, with an offline page to label them.

    Asks for consent first. What the page saves is taken in by the next retraining; the faces are deleted when a better
    model was made of them, and after 30 days in any case (retrain.labels_days). Those that are older go at every call.

    Example: emorec label 0123456789abcdef --recording lecture.mp4
    """
    from emorec.removal import expire_faces
    from emorec.settings import Settings
    from emorec.store import load
    from model import labels

    if [recording is not None, take is not None, delete].count(True) != 1:
        raise typer.BadParameter("give one of --recording FILE, --take FILE and --delete")
    settings = Settings.load()
    root, name = _place(session, store or settings.store)
    folder = settings.labels_folder(root) / name
    for line in expire_faces(settings, root):
        typer.echo(line, err=True)
    if delete:
        labels.delete_labelling(folder)
        typer.echo(f"{folder}: deleted")
    elif take is not None:
        typer.echo(f"{folder}: {labels.take_saved(folder, take)} labels, taken in by the next retraining")
    elif recording is not None:
        from emorec.labels import collect

        opened = load(session, root)
        agreed = consent if consent is not None else _ask(opened.id, settings.retrain.labels_days)
        if not agreed.strip():
            raise typer.BadParameter("no consent, no faces: nothing was kept")
        page = collect(opened, recording, settings, folder, count, agreed.strip())
        typer.echo(page)


def _place(session: str, store: str) -> tuple[str, str]:
    """The store and the id of a session that is given by its id or its folder, there or deleted already."""
    from emorec.errors import StoreError
    from emorec.store import Store, load

    try:
        opened = load(session, store)
        folder, name = opened.folder, opened.id
    except StoreError:
        folder = session.rstrip("/")
        name = folder.rsplit("/", 1)[-1]
    root, _, last = folder.rpartition("/sessions/")
    root = root if root and last == name else store
    Store(root).has_traces(name)  # refuses what is no id
    return root, name


def _ask(session: str, days: float) -> str:
    """Ask who agreed; nobody did where there is nobody to ask."""
    if not sys.stdin.isatty():
        raise typer.BadParameter('say who agreed and when: --consent "…"')
    answer: str = typer.prompt(CONSENT.format(session=session, days=days), default="", show_default=False, err=True)
    return answer
