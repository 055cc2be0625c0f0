"""What a run shows in Prefect's pages while it works and when it is done."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, cast

from flows.pages import report_url

if TYPE_CHECKING:
    from uuid import UUID

    from emorec.app import AnalysisResult
    from emorec.settings import Settings
    from emorec.types import Progress

__all__ = ["ProgressArtifact", "publish_summary", "where_to_look"]

PROGRESS_KEY: Final = "analyze-session-progress"
UPDATE_SECONDS: Final = 3.0
"""Shortest time between two updates: the page is looked at by people, the server has other work."""

_PERCENT: Final = {"read": 0.0, "observe": 2.0, "resolve": 96.0, "report": 98.0}
"""Where each stage begins; nearly all of the time goes into observing."""


class ProgressArtifact:
    """How far a run is, as an artifact of the run; call it with each :class:`Progress`.

    A server that does not answer costs the display, never the analysis.
    """

    def __init__(self) -> None:
        self._id: UUID | None = None
        self._stage = ""
        self._next_s = 0.0

    def __call__(self, step: Progress) -> None:
        now_s = time.monotonic()
        if step.stage == self._stage and now_s < self._next_s:
            return
        self._stage, self._next_s = step.stage, now_s + UPDATE_SECONDS
        self._show(_percent(step), _sentence(step))

    def finish(self, sentence: str) -> None:
        """Say that the work is done."""
        self._show(100.0, sentence)

    def _show(self, percent: float, sentence: str) -> None:
        from prefect.artifacts import create_progress_artifact, update_progress_artifact
        from prefect.logging import get_run_logger

        try:
            if self._id is None:
                self._id = cast("UUID", create_progress_artifact(percent, key=PROGRESS_KEY, description=sentence))
            else:
                update_progress_artifact(self._id, percent, description=sentence)
        except Exception as error:
            get_run_logger().warning("progress cannot be shown: %s", error)


def publish_summary(result: AnalysisResult, settings: Settings, store: str | None) -> None:
    """The headline figures and where the report is, in its language, as an artifact named after the session."""
    from prefect.artifacts import create_markdown_artifact

    from emorec.store import Store
    from reports import markdown

    session = Store(settings.store if store is None else store).open(result.session)
    # Only the store of the settings has its reports served.
    link = report_url(settings.operations.pages_url, session.id) if _is_served(settings, store) else ""
    seconds = None if result.reused else result.seconds
    text = markdown.render(session, settings.report.language, link=link, seconds=seconds)
    create_markdown_artifact(text, key=f"session-{session.id}", description=f"Session {session.id}")


def where_to_look(result: AnalysisResult, settings: Settings) -> str:
    """Where the report is, for a message: a link where it is served, else its file."""
    pages = settings.operations.pages_url
    return report_url(pages, result.session) if pages else result.report


def _is_served(settings: Settings, store: str | None) -> bool:
    return bool(settings.operations.pages_url) and store in (None, settings.store)


def _percent(step: Progress) -> float:
    start = _PERCENT.get(step.stage, 0.0)
    if step.stage != "observe" or step.total_s <= 0:
        return start
    return round(start + (_PERCENT["resolve"] - start) * min(step.done_s / step.total_s, 1.0), 1)


def _sentence(step: Progress) -> str:
    if step.stage != "observe":
        return step.stage
    return f"observe: {step.done_s:.0f} of {step.total_s:.0f} s of the recording"
