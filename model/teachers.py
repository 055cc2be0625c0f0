"""Teachers: finished runs whose answers a new run learns from, beside labels and votes.

A teacher says of each image how probable it finds every class, which is more than a label says, and it may be larger or
know more than what is learnt from it (Hinton et al. 2015, arXiv 1503.02531). Both see the same changed image, so that
the lesson fits what the pupil sees (Beyer et al. 2021, arXiv 2106.05237).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.architectures import build
from model.average import WeightAverage
from model.data import LabelledImages
from model.errors import ModelError
from model.heads import add_votes_head
from model.plan import plan_of
from model.runs import AVERAGE, check_data, last_checkpoint

if TYPE_CHECKING:
    import keras


def load_teachers(runs: Sequence[str], training: LabelledImages) -> list[keras.Model]:
    """Return the networks of finished runs with both heads, logits [n, 14], as they were after their last epoch.

    Raises ModelError where a run has no checkpoint, or was trained with other images than `training`: it may have seen
    the test split, and would pass on what it saw.
    """
    import keras

    teachers = []
    for i, run in enumerate(runs):
        # On PyTorch, Keras knows variables by their paths: of two with the same, one's gradients would add up for ever.
        with keras.name_scope(f"teacher_{i}"):
            teachers.append(_load_teacher(Path(run), training))
    return teachers


def beside(teachers: Sequence[keras.Model], heads: keras.Model, faces: Any) -> Any:
    """Return the logits of a network and, behind them, those of its teachers: [n, 14 × (1 + teachers)]."""
    from keras import layers

    if not teachers:
        return heads(faces)
    return layers.Concatenate(dtype="float32")(
        [heads(faces), *(teacher(faces, training=False) for teacher in teachers)]
    )


def _load_teacher(run: Path, training: LabelledImages) -> keras.Model:
    plan, checkpoint = plan_of(run), last_checkpoint(run)
    if plan is None or checkpoint is None:
        raise ModelError(f"{run} is no run that could teach: it has no checkpoint")
    check_data(run, {"train": training})
    heads = add_votes_head(build(plan.architecture))
    average = WeightAverage(heads, plan.average_horizon_steps)
    average.restore(checkpoint / AVERAGE)
    heads.set_weights(average.weights)
    heads.trainable = False
    return heads
