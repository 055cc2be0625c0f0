"""Running a released network: crops in, logits out. LiteRT on a CPU, Keras on a GPU."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.preprocess import standardize

Floats = npt.NDArray[np.float32]
Logits = Callable[[npt.NDArray[np.uint8]], Floats]
"""crops, uint8 [n, 48, 48] → logits, float32 [n, classes]; n may be 0."""

BATCHES: Final = (32, 8, 1)
"""Fixed shapes, largest first. Batches of 32 are the cheapest per face; what is left over goes into smaller ones."""

GPU_BATCH: Final = 256


class LiteRtNetwork:
    """A .tflite file, opened once; one thread, since faces in parallel scale better than a face on several threads.

    Not safe for several threads at once: give each its own.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._interpreters: dict[int, Any] = {}

    def __call__(self, crops: npt.NDArray[np.uint8]) -> Floats:
        """Return logits, float32 [n, classes]. crops: uint8 [n, side, side]. The same crop gives the same logits."""
        parts, start = [], 0
        for size in split_into_batches(len(crops)):
            part = crops[start : start + size]
            start += size
            inputs = standardize(part)
            if len(part) < size:
                inputs = np.concatenate([inputs, np.zeros((size - len(part), *inputs.shape[1:]), np.float32)])
            parts.append(self._run(inputs)[: len(part)])
        return np.concatenate(parts) if parts else np.zeros((0, self._outputs()), np.float32)

    def _run(self, inputs: Floats) -> Floats:
        interpreter = self._interpreter(len(inputs))
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], inputs)
        interpreter.invoke()
        logits: Floats = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        return logits

    def _interpreter(self, batch: int) -> Any:
        if batch not in self._interpreters:
            from ai_edge_litert.interpreter import Interpreter

            interpreter = Interpreter(model_path=str(self._path), num_threads=1)
            details = interpreter.get_input_details()[0]
            interpreter.resize_tensor_input(details["index"], [batch, *details["shape"][1:]])
            interpreter.allocate_tensors()
            self._interpreters[batch] = interpreter
        return self._interpreters[batch]

    def _outputs(self) -> int:
        return int(self._interpreter(BATCHES[-1]).get_output_details()[0]["shape"][-1])


def split_into_batches(n: int) -> list[int]:
    """Return the sizes of the fixed batches that n faces go into; only the last may have room left.

    The remainder of full batches of 32 goes into eights while that is cheaper than padding another 32.
    """
    large, medium, single = BATCHES
    sizes = [large] * (n // large)
    rest = n % large
    if rest > large - medium:
        return [*sizes, large]
    sizes += [medium] * (rest // medium)
    rest %= medium
    # A single costs about twice its share of an eight: four of them and more are cheaper padded.
    return sizes + ([medium] if 2 * rest > medium - 1 else [single] * rest)


class KerasNetwork:
    """A Keras model at a fixed batch shape, for GPUs and for evaluation."""

    def __init__(self, model: Any, batch: int = GPU_BATCH) -> None:
        self._model = model
        self._batch = batch

    def __call__(self, crops: npt.NDArray[np.uint8]) -> Floats:
        """Return logits, float32 [n, classes]. crops: uint8 [n, side, side]."""
        from keras import ops

        logits = np.zeros((len(crops), self._model.output_shape[-1]), np.float32)
        for start in range(0, len(crops), self._batch):
            inputs = standardize(crops[start : start + self._batch])
            room = np.zeros((self._batch - len(inputs), *inputs.shape[1:]), np.float32)
            outputs = self._model.predict_on_batch(np.concatenate([inputs, room]))
            logits[start : start + len(inputs)] = ops.convert_to_numpy(outputs)[: len(inputs)]
        return logits
