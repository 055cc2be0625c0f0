"""What a person at a terminal sees while a recording is analysed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from emorec.types import Progress, ProgressCallback

NOTICE = """\
emorec reads displayed expressions, not what people feel. In the European Union, Article 5(1)(f) of the AI Act prohibits
inferring emotions of people at work and in education, except for medical or safety reasons; consent does not lift it.
`emorec analyze --no-emotions` reads attention and presence only. Make sure that you may analyse this recording."""

_STAGES = {
    "read": "reading",
    "waiting": "waiting for another run",
    "observe": "faces",
    "resolve": "who is who",
    "report": "report",
}


def legal_notice() -> None:
    """Say once per machine, on a terminal, what the law says of reading emotions."""
    if not sys.stderr.isatty():
        return
    import platformdirs

    shown = platformdirs.user_state_path("emorec") / "notice-shown"
    if shown.exists():
        return
    typer.echo(NOTICE + "\n", err=True)
    try:
        shown.parent.mkdir(parents=True, exist_ok=True)
        shown.touch()
    except OSError:
        # A home that cannot be written: the notice comes again next time.
        return


@contextmanager
def progress_display(name: str, quiet: bool) -> Iterator[ProgressCallback | None]:
    """A bar with time left on a terminal; nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    with _bar(stage=True) as bar:
        task = bar.add_task(name, total=None, stage=_STAGES["read"])

        def show(step: Progress) -> None:
            stage = _STAGES.get(step.stage, step.stage)
            if step.stage == "observe":
                stage = f"{step.faces} {stage}"
            bar.update(task, total=step.total_s or None, completed=step.done_s, stage=stage)

        yield show


@contextmanager
def step_display(name: str) -> Iterator[Callable[[int, int], None]]:
    """A bar of steps done, of all, on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda done, steps: None
        return
    with _bar() as bar:
        task = bar.add_task(name, total=None)

        def show(done: int, steps: int) -> None:
            bar.update(task, completed=done, total=steps)

        yield show


def _bar(stage: bool = False) -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    return Bar(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        *([TextColumn("{task.fields[stage]}", markup=False)] if stage else []),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
