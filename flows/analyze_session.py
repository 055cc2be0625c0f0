"""The flow ``analyze-session``: a recording in, a session and its report out, run by Prefect.

It does what ``emorec analyze`` does, by the same function; each coarse step is a task, so that Prefect's pages show
where a run is. Tasks exchange paths and small values. A step whose failure can pass is tried again, and goes on after
the last chunk that was observed; a recording that cannot be used fails at once, with one line that says why.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, cast

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from emorec.app import StepRunner
from emorec.errors import EmorecError
from emorec.store import Store, session_id
from emorec.types import RecordingInfo
from flows import alive, chunks, metrics
from flows.artifacts import ProgressArtifact, publish_summary, where_to_look
from flows.notify import tell
from flows.runs import connected, session_tag
from flows.transient import worth_retrying

if TYPE_CHECKING:
    from emorec.sidecars import Kind

__all__ = ["Text", "analyze_session"]

P = ParamSpec("P")
T = TypeVar("T")

Text = str | int | float
"""Text that Prefect's command line hands over as a number where it looks like one (``--param course=101``)."""

RETRY_SECONDS: Final = (10, 60, 300)
"""Growing pauses before a step is tried again: a share that reconnects, a disk that somebody clears."""


@task(
    retries=len(RETRY_SECONDS),
    retry_delay_seconds=list(RETRY_SECONDS),
    retry_condition_fn=worth_retrying,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def _step(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return function(*args, **kwargs)


def run_as_task(name: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run one step of an analysis as a task of the current flow, in this thread."""
    return cast(T, _step.with_options(name=name, task_run_name=name)(function, args, kwargs))


def _run_name() -> str:
    return f"analyze {Path(str(flow_run.parameters['recording'])).name}"


@flow(name="analyze-session", flow_run_name=_run_name, persist_result=False)
def analyze_session(
    recording: str,
    course: Text = "general",
    title: Text | None = None,
    again: bool = False,
    store: str | None = None,
    transcript: str | None = None,
    chat: str | None = None,
    attendance: str | None = None,
    chapters: str | None = None,
    names: str | None = None,
) -> State[None]:
    """Analyse a recording, commit its session and render its report.

    Args:
        recording: path of the media file, as the worker sees it.
        course: the course that the session belongs to.
        title: title of the session; the file's name without it.
        again: analyse even if the same recording was analysed before.
        store: folder or fsspec URL of all sessions; that of the settings without it.
        transcript: path of a file with what was said, as the worker sees it; this and the next three: whatever lies
            beside the recording and belongs to it by its name without.
        chat: path of the chat.
        attendance: path of the list of who was there.
        chapters: path of an agenda: chapters or slides with their times.
        names: "plates" names participants by the labels of their tiles, the path of a roster (CSV) by its spelling of
            them; as the settings say without.
    """
    from emorec import app
    from emorec.amend import Additions
    from emorec.settings import Settings

    log, run, path = get_run_logger(), str(flow_run.id), Path(recording).absolute()
    progress = ProgressArtifact()
    settings = Settings.load()
    if names is not None:
        settings = settings.model_copy(update={"privacy": settings.privacy.model_copy(update={"names": names})})
    beside = _given(transcript=transcript, chat=chat, attendance=attendance, chapters=chapters)
    home = settings.operations.home.absolute()
    session = _Session(run)
    with alive.present(home, run, int(flow_run.run_count or 1)):
        try:
            with app.isolated(path, settings, session.note(run_as_task)) as step:
                result = app.analyze(
                    path,
                    settings=settings,
                    store=store,
                    course=_text(course),
                    title=None if title is None else _text(title),
                    again=again,
                    additions=Additions(files=beside),
                    progress=progress,
                    step=chunks.spread(step, settings.run),
                )
            run_as_task("publish", publish_summary, result, settings, store)
        except Exception as error:
            metrics.count(home, metrics.of_failure(error))
            if not isinstance(error, EmorecError | MemoryError):
                tell(settings, f"emorec: {path.name} failed", f"{type(error).__name__}: {error}")
                raise
            # The run's message is for a person; the failed task's log has the rest.
            log.error("%s", error, extra={"session": session.id, "kind": type(error).__name__})
            tell(settings, f"emorec: {path.name} failed", str(error))
            return Failed(message=str(error))
        progress.finish("done")
        log.info("done in %.1f s", result.seconds, extra={"session": result.session, "seconds": result.seconds})
        if not result.reused:
            root = settings.store if store is None else store
            metrics.count(home, metrics.of_session(Store(root).open(result.session).metadata))
            tell(settings, f"emorec: the report of {path.name} is ready", where_to_look(result, settings))
    return Completed(message=f"session {result.session}; report: {result.report}")


class _Session:
    """The session that a run works on, once its recording has been read."""

    def __init__(self, run: str) -> None:
        self.id = ""
        self._run = run

    def note(self, step: StepRunner) -> StepRunner:
        """Runs steps as ``step`` does; once the recording is known, the run is found by its session."""

        def run(name: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
            result = step(name, function, *args, **kwargs)
            if isinstance(result, RecordingInfo):
                self.id = session_id(result.sha256)
                log = get_run_logger()
                log.info("session %s", self.id, extra={"session": self.id, "recording": result.path.name})
                try:
                    with connected() as runs:
                        runs.add_tag(self._run, session_tag(self.id))
                except Exception as error:
                    # The tag serves deletion, which finds the run by its artifact and its path as well.
                    log.warning("the run could not be tagged: %s", error)
            return result

        return run


def _given(**files: str | None) -> dict[Kind, Path]:
    """The files that were named, by kind."""
    return {cast("Kind", kind): Path(path).absolute() for kind, path in files.items() if path is not None}


def _text(value: Text) -> str:
    """What was typed on the command line, as far as JSON let it through."""
    return value if isinstance(value, str) else json.dumps(value)
