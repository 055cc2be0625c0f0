"""Retraining of the emotion model as the settings have it: what the command line and the flow call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emorec.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from emorec.settings import Settings
    from model.retrain import Outcome, Step

__all__ = ["retrain"]


def retrain(
    settings: Settings,
    store: str | None = None,
    step: Step | None = None,
    tell: Callable[[str], None] = lambda line: None,
    **changes: Any,
) -> Outcome:
    """Retrain with the images and the models of the settings and of a store.

    Args:
        store: whose labelled faces and models are meant; by default that of the settings.
        step: runs each coarse step; a flow makes them its tasks.
        tell: told what is going on, a line at a time.
        changes: instead of fields of ``settings.retrain``; None leaves a field as it is.

    Returns:
        What came out. Where no data is set, or nothing is new, that nothing was done.

    Raises:
        ModelError: data or models cannot be used.
        SettingsError: a change is no value of its field.
        StoreError: faces that were kept for long enough cannot be deleted.
    """
    from pydantic import ValidationError

    from emorec.errors import SettingsError
    from emorec.removal import expire_faces
    from emorec.settings.retrain import RetrainSettings
    from model.retrain import Outcome, Request, call
    from model.retrain import retrain as run

    given = {name: value for name, value in changes.items() if value is not None}
    try:
        wanted = RetrainSettings(**{**settings.retrain.model_dump(), **given})
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(f"{first['loc'][0]}: {first['msg'].lower()} (got {first['input']!r})") from error
    # Faces are kept for so long and no longer, whether there is anything to retrain with or not.
    for line in expire_faces(settings.model_copy(update={"retrain": wanted}), store):
        tell(line)
    if wanted.data is None:
        return Outcome(None, False, "nothing to do: the setting retrain.data names no training data")
    request = Request(
        data=wanted.data,
        registry=settings.models_folder(store),
        new=(wanted.new,) if wanted.new else (),
        labels=settings.labels_folder(store),
        test=wanted.test,
        start=wanted.start,
        epochs=wanted.epochs,
        least_new=wanted.least_new,
        code_version=f"emorec {__version__}",
    )
    return run(request, step or call, tell)
