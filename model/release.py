"""From a finished run to a release: convert, check, calibrate, read the test split once, write the card."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from model import preprocess, registry
from model.calibrate import fit_temperature
from model.data import CLASSES, LabelledImages
from model.errors import ModelError
from model.evaluate import FOUR_CLASSES, figures
from model.export import convert, load_network, save_weights
from model.runtime import KerasNetwork, LiteRtNetwork, Logits
from model.train import BEST_WEIGHTS, Plan


def release(
    run: Path,
    version: str,
    target: Path,
    training: LabelledImages,
    validation: LabelledImages,
    test: LabelledImages | None,
    code_version: str,
) -> registry.Release:
    """Make a release of a run's best weights.

    target: the registry that it goes into. test: read once, here; None leaves the test figures out. Temperature and
    kind of conversion are chosen on validation. code_version: of the code that trained. Raises ModelError where the
    run has no weights yet, or the version exists.
    """
    if not (run / BEST_WEIGHTS).exists():
        raise ModelError(f"{run} has no weights yet; train first")
    plan = Plan.from_dict(json.loads((run / "plan.json").read_text()))
    history = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        weights, litert = Path(folder) / registry.WEIGHTS, Path(folder) / registry.LITERT
        save_weights(load_network(plan.architecture, run / BEST_WEIGHTS), plan.architecture, weights)
        # From here on the network is the one that users load: from the half-precision file.
        network = load_network(plan.architecture, weights)
        tried = convert(network, validation, litert)
        product = LiteRtNetwork(litert)
        temperature = fit_temperature(product(validation.images), validation.labels)
        metrics = {"validation": _card_figures(product, validation, temperature)}
        if test is not None:
            metrics["test"] = _card_figures(product, test, temperature)
            metrics["test_float32"] = _card_figures(KerasNetwork(network), test, temperature)
        card = {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "code_version": code_version,
            "architecture": plan.architecture.to_dict(),
            "parameters": network.count_params(),
            "classes": list(CLASSES),
            "preprocessing": preprocess.describe(),
            "temperature": temperature,
            "metrics": metrics,
            "conversion": {"chosen": tried[-1].kind, "tried": [t.to_dict() for t in tried]},
            "data": {
                name: {"images": len(d), "fingerprint": d.fingerprint(), "dropped": d.dropped}
                for name, d in (("train", training), ("validation", validation), ("test", test))
                if d is not None
            },
            "training": {"plan": asdict(plan), "epochs": history},
        }
        return registry.add_release(target, version, card, weights, litert)


def _card_figures(network: Logits, data: LabelledImages, temperature: float) -> dict[str, Any]:
    """Return the figures of all seven classes and of the four that most applications ask for."""
    four = figures(network, data, temperature, FOUR_CLASSES)["one_view"]
    return {**figures(network, data, temperature), "four_classes": four}
