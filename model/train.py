"""Training: one resumable run of fixed length in a folder of its own.

    RUN/begun.json          what it was begun with: fingerprints of the data, the code's version and commit
    RUN/plan.json           what the run does; written once, and again when its length is changed
    RUN/history.jsonl       one line per finished epoch
    RUN/checkpoint-<n>/     all state after epoch n: weights, optimizer, random state, averaged weights
    RUN/best.weights.h5     averaged weights of the epoch that was best on validation, its two heads made one
    RUN/merged.json         the votes' share of the two, where a person chose it for the best weights that are there

Killed at any moment and started again, a run goes on from its last checkpoint and does what it would have done.
Keras and NumPy only, so that TensorFlow, JAX and PyTorch all run it.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from model.architectures import build, load_weights
from model.augment import build_augmenter, mix
from model.average import PREDICTION_BATCH, WeightAverage
from model.compression import compress
from model.data import LabelledImages
from model.errors import ModelError
from model.files import write_whole
from model.heads import add_votes_head, joint_loss, joint_targets, label_accuracy, save_merged, validate
from model.memory import keep_freed_memory
from model.plan import Plan, keep_plan, plan_of, refuse_another_plan
from model.preprocess import standardize
from model.runs import AVERAGE, MERGED, Epoch, begin, history_of, last_checkpoint, write_history
from model.teachers import beside, load_teachers

if TYPE_CHECKING:
    import keras

WARMUP_SHARE: Final = 0.06
"""Share of the run in which the learning rate rises: large first steps at a fresh network are lost ones."""

MEASURING_STEPS: Final = 24
"""Steps from which a run's speed is estimated when its length is given in minutes."""

LARGEST_GRADIENT: Final = 5.0
"""Norm of all gradients together that AdamW's steps are cut to: a first batch can point anywhere."""

_BFLOAT16_FLAGS: Final = {"avx512_bf16", "amx_bf16", "bf16"}
"""What Linux calls a CPU's instructions for bfloat16, on x86 and ARM."""

BEST_WEIGHTS: Final = "best.weights.h5"


@dataclass(frozen=True)
class Outcome:
    """What a run came to: its best epoch (from 1), that epoch's score, all epochs' figures, and where it is.

    The score is the validation accuracy; with FER+ votes, its weighted mean with that against the votes' favourite.
    """

    folder: Path
    best_epoch: int
    best_score: float
    history: list[Epoch]


def train(
    folder: Path,
    plan: Plan,
    training: LabelledImages,
    validation: LabelledImages,
    report: Callable[[Epoch], None] = lambda epoch: None,
    on_step: Callable[[int, int], None] = lambda done, steps: None,
    begin_with: Path | None = None,
    code_version: str = "",
) -> Outcome:
    """Run `plan` in `folder`, or go on with the run that is there; return when it is done.

    begin_with: weights of a network of this architecture, a release's or a run's best, that a new run begins with.
    report: called after each epoch with its figures. on_step: called after each step with the steps done and of all.
    Where JAX or TensorFlow sees several GPUs, each takes its share of every batch. A run that was started with another
    plan is continued with this one where only its length differs. code_version: recorded where a run begins. Raises
    ModelError where more than the length differs, the data are not those that the run was begun with, the weights do
    not fit, or a teacher cannot teach.
    """
    import keras

    refuse_another_plan(folder, plan)
    steps = len(training) // plan.batch
    if steps == 0:
        raise ModelError(f"{len(training)} training images are fewer than one batch of {plan.batch}")
    keep_freed_memory()
    with _shared_among_gpus(plan.batch):
        teachers = load_teachers(plan.teachers, training)
        keras.utils.set_random_seed(plan.seed)
        network, heads, trainer = _build_trainer(plan, steps, teachers)
        if begin_with:
            load_weights(network, plan.architecture, begin_with)
            # What is kept has one head, made of both; each begins as it was.
            heads.get_layer("votes").set_weights(heads.get_layer("logits").get_weights())
        # Only now that all fits: a plan that cannot be begun would stand in the way of the next one.
        folder.mkdir(parents=True, exist_ok=True)
        begin(folder, {"train": training, "validation": validation}, code_version)
        keep_plan(folder, plan)
        average = WeightAverage(heads, plan.average_horizon_steps)
        history = _restore(folder, trainer, average)
    targets = joint_targets(training)
    for epoch in range(len(history), plan.epochs):
        if _stalled(history, plan.patience_epochs):
            break
        started = time.monotonic()
        rng = np.random.default_rng((plan.seed, epoch))
        order = rng.permutation(len(training))[: steps * plan.batch]
        images = standardize(compress(training.images[order], plan.compression, rng))
        fitted = trainer.fit(
            *mix(images, targets[order], plan.mixup_alpha, rng),
            batch_size=plan.batch,
            shuffle=False,
            verbose=0,
            callbacks=[
                _seeder(trainer, plan.seed, epoch),
                average.callback(),
                _counter(epoch * steps, plan.epochs * steps, on_step),
            ],
        ).history
        found = validate(average, validation, plan.label_weight)
        figures: Epoch = {
            "epoch": epoch + 1,
            "training_loss": fitted["loss"][0],
            "training_accuracy": fitted["label_accuracy"][0],
            **found,
            "seconds": time.monotonic() - started,
        }
        if found["score"] > max((e["score"] for e in history), default=0.0):
            save_merged(folder / BEST_WEIGHTS, network, average, found["mixture"])
            (folder / MERGED).unlink(missing_ok=True)
        history.append(figures)
        _checkpoint(folder, trainer, average, history)
        report(figures)
    best = max(history, key=lambda e: e["score"])
    return Outcome(folder, int(best["epoch"]), best["score"], history)


