"""Analyse a recording, commit its session, render its report: what the command line, the flows and a notebook call."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar

from emorec import pipeline
from emorec.settings import Settings
from emorec.store import Session, Store, session_id
from emorec.types import Progress, ProgressCallback

if TYPE_CHECKING:
    from emorec.types import RecordingInfo

__all__ = ["AnalysisResult", "StepRunner", "analyze", "call", "render_report"]

P = ParamSpec("P")
T = TypeVar("T")


class StepRunner(Protocol):
    """Runs a named step of an analysis, in this thread, and gives what it gives; it may run a failed step again."""

    def __call__(self, name: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T: ...


def call(_name: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """The plain way to run a step."""
    return function(*args, **kwargs)


@dataclass(frozen=True)
class AnalysisResult:
    """What came out for one recording; ``reused``: it had been analysed before, and nothing was done again."""

    session: str
    folder: str
    report: str
    participants: int
    duration_s: float
    seconds: float
    reused: bool


def analyze(
    recording: Path,
    *,
    settings: Settings,
    store: str | Path | None = None,
    course: str = "general",
    title: str | None = None,
    again: bool = False,
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
        progress: told how far the work is, from this thread.
        step: runs each coarse step; a flow makes them its tasks.

    Raises:
        InputError: the recording cannot be used.
        AssetError: a model file is missing.
        StoreError: the store cannot be read or written.
    """
    from emorec import recording as media

    started_s = time.perf_counter()
    root = str(settings.store if store is None else store)
    tell: Callable[[Progress], None] = progress or (lambda step: None)
    tell(Progress("read", 0, 0))
    info = step("read", media.probe, recording, settings.recording)
    with ExitStack() as held:
        session = step("claim", _claim, held, info, root, settings)
        reused = session is not None and not again
        if session is None or again:
            planned = step("plan", pipeline.plan, info, root, settings)
            step("observe", pipeline.observe_missing, planned, range(len(planned.chunks)), tell)
            tell(Progress("resolve", info.duration_s, info.duration_s))
            session = step("resolve", _resolve_and_commit, planned, course, title, started_s)
    if not reused or not Store(root).has_report(session.id):
        tell(Progress("report", info.duration_s, info.duration_s))
        step("report", render_report, root, session)
    counts = session.metadata["counts"]
    return AnalysisResult(
        session=session.id,
        folder=session.folder,
        report=session.report,
        participants=counts["participants"],
        duration_s=session.metadata["recording"]["duration_s"],
        seconds=round(time.perf_counter() - started_s, 2),
        reused=reused,
    )


def render_report(store: str | Path, session: Session) -> str:
    """Render a committed session's report and put it beside the session; returns where it is."""
    from reports.session import render

    return Store(store).write_report(session.id, render(session))


def _claim(held: ExitStack, info: RecordingInfo, root: str, settings: Settings) -> Session | None:
    """Lock the recording until ``held`` is closed, then look whether it has been analysed."""
    held.enter_context(pipeline.work_folder(info, root, settings).locked())
    store = Store(root)
    return store.open(session_id(info.sha256)) if store.exists(session_id(info.sha256)) else None


def _resolve_and_commit(planned: pipeline.Plan, course: str, title: str | None, started_s: float) -> Session:
    resolution, records = pipeline.resolve_recording(planned)
    return pipeline.commit(planned, resolution, records, course=course, title=title, started_s=started_s)
