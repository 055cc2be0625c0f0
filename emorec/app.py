"""Analyse a recording, commit its session, render its report: what the command line, the flows and a notebook call."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from emorec import pipeline
from emorec.settings import Settings
from emorec.store import Session, Store, session_id
from emorec.types import Progress, ProgressCallback

if TYPE_CHECKING:
    from emorec.types import RecordingInfo

__all__ = ["AnalysisResult", "analyze", "render_report"]


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
) -> AnalysisResult:
    """Turn a recording into a committed session and its report.

    The same recording, by content, is analysed once: a second call gives the session that is there. A call that was
    killed goes on after the last chunk that was observed.

    Args:
        recording: a local media file.
        store: a folder or fsspec URL; by default that of the settings.
        again: analyse even if there is a session; it is replaced when the new one is whole.
        progress: told how far the work is, from this thread.

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
    info = media.probe(recording, settings.recording)
    with pipeline.work_folder(info, root, settings).locked():
        known = Store(root)
        if known.exists(session_id(info.sha256)) and not again:
            session, reused = known.open(session_id(info.sha256)), True
        else:
            session, reused = _analyze(info, root, settings, course, title, started_s, tell), False
    if not reused or not known.has_report(session.id):
        tell(Progress("report", info.duration_s, info.duration_s))
        render_report(root, session)
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


def _analyze(
    info: RecordingInfo,
    root: str,
    settings: Settings,
    course: str,
    title: str | None,
    started_s: float,
    tell: Callable[[Progress], None],
) -> Session:
    planned = pipeline.plan(info, root, settings)
    pipeline.observe_missing(planned, range(len(planned.chunks)), tell)
    tell(Progress("resolve", info.duration_s, info.duration_s))
    resolution, records = pipeline.resolve_recording(planned)
    return pipeline.commit(planned, resolution, records, course=course, title=title, started_s=started_s)
