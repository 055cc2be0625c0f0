"""Crops of faces → probabilities of the displayed emotions: LiteRT on a CPU, Keras on a GPU.

On a CPU neither TensorFlow nor Keras is imported.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from emorec.errors import AssetError, SettingsError
from emorec.settings.emotion import EmotionSettings
from emorec.types import EMOTIONS
from model.calibrate import probabilities
from model.errors import ModelError
from model.preprocess import CROP_PX, crop_faces
from model.registry import Release, load_release
from model.runtime import BATCHES, GPU_BATCH, LiteRtNetwork, Logits

__all__ = ["CROP_PX", "EmotionClassifier", "crop_faces", "hashes", "pinned"]


class EmotionClassifier:
    """The released emotion model, opened once and closed once; a context manager.

    Not safe for several threads at once: give each its own (they run in parallel then).
    """

    def __init__(self, settings: EmotionSettings | None = None) -> None:
        """Open the version of the model that the settings name, by default the installed champion.

        Raises:
            AssetError: the model is missing, damaged, or made for other classes or another preprocessing.
            SettingsError: there is no GPU.
        """
        settings = settings or EmotionSettings()
        self.release = _release(settings)
        self._batch = GPU_BATCH if settings.device == "gpu" else BATCHES[0]
        self._logits: Logits | None = (
            _open_on_gpu(self.release) if settings.device == "gpu" else LiteRtNetwork(self.release.litert)
        )

    @property
    def batch(self) -> int:
        """How many faces at a time are the cheapest per face: the largest shape that the network runs at."""
        return self._batch

    def classify(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Say what faces display.

        Each crop is classified once, on its own: the answer depends neither on its neighbours nor on its place.

        Args:
            crops: uint8 [n, 48, 48], from `crop_faces`; n may be 0. Many at a time (multiples of 32) are cheapest.

        Returns:
            Calibrated probabilities, float32 [n, 7], in the order of EMOTIONS; rows sum to 1.
        """
        if self._logits is None:
            raise ValueError("the classifier is closed")
        if crops.dtype != np.uint8 or crops.shape[1:] != (CROP_PX, CROP_PX):
            raise ValueError(f"crops must be uint8 [n, {CROP_PX}, {CROP_PX}], not {crops.dtype} {list(crops.shape)}")
        return probabilities(self._logits(crops), self.release.temperature)

    def close(self) -> None:
        """Let the network go; closing twice is harmless."""
        self._logits = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def hashes(settings: EmotionSettings) -> dict[str, str]:
    """The sha256 of the file that classifies, by model version and file name.

    Raises:
        AssetError: as `EmotionClassifier`.
    """
    release = _release(settings)
    path = release.weights if settings.device == "gpu" else release.litert
    return {f"emotion/{release.version}/{path.name}": release.sha256()[path.name]}


def pinned(settings: EmotionSettings, models: Path) -> EmotionSettings:
    """The same settings with the version that "champion" means now, and with where models lie.

    Args:
        models: the folder of one's own models, for settings that name none.

    Raises:
        AssetError: as `EmotionClassifier`.
    """
    here = settings.model_copy(update={"registry": settings.registry or models})
    return here.model_copy(update={"model": _release(here).version})


def _release(settings: EmotionSettings) -> Release:
    try:
        return load_release(settings.model, settings.registry, EMOTIONS)
    except ModelError as error:
        raise AssetError(f"emotion model: {error}") from error


def _open_on_gpu(release: Release) -> Logits:
    """Open the Keras network on a GPU: memory taken as needed, 16-bit arithmetic."""
    import tensorflow as tf

    from model.architectures import Architecture
    from model.export import load_network
    from model.runtime import KerasNetwork

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        raise SettingsError('setting emotion.device is "gpu", but TensorFlow sees none; set it to "cpu"')
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    network = load_network(Architecture(**release.card["architecture"]), release.weights, "mixed_float16")
    return KerasNetwork(network)
