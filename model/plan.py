"""What a run does: its settings, as plan.json keeps them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from model.architectures import FACE_RESNET, Architecture
from model.augment import Augmentation
from model.compression import Compression
from model.errors import ModelError
from model.files import read_json, write_whole

FIRST_WEIGHTS: Final = "dlib"
"""What a face-resnet begins with, by this name, where nothing else is said."""

OPTIMIZERS: Final = ("sgd", "adamw")
"""SGD with Nesterov momentum, for networks with batch normalisation; AdamW (Loshchilov & Hutter 2017, arXiv 1711.05101)
with clipped gradients, for those without."""


@dataclass(frozen=True)
class Plan:
    """A run's settings.

    vote_share: weight of FER+ votes in the loss. label_weight: of the labels in the score on validation, against the
    votes; a face can have but one answer, and where both disagree it is right for one of them. learning_rate: the
    peak; rises linearly, falls as a cosine to 0. average_horizon_steps: how many steps the running mean of the weights
    reaches back. mixup_alpha: of the beta distribution from which each image's share of another one is drawn (Zhang et
    al. 2018, arXiv 1710.09412); 0 mixes none. patience_epochs: stop after so many epochs without a better score on
    validation. dtype_policy: of Keras; mixed_bfloat16 is faster on CPUs that have it. begun_with: what gave the first
    weights, for the card; empty where they were drawn. teachers: folders of finished runs whose answers are learnt, see
    `model.teachers`; taught_share: how much of what is to be said is theirs, the rest being labels and votes.
    optimizer: of OPTIMIZERS.
    """

    architecture: Architecture = field(default_factory=Architecture)
    augmentation: Augmentation = field(default_factory=Augmentation)
    compression: Compression = field(default_factory=Compression)
    epochs: int = 100
    batch: int = 256
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 4e-3
    label_smoothing: float = 0.05
    vote_share: float = 0.5
    label_weight: float = 0.75
    average_horizon_steps: int = 600
    mixup_alpha: float = 0.2
    patience_epochs: int = 40
    dtype_policy: str = "mixed_bfloat16"
    begun_with: str = ""
    seed: int = 1
    optimizer: str = "sgd"
    teachers: tuple[str, ...] = ()
    taught_share: float = 0.8

    @staticmethod
    def from_dict(values: dict[str, Any]) -> Plan:
        """Rebuild a plan from plan.json."""
        parts = {
            "architecture": Architecture(**values["architecture"]),
            "augmentation": Augmentation(**values["augmentation"]),
            "compression": Compression(**values["compression"]),
            "teachers": tuple(values.get("teachers", ())),
        }
        return Plan(**({"mixup_alpha": 0.0} | values | parts))  # runs begun before it was a setting mixed none


def plan_for(name: str, **changes: Any) -> Plan:
    """Return the plan by which networks of an architecture, one of `model.architectures.NAMES`, begin."""
    if name != FACE_RESNET:
        return replace(Plan(architecture=Architecture(name)), **changes)
    # It has learnt already and has no batch normalisation: small steps, and few.
    teacher = Plan(
        architecture=Architecture(name, width=1.0, dropout=0.4),
        augmentation=Augmentation(small_share=0.1),
        epochs=10,
        batch=96,
        optimizer="adamw",
        learning_rate=3e-4,
        weight_decay=0.05,
        average_horizon_steps=333,
        begun_with=FIRST_WEIGHTS,
    )
    return replace(teacher, **changes)


def plan_of(folder: Path) -> Plan | None:
    """Return the plan of the run in a folder, or None where there is none."""
    path = folder / "plan.json"
    return Plan.from_dict(read_json(path)) if path.exists() else None


def refuse_another_plan(folder: Path, plan: Plan) -> None:
    """Raise ModelError where a folder holds a run with other settings; its length may be another."""
    earlier = plan_of(folder)
    before = asdict(earlier or plan)
    differing = [k for k, v in asdict(plan).items() if before[k] != v and k not in ("epochs", "patience_epochs")]
    if differing:
        raise ModelError(
            f"{folder} holds a run with another {' and '.join(differing)}; continue it with its own settings "
            "or start in another folder"
        )


def keep_plan(folder: Path, plan: Plan) -> None:
    """Write a run's plan; its length may have changed."""
    write_whole(folder / "plan.json", json.dumps(asdict(plan), indent=1))
