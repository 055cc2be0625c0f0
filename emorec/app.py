"""Analyse a recording, commit its session, render its report: what the command line, the flows and a notebook call."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, ParamSpec, Protocol, TypeVar

from emorec import pipeline, runners
from emorec.amend import Additions, amend, find_new
from emorec.errors import InputError, LimitError, StoreError
from emorec.files import write_atomically
from emorec.pages import INDEX, page, page_names, write_pages
from emorec.settings import Settings
from emorec.store import Session, Store, session_id
from emorec.types import Progress, ProgressCallback

if TYPE_CHECKING:
    from emorec.sidecars import Kind
    from emorec.types import RecordingInfo

__all__ = [
    "AnalysisResult",
    "StepRunner",
    "analyze",
    "call",
    "compare",
    "isolated",
    "news_beside",
    "print_report",
    "refuse_large",
    "render_report",
    "update_index",
    "update_index_of",
]

TOUCH_THE_RECORDING: Final = ("read", "plan", "observe")
"""The steps that decode what strangers made."""

P = ParamSpec("P")
T = TypeVar("T")


class StepRunner(Protocol):
    """Runs a named step of an analysis, in this thread, and gives what it gives; it may run a failed step again."""

    def __call__(self, name: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T: ...


def call(_name: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """The plain way to run a step."""
    return function(*args, **kwargs)


@contextmanager
def isolated(recording: Path, settings: Settings, step: StepRunner = call) -> Iterator[StepRunner]:
    """Runs the steps that touch the recording in a process of their own, the others as ``step`` does.

    A file that crashes the decoder, or an analysis that hangs or grows beyond the limits of the settings, is then a
    failure like others.
    """
    from emorec.isolation import Isolation, refuse_once_ended
    from emorec.recording import shown_path

    with Isolation(settings.limits) as process:

        def run(name: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
            refuse_once_ended()
            if name not in TOUCH_THE_RECORDING:
                return step(name, function, *args, **kwargs)
            run_there: Callable[..., T] = process.run
            result = step(name, run_there, shown_path(recording), function, *args, **kwargs)
            if name == TOUCH_THE_RECORDING[-1]:
                # What is left needs the memory, and no decoder.
                process.close()
            return result

        yield run


@dataclass(frozen=True)
class AnalysisResult:
    """What came out for one recording; ``added``: files that came new to a session that was there.

    ``participants``: their number, None for a group too small to be told of (privacy mode aggregate); ``reused``: it
    had been analysed before, and nothing was done again; ``note`` then says in what the session differs from what was
    asked for.
    """

    session: str
    folder: str
    report: str
    participants: int | None
    duration_s: float
    seconds: float
    reused: bool
    note: str = ""
    added: tuple[str, ...] = ()


def analyze(
    recording: Path,
    *,
    settings: Settings,
    store: str | Path | None = None,
    course: str = "general",
    title: str | None = None,
    again: bool = False,
    additions: Additions | None = None,
    progress: ProgressCallback | None = None,
    step: StepRunner = call,
) -> AnalysisResult:
    """Turn a recording into a committed session and its report.

    The same recording, by content, is analysed once: a second call gives the session that is there. A call that was
    killed goes on after the last chunk that was observed.

    Args:
        recording: a local media file.
        store: a folder or fsspec URL; by default that of the settings.
        again: analyse even if there is a session; it is replaced when the new one is whole.
        additions: files beside the recording and names, also for a session that is there; what lies beside the
            recording and is not named here is found by itself, unless the settings say otherwise.
        progress: told how far the work is, from this thread.
        step: runs each coarse step; a flow makes them its tasks.

    Raises:
        InputError: the recording cannot be used, or changed while it was analysed.
        LimitError: it is larger, or takes more time or memory, than the settings allow.
        AssetError: a model file is missing.
        StoreError: the store cannot be read or written.
    """
    from emorec import recording as media

    refuse_large(recording, settings)
    started_s = time.perf_counter()
    root = settings.store if store is None else str(store)
    tell: Callable[[Progress], None] = progress or (lambda step: None)
    additions = additions or Additions()
    additions.check()
    tell(Progress("read", 0, 0))
    info = step("read", media.probe, recording, settings.recording)
    with ExitStack() as held:
        session = step("claim", _claim, held, info, root, settings, again, tell)
        reused = session is not None
        if session is None:
            planned = step("plan", pipeline.plan, info, root, settings)
            # While others look at pictures, this process has time to load what comes after.
            threading.Thread(target=_load_what_follows, name="load", daemon=True).start()
            step("observe", runners.observe, planned, range(len(planned.chunks)), tell)
            _refuse_changed(info)
            tell(Progress("resolve", info.duration_s, info.duration_s))
            session = step("resolve", _resolve_and_commit, planned, course, title, started_s, additions)
            added: tuple[str, ...] = ()
        else:
            session, added = step("resolve", _amended, session, recording, additions, settings)
    telling = settings.report
    if not reused or added or session.report_language != telling.language:
        tell(Progress("report", info.duration_s, info.duration_s))
        step("report", render_report, session, telling.language, telling.theme)
    if not reused or added or session.id not in page(Store(root), INDEX):
        step("index", update_index, root, telling.language, None, telling.theme)
    counts = session.metadata["counts"]
    return AnalysisResult(
        session=session.id,
        folder=session.folder,
        report=session.report,
        participants=counts["participants"],
        duration_s=session.metadata["recording"]["duration_s"],
        seconds=round(time.perf_counter() - started_s, 2),
        reused=reused,
        note=_difference(session, settings, course) if reused else "",
        added=added if reused else (),
    )


def _load_what_follows() -> None:
    # pandas, since Arrow looks for it at the first array that it makes of a list.
    for module in ("emorec.resolve", "pandas", "pyarrow.parquet", "reports.session"):
        importlib.import_module(module)


def render_report(session: Session, language: str = "en", theme: Path | None = None) -> str:
    """Render a committed session's report and put it beside the session; returns where it is.

    Raises:
        SettingsError: the folder of the theme, or a file in it, cannot be used.
    """
    from reports.session import render

    return session.write_report(render(session, language, theme))


def print_report(session: Session, kind: Literal["pdf", "png"], language: str = "en", theme: Path | None = None) -> str:
    """Put a session's report on paper (report.pdf) or make its summary a picture (summary.png), beside the session, by
    a browser that is installed; returns where it is.

    Raises:
        AssetError: no browser is installed, or it cannot print.
        SettingsError: the folder of the theme, or a file in it, cannot be used.
    """
    from reports import browser, picture
    from reports.session import render

    if kind == "pdf":
        return session.write_derived("report.pdf", browser.pdf(render(session, language, theme)))
    page = picture.render(session, language, theme)
    return session.write_derived("summary.png", browser.png(page, *picture.SIZE_PX))


def compare(first: Session, second: Session, file: Path, language: str = "en", theme: Path | None = None) -> None:
    """Write a page with two sessions side by side.

    Raises:
        StoreError: the file cannot be written.
    """
    from reports.compare import render

    try:
        write_atomically(file, render(first, second, language, theme).encode())
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error}") from error


def update_index(store: str | Path, language: str = "en", course: str | None = None, theme: Path | None = None) -> str:
    """Make the index of a store again from its sessions alone; returns where it is.

    Call it whenever a session has come, gone or changed its title, course or date. Courses' own pages that there are
    follow, too.

    Args:
        course: make the page of this course alone as well, and return where that is.

    Raises:
        StoreError: the store cannot be read or written, or has no session of that course.
    """
    from reports.index import course_page, pages

    opened = Store(store)

    def made() -> dict[str, str | None]:
        wanted = [] if course is None else [course_page(course)]
        return pages(opened, language, [*page_names(opened, "index-*.html"), *wanted], theme)

    written = write_pages(opened, made)
    name = INDEX if course is None else course_page(course)
    if name not in written:
        raise StoreError(f"no session of course {course!r} in {opened.root}")
    return written[name]


def update_index_of(session: Session, language: str = "en", theme: Path | None = None) -> None:
    """Make the index of the store again that a session lies in, if it lies in one."""
    root, folder, _ = session.folder.rpartition("/sessions/")
    if folder:
        update_index(root, language, theme=theme)


def refuse_large(recording: Path, settings: Settings) -> None:
    """Refuse a file that is larger than the settings allow before any of it is read."""
    try:
        size = recording.stat().st_size
    except OSError:
        # It is read next, and then said what is wrong with it.
        return
    if size > settings.limits.max_file_gb * 1e9:
        raise LimitError(
            f"{recording}: is larger ({size / 1e9:.3g} GB) than limits.max_file_gb ({settings.limits.max_file_gb:g}) "
            "allows; raise it or cut the recording"
        )


def news_beside(session: Session, recording: Path, settings: Settings) -> dict[Kind, Path]:
    """The files beside a recording that its session would take if it was analysed now, by kind."""
    # In aggregate nothing of single people is taken unless it is asked for by name, and then refused.
    if not settings.sidecars.beside or session.metadata["privacy"]["mode"] == "aggregate":
        return {}
    return find_new(session, recording)


def _refuse_changed(info: RecordingInfo) -> None:
    """Refuse a file that is not the one any more whose content names the session."""
    try:
        status = info.path.stat()
    except FileNotFoundError as error:
        raise InputError(f"{info.path}: vanished while it was analysed; put it back and analyse it again") from error
    except OSError:
        # A share that is away: what was read of it was whole.
        return
    if (status.st_size, status.st_mtime) != (info.size_bytes, info.modified_s):
        raise InputError(f"{info.path}: changed while it was analysed; analyse it again when it is whole")


def _claim(
    held: ExitStack,
    info: RecordingInfo,
    root: str,
    settings: Settings,
    again: bool,
    tell: Callable[[Progress], None],
) -> Session | None:
    """Lock the recording until ``held`` is closed, then look whether it has been analysed."""
    from emorec.isolation import refuse_once_ended

    def waiting() -> None:
        refuse_once_ended()
        tell(Progress("waiting", 0, 0))

    folder = pipeline.work_folder(info, root, settings)
    # Held beyond this call only if it succeeds, so that it can be tried again.
    with ExitStack() as own:
        own.enter_context(folder.locked(waiting))
        store, session = Store(root), None
        if not again and store.exists(session_id(info.sha256)):
            session = store.open(session_id(info.sha256))
            # Where a run was killed between its commit and this, embeddings would outlive the session.
            folder.delete()
        held.push(own.pop_all())
    return session


def _difference(session: Session, settings: Settings, course: str) -> str:
    """In what a session differs from what was asked for, as a phrase; empty where it does not."""
    privacy, wanted = session.metadata["privacy"], settings.privacy
    parts = []
    if privacy["emotions"] != wanted.emotions:
        parts.append("with emotions" if privacy["emotions"] else "without emotions")
    if privacy["mode"] != wanted.mode:
        parts.append(f"in privacy mode {privacy['mode']}")
    if course not in {"general", session.metadata["course"]}:
        parts.append(f"in course {session.metadata['course']}")
    return ", ".join(parts)


def _resolve_and_commit(
    planned: pipeline.Plan, course: str, title: str | None, started_s: float, additions: Additions
) -> Session:
    resolution, records = pipeline.resolve_recording(planned)
    session = pipeline.commit(planned, resolution, records, course=course, title=title, started_s=started_s)
    return _amended(session, planned.info.path, additions, planned.settings, always=True)[0]


def _amended(
    session: Session, recording: Path, additions: Additions, settings: Settings, always: bool = False
) -> tuple[Session, tuple[str, ...]]:
    """The session with what was given and what lies beside its recording, and the kinds of files that came new."""
    found = news_beside(session, recording, settings)
    files = {**{kind: path for kind, path in found.items() if kind not in additions.files}, **additions.files}
    complete = replace(additions, files=files)
    if not complete and not always:
        return session, ()
    return amend(session, complete, settings.sidecars), tuple(files)
