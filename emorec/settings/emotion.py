"""The emotion model at inference."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from emorec.settings.base import Area


class EmotionSettings(Area):
    """The emotion model at inference."""

    device: Literal["cpu", "gpu"] = "cpu"
    """Where faces are classified: LiteRT on a CPU, Keras on a GPU, which takes one worker (``run.workers``)."""

    model: str = "champion"
    """Version of the emotion model; ``champion`` is the one that was promoted last, or the shipped one."""

    registry: Path | None = None
    """Folder of your own emotion models, beside those that come with emorec; ``models`` in the store without it."""
