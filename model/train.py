"""Training: one resumable run of fixed length in a folder of its own.

    RUN/plan.json           what the run does; written once, and again when its length is changed
    RUN/history.jsonl       one line per finished epoch
    RUN/checkpoint-<n>/     all state after epoch n: weights, optimizer, random state, averaged weights
    RUN/best.weights.h5     averaged weights of the epoch that was best on validation, its two heads made one

Killed at any moment and started again, a run goes on from its last checkpoint and does what it would have done.
Keras and NumPy only, so that TensorFlow, JAX and PyTorch all run it.

FER2013's labels and FER+'s votes disagree on a third of the faces, so that a network which is asked for both at once
learns neither well. During training there are two heads on the same features, one for the labels and one for the
votes, each with a clean task. Both are linear: the network that is kept has one head, a weighted mean of the two, whose
weight is chosen on validation.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from model.architectures import Architecture, build
from model.augment import Augmentation, build_augmenter
from model.compression import Compression, compress
from model.data import CLASSES, LabelledImages, soft_targets
from model.errors import ModelError
from model.evaluate import majority
from model.preprocess import standardize

if TYPE_CHECKING:
    import keras

WARMUP_SHARE: Final = 0.06
"""Share of the run in which the learning rate rises: large first steps at a fresh network are lost ones."""

AVERAGE_EVERY_STEPS: Final = 8
"""The running mean of the weights is updated every so many steps: often enough, and it costs nothing."""

MEASURING_STEPS: Final = 24
"""Steps from which a run's speed is estimated when its length is given in minutes."""

HEAD_MIXTURES: Final = (0.0, 0.2, 0.35, 0.5, 0.65, 0.8)
"""Weights of the votes' head in the one that is kept, among which validation chooses."""

BEST_WEIGHTS: Final = "best.weights.h5"

Epoch = dict[str, float]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Plan:
    """A run's settings.

    vote_share: weight of FER+ votes in the loss. learning_rate: the peak; rises linearly, falls as a cosine to 0.
    average_horizon_steps: how many steps the running mean of the weights reaches back. patience_epochs: stop after so
    many epochs without a better score on validation. dtype_policy: of Keras; mixed_bfloat16 is faster on CPUs that
    have it.
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
    average_horizon_steps: int = 600
    patience_epochs: int = 40
    dtype_policy: str = "mixed_bfloat16"
    seed: int = 1

    @staticmethod
    def from_dict(values: dict[str, Any]) -> Plan:
        """Rebuild a plan from plan.json."""
        parts = {
            "architecture": Architecture(**values["architecture"]),
            "augmentation": Augmentation(**values["augmentation"]),
            "compression": Compression(**values["compression"]),
        }
        return Plan(**(values | parts))


@dataclass(frozen=True)
class Outcome:
    """What a run came to: its best epoch (from 1), that epoch's score, all epochs' figures, and where it is.

    The score is the validation accuracy; with FER+ votes, its mean with the accuracy against the votes' favourite.
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
) -> Outcome:
    """Run `plan` in `folder`, or go on with the run that is there; return when it is done.

    report: called after each epoch with its figures. A run that was started with another plan is continued with this
    one where only its length differs. Raises ModelError where more than that differs.
    """
    import keras

    folder.mkdir(parents=True, exist_ok=True)
    _agree_on_plan(folder, plan)
    steps = len(training) // plan.batch
    if steps == 0:
        raise ModelError(f"{len(training)} training images are fewer than one batch of {plan.batch}")
    keras.utils.set_random_seed(plan.seed)
    network, heads, trainer = _build_trainer(plan, steps)
    average = WeightAverage(heads, plan.average_horizon_steps)
    history = _restore(folder, trainer, average)
    targets = _targets(training)
    for epoch in range(len(history), plan.epochs):
        if _stalled(history, plan.patience_epochs):
            break
        started = time.monotonic()
        _reseed(trainer, plan.seed, epoch)
        rng = np.random.default_rng((plan.seed, epoch))
        order = rng.permutation(len(training))[: steps * plan.batch]
        fitted = trainer.fit(
            standardize(compress(training.images[order], plan.compression, rng)),
            targets[order],
            batch_size=plan.batch,
            shuffle=False,
            verbose=0,
            callbacks=[average.callback()],
        ).history
        found = _validate(average, validation)
        figures: Epoch = {
            "epoch": epoch + 1,
            "training_loss": fitted["loss"][0],
            "training_accuracy": fitted["label_accuracy"][0],
            **found,
            "seconds": time.monotonic() - started,
        }
        if found["score"] > max((e["score"] for e in history), default=0.0):
            _save_merged(folder / BEST_WEIGHTS, network, average, found["mixture"])
        history.append(figures)
        _checkpoint(folder, trainer, average, history)
        report(figures)
    best = max(history, key=lambda e: e["score"])
    return Outcome(folder, int(best["epoch"]), best["score"], history)


