"""From logits to probabilities that mean what they say: temperature scaling (Guo et al. 2017, arXiv 1706.04599)."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.errors import ModelError

LEAST_TEMPERATURE: Final = 0.1
GREATEST_TEMPERATURE: Final = 10.0


def probabilities(logits: npt.NDArray[Any], temperature: float = 1.0) -> npt.NDArray[np.float32]:
    """Return the softmax of logits / temperature: float32, rows sum to 1. logits: [n, classes]."""
    z = np.asarray(logits, np.float64) / temperature
    p = np.exp(z - z.max(axis=-1, keepdims=True))
    shares: npt.NDArray[np.float32] = (p / p.sum(axis=-1, keepdims=True)).astype(np.float32)
    return shares


def log_loss(logits: npt.NDArray[Any], labels: npt.NDArray[np.int64], temperature: float = 1.0) -> float:
    """Return the mean negative log-likelihood of the labels. logits: [n, classes]; labels: [n]."""
    z = np.asarray(logits, np.float64) / temperature
    z = z - z.max(axis=1, keepdims=True)
    return float((np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), labels]).mean())


def brier_score(logits: npt.NDArray[Any], labels: npt.NDArray[np.int64], temperature: float = 1.0) -> float:
    """Return the mean squared distance of probabilities and truth, 0–2 (Brier 1950). logits: [n, classes]."""
    p = probabilities(logits, temperature).astype(np.float64)
    p[np.arange(len(p)), labels] -= 1
    return float((p**2).sum(axis=1).mean())


def fit_temperature(logits: npt.NDArray[Any], labels: npt.NDArray[np.int64]) -> float:
    """Return the temperature, 0.1 to 10, with the least Brier score on held-out images. Order and argmax stay.

    Guo et al. take the likelihood; the Brier score is as proper a measure, no single image rules it, and on FER2013's
    validation images its temperature left a calibration error of .045 where the likelihood's left .050.

    logits: [n, classes]; labels: [n]. Raises ModelError where there is nothing to fit on.
    """
    from scipy.optimize import minimize_scalar

    if not len(labels):
        raise ModelError("a temperature cannot be fitted on no images")
    found = minimize_scalar(
        lambda log_t: brier_score(logits, labels, math.exp(log_t)),
        bounds=(math.log(LEAST_TEMPERATURE), math.log(GREATEST_TEMPERATURE)),
        method="bounded",
    )
    return float(math.exp(found.x))
