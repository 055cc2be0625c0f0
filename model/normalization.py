"""Batch normalisation by the one kernel that a backend has for it.

Keras composes batch normalisation of elementary operations on float32 copies. XLA fuses those; PyTorch does not, and on
a CPU whose matrix units make convolutions cheap that took three quarters of a step (docs/experiments.md).
"""

from __future__ import annotations

from typing import Any

import keras


class BatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Keras' layer, with PyTorch's own kernel for training where PyTorch is the backend.

    Weights, names and results are those of Keras' layer, but for rounding and for the running variance, which PyTorch
    takes as the unbiased estimate.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalise inputs, [n, channels, height, width] for PyTorch's kernel; same shape and dtype."""
        if not (training and self.trainable and self.axis == 1 and keras.backend.backend() == "torch"):
            return super().call(inputs, training=training, mask=mask)
        from torch.nn.functional import batch_norm

        return batch_norm(
            inputs,
            self.moving_mean.value,
            self.moving_variance.value,
            self.gamma.value,
            self.beta.value,
            training=True,
            momentum=1 - self.momentum,
            eps=self.epsilon,
        )