def merge_anew(folder: Path, votes_share: float) -> None:
    """Write a run's best weights anew: those of its last epoch, the two heads made one with this share of the votes'.

    What validation says of all shares is for a person to weigh; a run by itself takes the best score. Raises ModelError
    where the run has no checkpoint, or no votes' head would be left to weigh (a share outside 0…1).
    """
    plan, checkpoint = plan_of(folder), last_checkpoint(folder)
    if plan is None or checkpoint is None or not 0 <= votes_share <= 1:
        raise ModelError(f"{folder} has no checkpoint, or {votes_share:g} is no share between 0 and 1")
    network = build(plan.architecture)
    average = WeightAverage(add_votes_head(network), plan.average_horizon_steps)
    average.restore(checkpoint / AVERAGE)
    save_merged(folder / BEST_WEIGHTS, network, average, votes_share)
    write_whole(folder / MERGED, json.dumps({"votes_share": votes_share}))


def epochs_in(minutes: float, plan: Plan, training: LabelledImages) -> int:
    """Return how many epochs of `plan` fit into `minutes` at the speed that this machine shows now (at least 1)."""
    keep_freed_memory()
    with _shared_among_gpus(plan.batch):
        *_, trainer = _build_trainer(plan, 1, load_teachers(plan.teachers, training))
    batch = np.arange(plan.batch) % len(training)
    x, y = standardize(training.images[batch]), joint_targets(training)[batch]
    for step in range(2 * MEASURING_STEPS):
        if step == MEASURING_STEPS:
            started = time.monotonic()
        trainer.train_on_batch(x, y)
    seconds_per_step = (time.monotonic() - started) / MEASURING_STEPS
    return max(int(minutes * 60 / (seconds_per_step * max(len(training) // plan.batch, 1))), 1)


@contextlib.contextmanager
def _shared_among_gpus(batch: int) -> Iterator[None]:
    """Spread the batches of what is built within over as many GPUs as can have equal parts.

    On TensorFlow each of them normalises its part by itself, on JAX all of the batch; on PyTorch Keras uses one.
    """
    import keras

    gpus = _gpus()
    parts = max((n for n in range(1, len(gpus) + 1) if batch % n == 0 and PREDICTION_BATCH % n == 0), default=1)
    if parts > 1 and keras.backend.backend() == "jax":
        keras.distribution.set_distribution(keras.distribution.DataParallel(devices=gpus[:parts]))
    if parts > 1 and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.distribute.MirroredStrategy(gpus[:parts]).scope():
            yield
    else:
        yield


def quickest_policy() -> str:
    """Return Keras' dtype policy that trains fastest here: mixed_bfloat16 on accelerators and CPUs that have it."""
    return "mixed_bfloat16" if _gpus() or _BFLOAT16_FLAGS & _cpu_flags() else "float32"


def _gpus() -> list[str]:
    """The GPUs that the backend sees, by Keras' names."""
    import keras

    if keras.backend.backend() == "torch":  # for which Keras lists no devices
        import torch

        return [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    try:
        return list(keras.distribution.list_devices("gpu"))
    except RuntimeError:  # JAX, where there is none
        return []


def _cpu_flags() -> set[str]:
    """The processor's features, as Linux names them; none where they cannot be read."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return set(next((line for line in lines if line.startswith(("flags", "Features"))), "").split())


def _counter(before: int, steps: int, on_step: Callable[[int, int], None]) -> keras.callbacks.Callback:
    import keras

    return keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: on_step(before + batch + 1, steps))


def _build_trainer(
    plan: Plan, steps_per_epoch: int, teachers: Sequence[keras.Model]
) -> tuple[keras.Model, keras.Model, keras.Model]:
    """Return three models of the same weights: the network, it with both heads, and the compiled one that trains it.

    The second gives logits [n, 14]; the third has augmentation in front, teachers beside, and the loss behind.
    """
    import keras

    network = build(plan.architecture, plan.dtype_policy)
    augmenter = build_augmenter(plan.augmentation, plan.architecture.image_px, plan.seed)
    inputs = keras.Input((plan.architecture.image_px, plan.architecture.image_px, 1))
    heads = add_votes_head(network)
    trainer = keras.Model(inputs, beside(teachers, heads, augmenter(inputs)))
    # JAX lives by compilation; on a CPU, TensorFlow's XLA undoes what bfloat16 gains.
    jit = keras.backend.backend() == "jax"
    loss = joint_loss(plan.vote_share, plan.label_smoothing, plan.taught_share)
    trainer.compile(_optimizer(plan, steps_per_epoch), loss, metrics=[label_accuracy], jit_compile=jit)
    return network, heads, trainer


def _optimizer(plan: Plan, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    from keras import optimizers

    total = plan.epochs * steps_per_epoch
    warmup = max(int(total * WARMUP_SHARE), 1)
    rate = optimizers.schedules.CosineDecay(
        plan.learning_rate / 20, max(total - warmup, 1), warmup_target=plan.learning_rate, warmup_steps=warmup
    )
    if plan.optimizer == "adamw":
        optimizer = optimizers.AdamW(rate, plan.weight_decay, global_clipnorm=LARGEST_GRADIENT)
    else:
        optimizer = optimizers.SGD(rate, plan.momentum, nesterov=True, weight_decay=plan.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["beta", "gamma", "bias"])
    return optimizer


def _checkpoint(folder: Path, trainer: keras.Model, average: WeightAverage, history: list[Epoch]) -> None:
    """Write all state into a new folder, then put it in the place of the last one."""
    part = folder / "checkpoint.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    trainer.save_weights(part / "trainer.weights.h5")
    average.save(part / AVERAGE)
    (part / "history.json").write_text(json.dumps(history))
    done = folder / f"checkpoint-{len(history):04d}"
    shutil.rmtree(done, ignore_errors=True)
    part.replace(done)
    write_history(folder, history)
    for earlier in folder.glob("checkpoint-*"):
        if earlier.name < done.name:
            shutil.rmtree(earlier)


def _restore(folder: Path, trainer: keras.Model, average: WeightAverage) -> list[Epoch]:
    """Load the last checkpoint, if there is one; return the history up to it."""
    last = last_checkpoint(folder)
    if last is None:
        return []
    trainer.optimizer.build(trainer.trainable_variables)
    trainer.load_weights(last / "trainer.weights.h5")
    average.restore(last / AVERAGE)
    history = history_of(folder)
    write_history(folder, history)  # a kill may have come between the checkpoint and this
    return history


def _seeder(trainer: keras.Model, seed: int, epoch: int) -> keras.callbacks.Callback:
    """Return what sets, when an epoch begins, all that augmentation and dropout draw from.

    Keras does not save it with the weights. Before that, the first `fit` of a process draws more than later ones.
    """
    import keras

    def reseed(logs: Any = None) -> None:  # noqa: ARG001
        if keras.backend.backend() == "torch":
            # Dropout draws from the process's own generator there. TensorFlow would forget its compiled steps over it.
            keras.utils.set_random_seed(int(np.random.SeedSequence((seed, epoch)).generate_state(1)[0]))
        states = [v for v in trainer.variables if v.name == "seed_generator_state"]
        for i, state in enumerate(states):
            state.assign(np.random.SeedSequence((seed, epoch, i)).generate_state(2, np.uint32))

    return keras.callbacks.LambdaCallback(on_train_begin=reseed)


def _stalled(history: list[Epoch], patience_epochs: int) -> bool:
    if not history:
        return False
    best = max(history, key=lambda e: e["score"])
    return len(history) - best["epoch"] >= patience_epochs
