"""Retraining the emotion model."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from emorec.settings.base import Area


class RetrainSettings(Area):
    """Retraining the emotion model with new labelled faces."""

    data: Path | None = None
    """Folder or zip of the training data, images/<split>/<class>/*; without it nothing is retrained."""

    new: Path | None = None
    """Folder where new labelled images are put, <class>/*; faces labelled by `emorec label` are found without it."""

    test: Path | None = None
    """Folder or zip of the frozen test set that versions are compared on; the test split of the data without it."""

    start: Literal["champion", "scratch"] = "champion"
    """From the champion's weights, or from scratch."""

    epochs: int | None = Field(None, ge=1)
    """Length of a retraining; 6 from the champion's weights and 30 from scratch without a number."""

    least_new: int = Field(30, ge=1)
    """New images that a retraining waits for: none has taken them in, or they are labelled faces of which no promoted
    version was made."""

    labels_days: float = Field(30, gt=0)
    """Faces that were collected to be labelled are deleted after so many days, labelled or not: by the flow retention,
    and by every `emorec label` and `emorec model retrain`."""
