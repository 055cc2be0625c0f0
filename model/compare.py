"""Two models on the same images: is one better by more than chance?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from model.data import CLASSES, LabelledImages
from model.errors import ModelError
from model.runtime import Logits


@dataclass(frozen=True)
class Comparison:
    """How often two models are right on the same n images.

    only_first, only_second: images that one reads right and the other wrong. p: of McNemar's exact two-sided test,
    the probability of a difference at least as large between models that are equally good.
    """

    n: int
    both: int
    only_first: int
    only_second: int
    neither: int
    p: float

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values for JSON."""
        return asdict(self)


def mcnemar(first_right: npt.NDArray[np.bool_], second_right: npt.NDArray[np.bool_]) -> Comparison:
    """Compare two models by the images that only one of them reads right (McNemar 1947, exact binomial form).

    first_right, second_right: bool [n], whether each model is right on each image. Raises ModelError without images.
    """
    from scipy.stats import binomtest

    if not len(first_right):
        raise ModelError("two models cannot be compared on no images")
    only_first = int((first_right & ~second_right).sum())
    only_second = int((~first_right & second_right).sum())
    differing = only_first + only_second
    p = float(binomtest(only_first, differing, 0.5).pvalue) if differing else 1.0
    both = int((first_right & second_right).sum())
    return Comparison(len(first_right), both, only_first, only_second, len(first_right) - both - differing, p)


def compare(first: Logits, second: Logits, data: LabelledImages, classes: Sequence[str] = CLASSES) -> Comparison:
    """Compare two networks on the images of some classes, each answering with one of these."""
    columns = sorted(CLASSES.index(c) for c in set(classes))
    chosen = np.isin(data.labels, columns)
    truth = np.searchsorted(columns, data.labels[chosen])
    images = data.images[chosen]
    first_right, second_right = (network(images)[:, columns].argmax(axis=1) == truth for network in (first, second))
    return mcnemar(first_right, second_right)
