"""How good a model is: figures that a card, a bench and a person can read. Pure functions on probabilities."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.calibrate import probabilities as softmax
from model.data import CLASSES, LabelledImages
from model.errors import ModelError
from model.preprocess import as_crop
from model.runtime import Logits

CALIBRATION_BINS: Final = 15
"""Equal bins of the top class's probability, as in Guo et al. 2017, arXiv 1706.04599."""

RESAMPLES: Final = 1000
"""Bootstrap resamples behind an interval."""

FOUR_CLASSES: Final = ("angry", "happy", "neutral", "sad")
"""The classes that most applications ask for."""

FACE_SIZES_PX: Final = (48, 32, 24, 16)
"""Sides that faces are scaled down to, and up again: what small faces of a gallery leave to be read."""

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Metrics:
    """What a model reached on n images of some classes.

    accuracy, macro_f1 (mean over the classes), ece: 0–1. recall: by class. confusion: rows are the truth, columns the
    answer, in the order of `classes`. intervals: 95 % bootstrap intervals of accuracy, macro_f1 and ece;
    recall_intervals: likewise, by class. reliability: by bin of the top class's probability that holds images, their
    number, mean probability and share of right answers.
    """

    n: int
    accuracy: float
    macro_f1: float
    ece: float
    recall: dict[str, float]
    confusion: list[list[int]]
    classes: tuple[str, ...]
    intervals: dict[str, Interval]
    recall_intervals: dict[str, Interval] = field(default_factory=dict)
    reliability: list[dict[str, float]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values for JSON."""
        return asdict(self)


def check_classes(classes: Sequence[str]) -> None:
    """Raise ModelError where these are not two or more of CLASSES."""
    unknown = [repr(c) for c in classes if c not in CLASSES]
    if unknown or len(set(classes)) < 2:
        wrong = ", ".join(unknown or map(repr, classes))
        raise ModelError(f"classes must be two or more of {', '.join(CLASSES)}, not {wrong}")


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
    check_classes(classes)
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
    recalls = dict(zip(names, recall_by_class(table).tolist(), strict=True))
    intervals, recall_intervals = _intervals(p, truth, answer, resamples)
    return Metrics(
        n=len(truth),
        accuracy=float((truth == answer).mean()),
        macro_f1=macro_f1(table),
        ece=calibration_error(p.max(axis=1), truth == answer),
        recall={name: r for name, r in recalls.items() if math.isfinite(r)},
        confusion=table.tolist(),
        classes=names,
        intervals=intervals,
        recall_intervals={n: i for n, i in zip(names, recall_intervals, strict=True) if math.isfinite(recalls[n])},
        reliability=reliability(p.max(axis=1), truth == answer),
    )


def confusion(truth: Labels, answer: Labels, classes: int) -> npt.NDArray[np.int64]:
    """Count answers: int64 [classes, classes], rows are the truth."""
    return np.bincount(truth * classes + answer, minlength=classes**2).reshape(classes, classes)


def recall_by_class(table: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the share of each class's images that were found, [classes]; not a number where there are none."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.diag(table) / table.sum(axis=1), np.float64)


def macro_f1(table: npt.NDArray[np.int64]) -> float:
    """Return the mean of the classes' F1, over the classes that occur. table: see `confusion`."""
    occurs = table.sum(axis=1) > 0
    f1 = 2 * np.diag(table) / np.maximum(table.sum(axis=0) + table.sum(axis=1), 1)
    return float(f1[occurs].mean())


def reliability(
    confidence: npt.NDArray[Any], right: npt.NDArray[np.bool_], bins: int = CALIBRATION_BINS
) -> list[dict[str, float]]:
    """Return, for each equal bin of confidence that holds images: n, mean confidence, accuracy.

    confidence: [n], the top class's probability. right: bool [n].
    """
    index = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    n, sure, hit = (np.bincount(index, weights=w, minlength=bins) for w in (None, confidence, right))
    return [
        {"n": int(n[b]), "confidence": float(sure[b] / n[b]), "accuracy": float(hit[b] / n[b])}
        for b in np.flatnonzero(n)
    ]


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
    """Return where most FER+ votes are for one of the classes (bool [n]), and for which (int64 [n]).

    More than half of all votes, those for contempt, unknown and not a face among them, as FER+'s own code has it
    (Barsoum et al. 2016, arXiv 1608.01041): what is published against the majority leaves out the other faces.
    """
    total = data.votes.sum(axis=1) + data.other_votes
    return data.votes.max(axis=1) > 0.5 * total, data.votes.argmax(axis=1).astype(np.int64)


def favourite(data: LabelledImages) -> tuple[npt.NDArray[np.bool_], Labels]:
    """Return where FER+ votes have a single favourite among the classes (bool [n]), and which (int64 [n]).

    Unlike a majority it may have few votes: the ambiguous faces count as well.
    """
    top = np.sort(data.votes, axis=1)[:, -2:]
    return (top[:, 1] > top[:, 0]) & (data.not_a_face <= 0.5), data.votes.argmax(axis=1).astype(np.int64)


def scaled_down_and_up(images: npt.NDArray[np.uint8], side_px: int) -> npt.NDArray[np.uint8]:
    """Return crops [n, px, px] as they are of faces `side_px` wide: shrunk by area, grown linearly, as in a video."""
    px = images.shape[1]
    return np.stack([as_crop(as_crop(image, side_px), px) for image in images])


def figures(
    network: Logits,
    data: LabelledImages,
    temperature: float,
    classes: Sequence[str] = CLASSES,
    copies: npt.NDArray[np.bool_] | None = None,
    sizes_px: Sequence[int] = FACE_SIZES_PX,
) -> dict[str, Any]:
    """Evaluate a network as the product uses it, and in the other ways that people report.

    copies: bool [n], images that have a copy in the training images, if that is known. sizes_px: of faces.

    Returns plain values: one_view (each face once, calibrated: the product), ece_before_temperature, with_flip
    (probabilities averaged with the mirrored view's), by_face_size, and, where there is what they need,
    ferplus_majority and ferplus_favourite (against what the votes say instead of the label), without_copies,
    four_classes and classes_present (renormalised over the classes that the images have). Raises ModelError as
    `evaluate` does.
    """
    logits = network(data.images)
    p = softmax(logits, temperature)
    mirrored = softmax(network(np.ascontiguousarray(data.images[:, :, ::-1])), temperature)
    found: dict[str, Any] = {
        "one_view": evaluate(p, data.labels, classes).to_dict(),
        "ece_before_temperature": evaluate(softmax(logits), data.labels, classes, resamples=1).ece,
        "with_flip": evaluate((p + mirrored) / 2, data.labels, classes).to_dict(),
        "by_face_size": {},
    }
    for size in (s for s in sizes_px if s <= data.images.shape[1]):
        small = (
            p if size == data.images.shape[1] else softmax(network(scaled_down_and_up(data.images, size)), temperature)
        )
        found["by_face_size"][str(size)] = _brief(evaluate(small, data.labels, classes))
    for name, (agreed, answer) in (("majority", majority(data)), ("favourite", favourite(data))):
        agreed &= np.isin(answer, [CLASSES.index(c) for c in classes])
        if agreed.any():
            found[f"ferplus_{name}"] = evaluate(p[agreed], answer[agreed], classes).to_dict()
            both = (p[agreed] + mirrored[agreed]) / 2
            found[f"ferplus_{name}_with_flip"] = _brief(evaluate(both, answer[agreed], classes))
    if copies is not None and not copies[np.isin(data.labels, [CLASSES.index(c) for c in classes])].all():
        found["without_copies"] = _brief(evaluate(p[~copies], data.labels[~copies], classes))
    present = {CLASSES[label] for label in np.unique(data.labels)} & set(classes)
    if set(classes) == set(CLASSES) and present >= set(FOUR_CLASSES):
        found["four_classes"] = evaluate(p, data.labels, FOUR_CLASSES).to_dict()
    if 2 <= len(present) < len(set(classes)):
        found["classes_present"] = evaluate(p, data.labels, sorted(present)).to_dict()
    return found


def _brief(metrics: Metrics) -> dict[str, Any]:
    """What is said of a secondary view: the headline figures and their intervals."""
    whole = metrics.to_dict()
    return {name: whole[name] for name in ("n", "accuracy", "macro_f1", "ece", "intervals")}


def _intervals(
    p: npt.NDArray[Any], truth: Labels, answer: Labels, resamples: int
) -> tuple[dict[str, Interval], list[Interval]]:
    """Return the 95 % bootstrap intervals of accuracy, macro_f1 and ece, and of each class's recall."""
    draw = np.random.default_rng(0)
    right, confidence, classes = truth == answer, p.max(axis=1), p.shape[1]
    drawn = np.empty((resamples, 3 + classes))
    for i in range(resamples):
        rows = draw.integers(0, len(truth), len(truth))
        table = confusion(truth[rows], answer[rows], classes)
        drawn[i, :3] = right[rows].mean(), macro_f1(table), calibration_error(confidence[rows], right[rows])
        drawn[i, 3:] = recall_by_class(table)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of a class without images
        low, high = np.nanpercentile(drawn, (2.5, 97.5), axis=0)
    pairs = list(zip(low.tolist(), high.tolist(), strict=True))
    return dict(zip(("accuracy", "macro_f1", "ece"), pairs, strict=False)), pairs[3:]
