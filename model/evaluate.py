"""How good a model is: figures that a card, a bench and a person can read. Pure functions on probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.calibrate import probabilities as softmax
from model.data import CLASSES, LabelledImages
from model.errors import ModelError
from model.runtime import Logits

CALIBRATION_BINS: Final = 15
"""Equal bins of the top class's probability, as in Guo et al. 2017, arXiv 1706.04599."""

RESAMPLES: Final = 1000
"""Bootstrap resamples behind an interval."""

FOUR_CLASSES: Final = ("angry", "happy", "neutral", "sad")
"""The classes that most applications ask for."""

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Metrics:
    """What a model reached on n images of some classes.

    accuracy, macro_f1 (mean over the classes), ece: 0–1. recall: by class. confusion: rows are the truth, columns the
    answer, in the order of `classes`. intervals: 95 % bootstrap intervals of accuracy, macro_f1 and ece.
    """

    n: int
    accuracy: float
    macro_f1: float
    ece: float
    recall: dict[str, float]
    confusion: list[list[int]]
    classes: tuple[str, ...]
    intervals: dict[str, tuple[float, float]]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values for JSON."""
        return asdict(self)


def evaluate(
    probabilities: npt.NDArray[np.floating],
    labels: Labels,
    classes: Sequence[str] = CLASSES,
    resamples: int = RESAMPLES,
) -> Metrics:
    """Compare answers with the truth over all classes, or over some: then only images of these count, and their
    probabilities are renormalised over them.

    probabilities: float [n, 7], rows sum to 1. labels: [n], index into CLASSES. Raises ModelError for an unknown
    class or when no image is left.
    """
    unknown = [c for c in classes if c not in CLASSES]
    if unknown or len(classes) < 2:
        raise ModelError(f"classes must be two or more of {', '.join(CLASSES)}, not {', '.join(classes)}")
    columns = sorted(CLASSES.index(c) for c in set(classes))
    chosen = np.isin(labels, columns)
    if not chosen.any():
        raise ModelError(f"there is no image of the classes {', '.join(classes)}")
    p = probabilities[chosen][:, columns].astype(np.float64)
    p /= np.maximum(p.sum(axis=1, keepdims=True), 1e-12)
    truth = np.searchsorted(columns, labels[chosen])
    answer = p.argmax(axis=1)
    names = tuple(CLASSES[c] for c in columns)
    table = confusion(truth, answer, len(names))
    with np.errstate(invalid="ignore"):
        recalls = np.diag(table) / table.sum(axis=1)
    return Metrics(
        n=len(truth),
        accuracy=float((truth == answer).mean()),
        macro_f1=macro_f1(table),
        ece=calibration_error(p.max(axis=1), truth == answer),
        recall={name: float(r) for name, r in zip(names, recalls, strict=True) if np.isfinite(r)},
        confusion=table.tolist(),
        classes=names,
        intervals=_intervals(p, truth, answer, resamples),
    )


def confusion(truth: Labels, answer: Labels, classes: int) -> npt.NDArray[np.int64]:
    """Count answers: int64 [classes, classes], rows are the truth."""
    return np.bincount(truth * classes + answer, minlength=classes**2).reshape(classes, classes)


def macro_f1(table: npt.NDArray[np.int64]) -> float:
    """Return the mean of the classes' F1, over the classes that occur. table: see `confusion`."""
    occurs = table.sum(axis=1) > 0
    f1 = 2 * np.diag(table) / np.maximum(table.sum(axis=0) + table.sum(axis=1), 1)
    return float(f1[occurs].mean())


def calibration_error(
    confidence: npt.NDArray[Any], right: npt.NDArray[np.bool_], bins: int = CALIBRATION_BINS
) -> float:
    """Return the expected calibration error, 0–1: how far confidence and share of right answers differ, by bin.

    confidence: [n], the top class's probability. right: bool [n].
    """
    index = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gap = np.bincount(index, weights=confidence - right, minlength=bins)
    return float(np.abs(gap).sum() / len(confidence))


def majority(data: LabelledImages) -> tuple[npt.NDArray[np.bool_], Labels]:
    """Return where FER+ votes have a single favourite among the classes (bool [n]), and which (int64 [n])."""
    top = np.sort(data.votes, axis=1)[:, -2:]
    return (top[:, 1] > top[:, 0]) & (data.not_a_face <= 0.5), data.votes.argmax(axis=1).astype(np.int64)


def figures(
    network: Logits, data: LabelledImages, temperature: float, classes: Sequence[str] = CLASSES
) -> dict[str, Any]:
    """Evaluate a network as the product uses it, and in the other ways that people report.

    Returns plain values: one_view (each face once, calibrated: the product), ece_before_temperature, with_flip
    (probabilities averaged with the mirrored view's), and, where there are FER+ votes, ferplus_majority (against the
    votes' favourite instead of the label). Raises ModelError as `evaluate` does.
    """
    logits = network(data.images)
    p = softmax(logits, temperature)
    mirrored = softmax(network(np.ascontiguousarray(data.images[:, :, ::-1])), temperature)
    found: dict[str, Any] = {
        "one_view": evaluate(p, data.labels, classes).to_dict(),
        "ece_before_temperature": evaluate(softmax(logits), data.labels, classes, resamples=1).ece,
        "with_flip": evaluate((p + mirrored) / 2, data.labels, classes).to_dict(),
    }
    agreed, favourite = majority(data)
    if agreed.any():
        found["ferplus_majority"] = evaluate(p[agreed], favourite[agreed], classes).to_dict()
    return found


def _intervals(p: npt.NDArray[Any], truth: Labels, answer: Labels, resamples: int) -> dict[str, tuple[float, float]]:
    draw = np.random.default_rng(0)
    right, confidence, classes = truth == answer, p.max(axis=1), p.shape[1]
    figures = np.empty((resamples, 3))
    for i in range(resamples):
        rows = draw.integers(0, len(truth), len(truth))
        figures[i] = (
            right[rows].mean(),
            macro_f1(confusion(truth[rows], answer[rows], classes)),
            calibration_error(confidence[rows], right[rows]),
        )
    low, high = np.percentile(figures, (2.5, 97.5), axis=0)
    return {n: (float(low[i]), float(high[i])) for i, n in enumerate(("accuracy", "macro_f1", "ece"))}
