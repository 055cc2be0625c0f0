"""A running mean of a network's weights, which is what a run evaluates and keeps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from model.errors import ModelError

if TYPE_CHECKING:
    import keras

Floats = npt.NDArray[np.float32]

AVERAGE_EVERY_STEPS: Final = 8
"""The running mean of the weights is updated every so many steps: often enough, and it costs nothing."""

PREDICTION_BATCH: Final = 256
"""Images that are read at once."""


class WeightAverage:
    """A running mean of a network's weights, which is what a run evaluates and keeps.

    It does for a short run what a longer one would do (Polyak & Juditsky 1992), batch normalisation's statistics
    included. The mean forgets exponentially, over `horizon_steps` steps, and starts as a plain mean.
    """

    def __init__(self, network: keras.Model, horizon_steps: int) -> None:
        self._network = network
        self._horizon = max(horizon_steps / AVERAGE_EVERY_STEPS, 1.0)
        self.updates = 0
        self.weights: list[Floats] = network.get_weights()

    def update(self) -> None:
        """Take the network's present weights into the mean."""
        self.updates += 1
        share = max(1.0 / self.updates, 1.0 / self._horizon)
        for mean, now in zip(self.weights, self._network.get_weights(), strict=True):
            mean += np.float32(share) * (now - mean)

    def callback(self) -> keras.callbacks.Callback:
        """Return what keeps the mean up to date during `fit`."""
        import keras

        class Updating(keras.callbacks.Callback):  # type: ignore[misc]
            def on_train_batch_end(callback, batch: int, logs: Any = None) -> None:  # noqa: ARG002, N805
                if batch % AVERAGE_EVERY_STEPS == 0:
                    if keras.backend.backend() == "jax":
                        # Under JAX the weights of a model live elsewhere while it is trained.
                        callback.model.jax_state_sync()
                    self.update()

        return Updating()

    def predict(self, inputs: Floats) -> Floats:
        """Return what the averaged network gives for inputs."""
        # Whole batches only: where several devices share them, each wants as many.
        missing = -len(inputs) % PREDICTION_BATCH
        whole = np.concatenate([inputs, np.repeat(inputs[:1], missing, axis=0)])
        predicted: Floats = self.with_mean(
            lambda network: network.predict(whole, batch_size=PREDICTION_BATCH, verbose=0)
        )
        return predicted[: len(inputs)]

    def save(self, path: Path) -> None:
        """Write the mean and how many updates made it: a .npz file."""
        np.savez(path, *self.weights, updates=self.updates)

    def restore(self, path: Path) -> None:
        """Read what `save` wrote for a network of the same kind. Raises ModelError where it is of another one."""
        with np.load(path) as saved:
            weights = [saved[f"arr_{i}"] for i in range(len(saved.files) - 1)]
            if [w.shape for w in weights] != [w.shape for w in self.weights]:
                raise ModelError(f"{path} holds the weights of another network")
            self.updates, self.weights = int(saved["updates"]), weights

    def with_mean(self, do: Callable[[keras.Model], Any]) -> Any:
        """Call `do` with the network in its averaged state; put its present weights back."""
        present = self._network.get_weights()
        self._network.set_weights(self.weights)
        try:
            return do(self._network)
        finally:
            self._network.set_weights(present)
