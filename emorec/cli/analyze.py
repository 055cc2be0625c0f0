"""``emorec analyze``."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from emorec.cli.failures import failure_line
from emorec.cli.sidecar_options import Beside, with_options_of_files

if TYPE_CHECKING:
    from emorec.app import AnalysisResult
    from emorec.settings import Settings
    from emorec.types import ProgressCallback

_JSON_FIELDS = ("session", "folder", "report", "participants", "duration_s", "seconds")


@with_options_of_files
def analyze(
    ctx: typer.Context,
    recordings: Annotated[
        list[Path], typer.Argument(metavar="RECORDING…", help="Media files: mp4, mkv, webm, mov, avi.")
    ],
    store: Annotated[
        str | None,
        typer.Option(help="Folder or fsspec URL of all sessions. [default: ./emorec-store]", show_default=False),
    ] = None,
    course: Annotated[str, typer.Option(help="Sessions that belong together.")] = "general",
    title: Annotated[str | None, typer.Option(help="Title of the session; by default the file's name.")] = None,
    emotions: Annotated[
        bool | None,
        typer.Option(
            "--emotions/--no-emotions",
            help="Classify displayed expressions, or leave them out; by default as the settings say.",
            show_default=False,
        ),
    ] = None,
    lang: Annotated[
        Literal["en", "es"] | None,
        typer.Option(help="Language of the reports; by default as the settings say.", show_default=False),
    ] = None,
    *,
    beside: Beside,
    names: Annotated[
        str | None,
        typer.Option(
            metavar="plates|FILE",
            help="Name participants by the labels of their tiles; a CSV FILE of names corrects the spelling. Needs"
            " `emorec assets --plates` once. [default: none]",
            show_default=False,
        ),
    ] = None,
    runner: Annotated[
        Literal["threads", "processes"] | None,
        typer.Option(help="What several workers are; by default as the settings say.", show_default=False),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Chunks that are analysed at the same time.", show_default=False),
    ] = None,
    debug_video: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write an mp4 of the recording with boxes, names and expressions drawn on it, to check by eye.",
            show_default=False,
        ),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Analyse even if the recording was analysed before.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON per recording on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Nothing but failures on stderr.")] = False,
) -> None:
    """Analyse recordings: a session of tables and a report for each.

    Prints each session's folder. A recording that was analysed before is not analysed again; one whose analysis was
    cut off goes on where it was. A transcript, chat, attendance or chapters file beside a recording that has its name
    is taken, also later.

    Example: emorec analyze lecture.mp4 --course algebra
    """
    from emorec.cli.native import divert_native_output
    from emorec.isolation import start_ahead

    divert_native_output(ctx)
    start_ahead(["emorec.recording", "emorec.runners", "emorec.observe", "pyarrow.parquet"])

    from emorec.amend import Additions
    from emorec.cli.progress import legal_notice
    from emorec.settings import Settings

    spread = {name: value for name, value in (("runner", runner), ("workers", workers)) if value is not None}
    # By way of the settings, which refuse what does not go together.
    settings = Settings.load(run=spread, privacy={} if emotions is None else {"emotions": emotions})
    if lang is not None:
        settings = settings.model_copy(update={"report": settings.report.model_copy(update={"language": lang})})
    settings = beside.keeping(settings)
    if beside.files and len(recordings) > 1:
        raise typer.BadParameter("a transcript, chat, attendance or chapters file belongs to a single recording")
    if debug_video is not None and len(recordings) > 1:
        raise typer.BadParameter("--debug-video is of a single recording")
    additions = Additions(files=beside.files, started=beside.started, offset_s=beside.offset)
    if names is not None:
        settings = settings.model_copy(update={"privacy": settings.privacy.model_copy(update={"names": names})})
    if settings.privacy.emotions and not quiet:
        legal_notice()
    failed = 0
    analyse = functools.partial(
        _analyse, settings=settings, store=store, course=course, title=title, again=again, additions=additions
    )
    with _spread_over_workers(recordings, settings, analyse, quiet) as results:
        for result_of in results:
            try:
                result = result_of()
            except Exception as error:
                if ctx.find_root().obj:
                    raise
                # The other recordings are done all the same.
                typer.echo(failure_line(error), err=True)
                failed += 1
                continue
            print_result(result, as_json, quiet)
            if debug_video is not None:
                failed += not _draw(
                    result, recordings[0], debug_video, settings, store, debug=bool(ctx.find_root().obj)
                )
    raise typer.Exit(1 if failed else 0)


def _draw(
    result: AnalysisResult, recording: Path, out: Path, settings: Settings, store: str | None, *, debug: bool
) -> bool:
    """Draw what was seen on the recording; whether that went well."""
    from emorec.debug_video import draw_debug_video
    from emorec.store import Store

    try:
        session = Store(settings.store if store is None else store).open(result.session)
        draw_debug_video(session, recording, out, settings)
    except Exception as error:
        if debug:
            raise
        typer.echo(failure_line(error), err=True)
        return False
    return True


def _analyse(recording: Path, progress: ProgressCallback | None, **options: Any) -> AnalysisResult:
    from emorec import app

    with app.isolated(recording, options["settings"]) as step:
        return app.analyze(recording, progress=progress, step=step, **options)


@contextmanager
def _spread_over_workers(
    recordings: Sequence[Path], settings: Settings, analyse: Callable[..., AnalysisResult], quiet: bool
) -> Iterator[Iterator[Callable[[], AnalysisResult]]]:
    """Functions that give the result of each recording: one after another, or several at a time in worker processes."""
    from emorec.cli.progress import progress_display

    def one_by_one(recording: Path) -> AnalysisResult:
        with progress_display(recording.name, quiet) as progress:
            return analyse(recording, progress)

    at_a_time = min(settings.run.workers, len(recordings))
    if settings.run.runner != "processes" or at_a_time < 2:
        yield (functools.partial(one_by_one, recording) for recording in recordings)
        return
    from concurrent.futures import ThreadPoolExecutor
    from multiprocessing import active_children

    from emorec.isolation import end_all

    workers = settings.run.workers // at_a_time
    # Each recording has a process of its own anyhow; only more than that need others.
    each = settings.run.model_copy(update={"workers": workers, "runner": "processes" if workers > 1 else "threads"})
    shared = settings.model_copy(update={"run": each})
    pool = ThreadPoolExecutor(at_a_time)
    try:
        running = [pool.submit(analyse, recording, None, settings=shared) for recording in recordings]
        yield (future.result for future in running)
    except BaseException:
        # Ctrl-C: what waits for its worker ends with it.
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in active_children():
            worker.terminate()
        end_all()
        raise
    pool.shutdown()


def print_result(result: AnalysisResult, as_json: bool, quiet: bool) -> None:
    """Say what came out: the session on stdout, the rest on stderr."""
    if as_json:
        values = asdict(result)
        typer.echo(json.dumps({name: values[name] for name in _JSON_FIELDS}, ensure_ascii=False))
    else:
        typer.echo(result.folder)
    if quiet:
        return
    people = f"{result.participants} participant{'' if result.participants == 1 else 's'}"
    if result.participants is None:
        people = "too few participants to be told of"
    if result.reused:
        before = f"analysed before {result.note}" if result.note else "analysed before"
        done = f"now with its {' and '.join(result.added)}" if result.added else "nothing to do"
        did = f"{before}, {done} (--again analyses anew)"
    else:
        did = f"{_minutes(result.duration_s)} analysed in {_minutes(result.seconds)}"
        if result.seconds > 0:
            did += f", {result.duration_s / result.seconds:.1f} times real time"
    typer.echo(f"{people}; {did}; report: {result.report}", err=True)


def _minutes(seconds: float) -> str:
    """Seconds as a person says them: 42 s, 1:05 min, 2:03 h."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"
