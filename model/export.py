"""From a trained network to the files of a release: half-precision weights, and a LiteRT file for CPUs.

The one file of `model` that may use TensorFlow. Conversions print a lot from C++; that goes to a log of their own.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from model.architectures import Architecture, build, load_weights
from model.calibrate import probabilities
from model.data import LabelledImages
from model.errors import ModelError
from model.preprocess import standardize
from model.runtime import KerasNetwork, LiteRtNetwork

if TYPE_CHECKING:
    import keras

MAX_ACCURACY_LOSS: Final = 0.005
"""An int8 file is taken where its validation accuracy is at most so much below the float network's."""

MAX_PROBABILITY_DIFFERENCE: Final = 0.02
"""... and where its probabilities differ by less than this in the mean."""

CALIBRATION_IMAGES: Final = 500
"""Images from which full int8 takes the ranges of activations, spread evenly over those there are."""


@dataclass(frozen=True)
class Conversion:
    """How a LiteRT file was made and how it compares with the float network on validation images.

    kind: int8-dynamic, int8-full or float32. accuracy, float_accuracy: 0–1. mean_probability_difference: mean absolute
    difference over images and classes. bytes: size of the file.
    """

    kind: str
    accuracy: float
    float_accuracy: float
    mean_probability_difference: float
    bytes: int

    def holds(self) -> bool:
        """Say whether the file may stand for the float network."""
        return (
            self.float_accuracy - self.accuracy <= MAX_ACCURACY_LOSS
            and self.mean_probability_difference < MAX_PROBABILITY_DIFFERENCE
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as they stand in a model card."""
        return asdict(self)


def save_weights(network: keras.Model, architecture: Architecture, path: Path) -> None:
    """Write a network's weights in half precision: half the size, differences below 0.1 % of a weight.

    path: ends in .weights.h5. No optimizer state is in the file.
    """
    half = build(architecture, "float16")
    half.set_weights([w.astype(np.float16) for w in network.get_weights()])
    half.save_weights(path)


def load_network(architecture: Architecture, weights: Path, dtype_policy: str = "float32") -> keras.Model:
    """Build a network and load its weights. Raises ModelError where the file does not fit."""
    network = build(architecture, dtype_policy)
    load_weights(network, architecture, weights)
    return network


def convert(
    network: keras.Model,
    architecture: Architecture,
    validation: LabelledImages,
    path: Path,
    kinds: tuple[str, ...] = (),
) -> list[Conversion]:
    """Write the fastest LiteRT file that holds what the float32 network reaches on validation.

    Tries full int8, int8 weights with dynamic ranges, then float32, which always holds. Returns what was tried; the
    last one was written to `path`. kinds: try only these. Raises ModelError where none holds.
    """
    reference = KerasNetwork(network)(validation.images)
    tried = []
    for kind in kinds or ("int8-full", "int8-dynamic", "float32"):
        path.write_bytes(_converted(network, architecture, kind, calibration_images(validation.images)))
        logits = LiteRtNetwork(path)(validation.images)
        tried.append(
            Conversion(
                kind,
                float((logits.argmax(axis=1) == validation.labels).mean()),
                float((reference.argmax(axis=1) == validation.labels).mean()),
                float(np.abs(probabilities(logits) - probabilities(reference)).mean()),
                path.stat().st_size,
            )
        )
        if tried[-1].holds():
            return tried
    path.unlink()
    raise ModelError(f"no conversion holds: {tried}")


def calibration_images(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return at most CALIBRATION_IMAGES of them, evenly spaced: sorted by name, the first are of one class."""
    count = min(len(images), CALIBRATION_IMAGES)
    return images[np.linspace(0, len(images) - 1, count).round().astype(np.int64)]


def _converted(network: keras.Model, architecture: Architecture, kind: str, images: npt.NDArray[np.uint8]) -> bytes:
    """Convert here, or, where Keras runs on another backend than TensorFlow, in a process of its own."""
    import keras

    if keras.backend.backend() == "tensorflow":
        return _converted_here(network, kind, images)
    return converted_elsewhere(network, architecture, kind, images)


def converted_elsewhere(
    network: keras.Model, architecture: Architecture, kind: str, images: npt.NDArray[np.uint8]
) -> bytes:
    """Convert in a process whose Keras runs on TensorFlow.

    What goes there is the architecture and the weights: backends build different layers from the same table. Raises
    ModelError with the last of what that process said where it fails.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "architecture.json").write_text(json.dumps(architecture.to_dict()))
        network.save_weights(folder / "network.weights.h5")
        np.save(folder / "images.npy", images)
        return _run_converter(folder, kind)


def _run_converter(folder: Path, kind: str) -> bytes:
    paths = [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-m", "model.export", str(folder), kind]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise ModelError(f"the conversion to LiteRT failed: {said[-1] if said else done.returncode}")
    return (folder / "network.tflite").read_bytes()


def _convert_folder(folder: Path, kind: str) -> None:
    architecture = Architecture(**json.loads((folder / "architecture.json").read_text()))
    network = load_network(architecture, folder / "network.weights.h5")
    (folder / "network.tflite").write_bytes(_converted_here(network, kind, np.load(folder / "images.npy")))


def _converted_here(network: keras.Model, kind: str, images: npt.NDArray[np.uint8]) -> bytes:
    import tensorflow as tf

    signature = tf.TensorSpec([None, *network.input_shape[1:]], tf.float32, name="faces")
    function = tf.function(lambda faces: network(faces, training=False), input_signature=[signature])
    # Without the network as second argument the weights become constants, which can be quantised.
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()])
    if kind.startswith("int8"):
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "int8-full":
        converter.representative_dataset = lambda: ([standardize(images[i : i + 1])] for i in range(len(images)))
    with _quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of deprecations inside the converter
        content: bytes = converter.convert()
    return content


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Send what C++ prints to stdout and stderr into a file that goes away."""
    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as log:
        saved = [(fd, os.dup(fd)) for fd in (1, 2)]
        try:
            for fd, _ in saved:
                os.dup2(log.fileno(), fd)
            yield
        finally:
            for fd, copy in saved:
                os.dup2(copy, fd)
                os.close(copy)


if __name__ == "__main__":
    _convert_folder(Path(sys.argv[1]), sys.argv[2])
