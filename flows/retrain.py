"""The flow ``retrain``: new labelled faces in, a better emotion model out, or a candidate with the reason.

It does what ``emorec model retrain`` does, by the same function; each coarse step is a task. Scheduled weekly, it does
nothing where nothing is new. A run that was killed is started again by hand or by the next week's schedule, and goes on
from its last checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from prefect import flow
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed

from emorec.errors import EmorecError
from flows.analyze_session import run_as_task
from flows.notify import tell
from model.errors import ModelError

__all__ = ["retrain"]

T = TypeVar("T")


def _step(name: str, function: Callable[[], T], /) -> T:
    return run_as_task(name, function)


@flow(name="retrain", persist_result=False)
def retrain(
    data: str | None = None,
    new: str | None = None,
    test: str | None = None,
    start: str | None = None,
    epochs: int | None = None,
    least_new: int | None = None,
    store: str | None = None,
) -> Any:
    """Retrain the emotion model and promote the result only if it is better by more than chance.

    Args:
        data: folder or zip of the training data; this and the next five: those of the settings, area retrain, without.
        new: folder of new labelled images.
        test: folder or zip of the frozen test set.
        start: champion or scratch.
        epochs: length of the training.
        least_new: new images that it waits for.
        store: folder or fsspec URL whose labelled faces and models are meant; that of the settings without it.
    """
    from emorec import retraining
    from emorec.settings import Settings

    logger = get_run_logger()
    try:
        settings = Settings.load()
    except EmorecError as error:
        logger.error("%s", error)
        return Failed(message=str(error))
    try:
        outcome = retraining.retrain(
            settings,
            store,
            step=_step,
            tell=logger.info,
            data=data,
            new=new,
            test=test,
            start=start,
            epochs=epochs,
            least_new=least_new,
        )
    except Exception as error:
        if not isinstance(error, EmorecError | ModelError):
            tell(settings, "emorec: a retraining failed", f"{type(error).__name__}: {error}")
            raise
        # The run's message is for a person; the failed task's log has the rest.
        logger.error("%s", error)
        tell(settings, "emorec: a retraining failed", str(error))
        return Failed(message=str(error))
    if outcome.version:
        _publish(outcome.version, outcome.promoted, outcome.reason)
    if outcome.promoted:
        tell(settings, f"emorec: {outcome.version} is the emotion model now", outcome.reason)
    return Completed(message=outcome.reason)


def _publish(version: str, promoted: bool, reason: str) -> None:
    from prefect.artifacts import create_markdown_artifact

    kept = "the champion" if promoted else "kept as a candidate"
    create_markdown_artifact(f"## {version}\n\n{version} is {kept}: {reason}.", key="retrain", description=version)
