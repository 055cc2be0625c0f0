"""Two heads on the same features: one learns FER2013's labels, one FER+'s votes.

They disagree on a third of the faces, so that a network which is asked for both at once learns neither well; here each
head has a clean task. Both are linear: the network that is kept has one head, a weighted mean of the two, whose weight
is chosen on validation.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from model.average import Floats, WeightAverage
from model.data import CLASSES, LabelledImages, soft_targets
from model.evaluate import favourite
from model.preprocess import standardize

if TYPE_CHECKING:
    import keras

HEAD_MIXTURES: Final = (0.0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8)
"""Weights of the votes' head in the one that is kept, among which validation chooses."""


def add_votes_head(network: keras.Model) -> keras.Model:
    """Return the network with both heads, of the same weights: logits [n, 14], the labels' first."""
    import keras

    votes = keras.layers.Dense(len(CLASSES), dtype="float32", name="votes")(network.get_layer("logits").input)
    return keras.Model(network.inputs, keras.layers.Concatenate(dtype="float32")([network.output, votes]))


def joint_targets(data: LabelledImages) -> Floats:
    """Return what both heads are to say, float32 [n, 14]: the label, then the shares of the votes, 0 where none are."""
    votes = soft_targets(data, vote_share=1.0) * (data.votes.sum(axis=1, keepdims=True) > 0)
    return np.concatenate([soft_targets(data, vote_share=0.0), votes], axis=1, dtype=np.float32)


def joint_loss(vote_share: float, label_smoothing: float, taught_share: float = 0.0) -> Callable[[Any, Any], Any]:
    """Return the loss: cross-entropy of both heads, weighted; an image without votes counts with its label alone.

    taught_share: of the teachers' answers in what each head is to say. Their logits come behind the network's own,
    [n, 14 × (1 + teachers)], and their answer is the mean of their probabilities.
    """
    from keras import ops

    classes, smoothing = len(CLASSES), label_smoothing

    def loss(targets: Any, logits: Any) -> Any:
        teachers = logits.shape[-1] // (2 * classes) - 1

        def cross_entropy(head: int) -> Any:
            def answer(network: int) -> Any:
                start = (2 * network + head) * classes
                return logits[:, start : start + classes]

            truth = targets[:, head * classes : (head + 1) * classes]
            truth = truth * (1 - smoothing) + smoothing / classes * ops.sum(truth, axis=-1, keepdims=True)
            if teachers:
                taught = sum(ops.softmax(answer(i), axis=-1) for i in range(1, teachers + 1)) / teachers
                truth = (1 - taught_share) * truth + taught_share * ops.stop_gradient(taught)
            return -ops.sum(truth * ops.log_softmax(answer(0), axis=-1), axis=-1)

        return (1 - vote_share) * cross_entropy(0) + vote_share * cross_entropy(1)

    return loss


def label_accuracy(targets: Any, logits: Any) -> Any:
    """Return whether the labels' head is right, float32 [n]; a metric of Keras."""
    from keras import ops

    label, answer = (ops.argmax(x[:, : len(CLASSES)], axis=-1) for x in (targets, logits))
    return ops.cast(ops.equal(label, answer), "float32")


def validate(average: WeightAverage, validation: LabelledImages, label_weight: float) -> dict[str, float]:
    """Return the figures of the averaged network on validation images, with the best mixture of its heads.

    mixture, validation_accuracy, validation_loss, score; with FER+ votes also vote_accuracy, against their favourite.
    The score is the mean of both accuracies, the labels' with label_weight, or the one there is.
    """
    logits = average.predict(standardize(validation.images))
    label, votes = logits[:, : len(CLASSES)], logits[:, len(CLASSES) :]
    agreed, voted = favourite(validation)
    tried = []
    for mixture in HEAD_MIXTURES if agreed.any() else (0.0,):
        mixed = (1 - mixture) * label + mixture * votes
        accuracy = float((mixed.argmax(axis=1) == validation.labels).mean())
        found = {"mixture": mixture, "validation_accuracy": accuracy, "score": accuracy}
        if agreed.any():
            found["vote_accuracy"] = float((mixed.argmax(axis=1)[agreed] == voted[agreed]).mean())
            found["score"] = label_weight * accuracy + (1 - label_weight) * found["vote_accuracy"]
        shifted = mixed - mixed.max(axis=1, keepdims=True)
        log_likelihood = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        found["validation_loss"] = float(-log_likelihood[np.arange(len(validation)), validation.labels].mean())
        tried.append(found)
    return max(tried, key=lambda e: e["score"])


def save_merged(path: Path, network: keras.Model, average: WeightAverage, mixture: float) -> None:
    """Write the averaged network with one head, whole or not at all."""
    part = path.with_name("part-" + path.name)

    def save(heads: keras.Model) -> None:
        label, votes = heads.get_layer("logits"), heads.get_layer("votes")
        pairs = zip(label.get_weights(), votes.get_weights(), strict=True)
        label.set_weights([(1 - mixture) * a + mixture * b for a, b in pairs])
        network.save_weights(part)

    average.with_mean(save)
    part.replace(path)