def epochs_in(minutes: float, plan: Plan, training: LabelledImages) -> int:
    """Return how many epochs of `plan` fit into `minutes` at the speed that this machine shows now (at least 1)."""
    *_, trainer = _build_trainer(plan, 1)
    batch = np.arange(plan.batch) % len(training)
    x, y = standardize(training.images[batch]), _targets(training)[batch]
    for step in range(2 * MEASURING_STEPS):
        if step == MEASURING_STEPS:
            started = time.monotonic()
        trainer.train_on_batch(x, y)
    seconds_per_step = (time.monotonic() - started) / MEASURING_STEPS
    return max(int(minutes * 60 / (seconds_per_step * max(len(training) // plan.batch, 1))), 1)


def _targets(data: LabelledImages) -> Floats:
    """Return what both heads are to say, float32 [n, 14]: the label, then the shares of the votes, 0 where none are."""
    votes = soft_targets(data, vote_share=1.0) * (data.votes.sum(axis=1, keepdims=True) > 0)
    return np.concatenate([soft_targets(data, vote_share=0.0), votes], axis=1, dtype=np.float32)


def _build_trainer(plan: Plan, steps_per_epoch: int) -> tuple[keras.Model, keras.Model, keras.Model]:
    """Return three models of the same weights: the network, it with both heads, and the compiled one that trains it.

    The second gives logits [n, 14]; the third has augmentation in front and the loss behind.
    """
    import keras

    network = build(plan.architecture, plan.dtype_policy)
    augmenter = build_augmenter(plan.augmentation, plan.architecture.image_px, plan.seed)
    inputs = keras.Input((plan.architecture.image_px, plan.architecture.image_px, 1))
    votes = keras.layers.Dense(len(CLASSES), dtype="float32", name="votes")(network.get_layer("logits").input)
    heads = keras.Model(network.inputs, keras.layers.Concatenate(dtype="float32")([network.output, votes]))
    trainer = keras.Model(inputs, heads(augmenter(inputs)))
    total = plan.epochs * steps_per_epoch
    warmup = max(int(total * WARMUP_SHARE), 1)
    rate = keras.optimizers.schedules.CosineDecay(
        plan.learning_rate / 20, max(total - warmup, 1), warmup_target=plan.learning_rate, warmup_steps=warmup
    )
    optimizer = keras.optimizers.SGD(rate, plan.momentum, nesterov=True, weight_decay=plan.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["beta", "gamma", "bias"])
    # JAX lives by compilation; on a CPU, TensorFlow's XLA undoes what bfloat16 gains.
    jit = keras.backend.backend() == "jax"
    trainer.compile(optimizer, _loss(plan), metrics=[_label_accuracy()], jit_compile=jit)
    return network, heads, trainer


def _loss(plan: Plan) -> Callable[[Any, Any], Any]:
    """Return the loss: cross-entropy of both heads, weighted; an image without votes counts with its label alone."""
    from keras import ops

    classes, smoothing = len(CLASSES), plan.label_smoothing

    def loss(targets: Any, logits: Any) -> Any:
        def cross_entropy(truth: Any, answer: Any) -> Any:
            smooth = truth * (1 - smoothing) + smoothing / classes * ops.sum(truth, axis=-1, keepdims=True)
            return -ops.sum(smooth * ops.log_softmax(answer, axis=-1), axis=-1)

        label = cross_entropy(targets[:, :classes], logits[:, :classes])
        votes = cross_entropy(targets[:, classes:], logits[:, classes:])
        return (1 - plan.vote_share) * label + plan.vote_share * votes

    return loss


def _label_accuracy() -> Callable[[Any, Any], Any]:
    from keras import ops

    def label_accuracy(targets: Any, logits: Any) -> Any:
        label, answer = (ops.argmax(x[:, : len(CLASSES)], axis=-1) for x in (targets, logits))
        return ops.cast(ops.equal(label, answer), "float32")

    return label_accuracy


def _validate(average: WeightAverage, validation: LabelledImages) -> Epoch:
    """Return the figures of the averaged network on validation images, with the best mixture of its heads."""
    logits = average.predict(standardize(validation.images))
    label, votes = logits[:, : len(CLASSES)], logits[:, len(CLASSES) :]
    agreed, favourite = majority(validation)
    tried = []
    for mixture in HEAD_MIXTURES if agreed.any() else (0.0,):
        mixed = (1 - mixture) * label + mixture * votes
        accuracy = float((mixed.argmax(axis=1) == validation.labels).mean())
        found = {"mixture": mixture, "validation_accuracy": accuracy, "score": accuracy}
        if agreed.any():
            found["vote_accuracy"] = float((mixed.argmax(axis=1)[agreed] == favourite[agreed]).mean())
            found["score"] = (accuracy + found["vote_accuracy"]) / 2
        shifted = mixed - mixed.max(axis=1, keepdims=True)
        log_likelihood = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        found["validation_loss"] = float(-log_likelihood[np.arange(len(validation)), validation.labels].mean())
        tried.append(found)
    return max(tried, key=lambda e: e["score"])


def _save_merged(path: Path, network: keras.Model, average: WeightAverage, mixture: float) -> None:
    """Write the averaged network with one head, whole or not at all."""
    part = path.with_name("part-" + path.name)

    def save(heads: keras.Model) -> None:
        label, votes = heads.get_layer("logits"), heads.get_layer("votes")
        pairs = zip(label.get_weights(), votes.get_weights(), strict=True)
        label.set_weights([(1 - mixture) * a + mixture * b for a, b in pairs])
        network.save_weights(part)

    average.with_mean(save)
    part.replace(path)


class WeightAverage:
    """A running mean of a network's weights, which is what a run evaluates and keeps.

    It does for a short run what a longer one would do (Polyak & Juditsky 1992), batch normalisation's statistics
    included. The mean forgets exponentially, over `horizon_steps` steps, and starts as a plain mean.
    """

    def __init__(self, network: keras.Model, horizon_steps: int) -> None:
        self._network = network
        self._horizon = max(horizon_steps / AVERAGE_EVERY_STEPS, 1.0)
        self.updates = 0
        self.weights: list[Floats] = network.get_weights()

    def update(self) -> None:
        """Take the network's present weights into the mean."""
        self.updates += 1
        share = max(1.0 / self.updates, 1.0 / self._horizon)
        for mean, now in zip(self.weights, self._network.get_weights(), strict=True):
            mean += np.float32(share) * (now - mean)

    def callback(self) -> keras.callbacks.Callback:
        """Return what keeps the mean up to date during `fit`."""
        import keras

        class Updating(keras.callbacks.Callback):  # type: ignore[misc]
            def on_train_batch_end(callback, batch: int, logs: Any = None) -> None:  # noqa: ARG002, N805
                if batch % AVERAGE_EVERY_STEPS == 0:
                    self.update()

        return Updating()

    def predict(self, inputs: Floats) -> Floats:
        """Return what the averaged network gives for inputs."""
        predicted: Floats = self.with_mean(lambda network: network.predict(inputs, batch_size=256, verbose=0))
        return predicted

    def with_mean(self, do: Callable[[keras.Model], Any]) -> Any:
        """Call `do` with the network in its averaged state; put its present weights back."""
        present = self._network.get_weights()
        self._network.set_weights(self.weights)
        try:
            return do(self._network)
        finally:
            self._network.set_weights(present)


def plan_of(folder: Path) -> Plan | None:
    """Return the plan of the run in a folder, or None where there is none."""
    path = folder / "plan.json"
    return Plan.from_dict(json.loads(path.read_text())) if path.exists() else None


def _agree_on_plan(folder: Path, plan: Plan) -> None:
    path = folder / "plan.json"
    earlier = plan_of(folder)
    if earlier:
        before = asdict(earlier)
        differing = [k for k, v in asdict(plan).items() if before[k] != v and k not in ("epochs", "patience_epochs")]
        if differing:
            raise ModelError(
                f"{folder} holds a run with another {' and '.join(differing)}; continue it with its own settings "
                "or start in another folder"
            )
    part = path.with_suffix(".part")
    part.write_text(json.dumps(asdict(plan), indent=1))
    part.replace(path)


def _checkpoint(folder: Path, trainer: keras.Model, average: WeightAverage, history: list[Epoch]) -> None:
    """Write all state into a new folder, then put it in the place of the last one."""
    part = folder / "checkpoint.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    trainer.save_weights(part / "trainer.weights.h5")
    np.savez(part / "average.npz", *average.weights, updates=average.updates)
    (part / "history.json").write_text(json.dumps(history))
    done = folder / f"checkpoint-{len(history):04d}"
    shutil.rmtree(done, ignore_errors=True)
    part.replace(done)
    (folder / "history.jsonl").write_text("".join(json.dumps(e) + "\n" for e in history))
    for earlier in folder.glob("checkpoint-*"):
        if earlier.name < done.name:
            shutil.rmtree(earlier)


def _restore(folder: Path, trainer: keras.Model, average: WeightAverage) -> list[Epoch]:
    """Load the last checkpoint, if there is one; return the history up to it."""
    checkpoints = sorted(folder.glob("checkpoint-[0-9]*"))
    if not checkpoints:
        return []
    last = checkpoints[-1]
    trainer.optimizer.build(trainer.trainable_variables)
    trainer.load_weights(last / "trainer.weights.h5")
    with np.load(last / "average.npz") as saved:
        average.updates = int(saved["updates"])
        average.weights = [saved[f"arr_{i}"] for i in range(len(average.weights))]
    history: list[Epoch] = json.loads((last / "history.json").read_text())
    return history


def _reseed(trainer: keras.Model, seed: int, epoch: int) -> None:
    """Set what augmentation and dropout draw from, by epoch: Keras does not save it with the weights."""
    states = [v for v in trainer.variables if v.name == "seed_generator_state"]
    for i, state in enumerate(states):
        state.assign(np.random.SeedSequence((seed, epoch, i)).generate_state(2, np.uint32))


def _stalled(history: list[Epoch], patience_epochs: int) -> bool:
    if not history:
        return False
    best = max(history, key=lambda e: e["score"])
    return len(history) - best["epoch"] >= patience_epochs
