"""From a finished run to a release: convert, check, calibrate, read the test split once, write the card."""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model import preprocess, registry
from model.calibrate import fit_temperature, probabilities
from model.card import render_card
from model.data import CLASSES, LabelledImages, clean, copies, hold_out, load_images, repeated, splits_of
from model.errors import ModelError
from model.evaluate import evaluate, figures
from model.export import convert, load_network, save_weights
from model.plan import plan_of
from model.runs import check_data, describe, history_of, merged, record_of
from model.runtime import KerasNetwork, LiteRtNetwork
from model.train import BEST_WEIGHTS

LEFT_OVER_S: Final = 86400.0
"""Age from which a release that is not whole counts as left by one that was killed: writing one takes seconds."""


@dataclass(frozen=True)
class Splits:
    """What a release is made with: the cleaned training images, validation and, unless it is left unread, test.

    overlap: copies between the splits as they came, by pair, and within those held out. test_copies: bool [n], test
    images with a copy in train.
    """

    training: LabelledImages
    validation: LabelledImages
    test: LabelledImages | None
    overlap: dict[str, int] = field(default_factory=dict)
    test_copies: npt.NDArray[np.bool_] | None = None


def load_splits(source: Path, for_release: bool = False) -> Splits:
    """Read the splits of a folder or zip and clean the training images.

    Where there is no validation split, a tenth of the training images is held out for it, never of test. for_release:
    there must be a test split; training itself needs none. Raises ModelError as `load_images` and `clean` do.
    """
    there = splits_of(source)
    if for_release and "test" not in there:
        raise ModelError(
            f"{source} has no test split, and a release is measured on one that it was neither trained nor chosen on; "
            "train without a release, or add the folder test"
        )
    training = load_images(source, "train")
    test = load_images(source, "test") if "test" in there else None
    validation = load_images(source, "validation") if "validation" in there else None
    held_out = {name: d for name, d in (("validation", validation), ("test", test)) if d is not None}
    overlap = {f"{name}_images_in_train": int(copies(d, training).sum()) for name, d in held_out.items()}
    if validation is not None and test is not None:
        overlap["test_images_in_validation"] = int(copies(test, validation).sum())
    overlap |= {f"copies_within_{name}": int(repeated(d).sum()) for name, d in held_out.items()}
    test_copies = copies(test, training) if test is not None else None
    training = clean(training, list(held_out.values()))
    if validation is None:
        training, validation = hold_out(training)
    return Splits(training, validation, test, overlap, test_copies)


@dataclass(frozen=True)
class Candidate:
    """A converted and calibrated network that is no release yet: its files, and what a card says of it."""

    weights: Path
    litert: Path
    card: dict[str, Any]
    temperature: float


def release(run: Path, version: str, target: Path, splits: Splits, code_version: str) -> registry.Release:
    """Make a release of a run's best weights.

    target: the registry that it goes into. splits: test is read once, here; without it the card has no test figures.
    Temperature and kind of conversion are chosen on validation. code_version: of the code that releases. Raises
    ModelError where the run has no weights yet or was begun with other data, or the version exists.
    """
    registry.check_new(target, version)
    _sweep(target)
    with tempfile.TemporaryDirectory() as folder:
        made = prepare(run, Path(folder), splits, code_version)
        return registry.add_release(target, version, made.card, made.weights, made.litert, render_card)


def _sweep(target: Path) -> None:
    """Delete what releases that were killed left in a registry; what is newer may be one that is being written."""
    for part in target.glob(".part-*"):
        if time.time() - part.stat().st_mtime > LEFT_OVER_S:
            shutil.rmtree(part, ignore_errors=True)


def prepare(run: Path, folder: Path, splits: Splits, code_version: str) -> Candidate:
    """Convert, calibrate and evaluate a run's best weights; the files are written into `folder`.

    code_version: of the code that releases; the card's own is of the code that began the run, where that was recorded.
    Raises ModelError where the run has no weights yet, or was begun with other data.
    """
    plan = plan_of(run)
    if plan is None or not (run / BEST_WEIGHTS).exists():
        raise ModelError(f"{run} has no weights yet; train first")
    record = record_of(run) or {}
    data = {"train": splits.training, "validation": splits.validation}
    check_data(run, data)
    weights, litert = folder / registry.WEIGHTS, folder / registry.LITERT
    save_weights(load_network(plan.architecture, run / BEST_WEIGHTS), plan.architecture, weights)
    # From here on the network is the one that users load: from the half-precision file.
    network = load_network(plan.architecture, weights)
    validation, test = splits.validation, splits.test
    tried = convert(network, plan.architecture, validation, litert)
    product = LiteRtNetwork(litert)
    temperature = fit_temperature(product(validation.images), validation.labels)
    metrics = {"validation": figures(product, validation, temperature)}
    if test is not None:
        metrics["test"] = figures(product, test, temperature, copies=splits.test_copies)
        whole = probabilities(KerasNetwork(network)(test.images), temperature)
        metrics["test_float32"] = {"one_view": evaluate(whole, test.labels).to_dict()}
    card = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "code_version": record.get("code_version") or code_version,
        "code_commit": record.get("commit"),
        "released_by": code_version,
        "architecture": plan.architecture.to_dict(),
        "parameters": network.count_params(),
        "classes": list(CLASSES),
        "preprocessing": preprocess.describe(),
        "temperature": temperature,
        "metrics": metrics,
        "conversion": {"chosen": tried[-1].kind, "tried": [t.to_dict() for t in tried]},
        "data": describe(data | ({"test": test} if test is not None else {})),
        "data_recorded": bool(record),
        "overlap": splits.overlap,
        "training": {"plan": asdict(plan), "epochs": history_of(run), **merged(run)},
    }
    return Candidate(weights, litert, card, temperature)
