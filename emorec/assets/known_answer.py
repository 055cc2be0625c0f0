"""A known answer for the face embedder: pictures made by arithmetic, and what dlib itself says of them.

No face of a real person: ellipses in the places of a face, and waves. The embeddings in ``known_answer.json`` are those
of dlib's own ``compute_face_descriptor`` (dlib 20.0.1) of these pictures.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["MAX_DISTANCE", "chips", "distances", "expected"]

SIDE_PX = 150

MAX_DISTANCE = 0.06
"""Largest allowed distance to dlib's embedding. Weights of 8 bits cost up to .036 on faces; every fault in building
(channels swapped, kernels flipped, padding on the wrong side) costs .18 and more; two people are .83 apart."""


def chips() -> NDArray[np.uint8]:
    """Four pictures [4, 150, 150, 3], RGB: two drawn faces, their sum with waves, and waves alone."""
    y, x = np.mgrid[0:SIDE_PX, 0:SIDE_PX].astype(np.float64)
    waves = np.stack([127 + 60 * np.sin(x / 7 + c) + 60 * np.cos(y / (5 + c) + x / 31) for c in range(3)], -1)
    fair = _drawn_face(x, y, skin=(220, 180, 150), hair=(90, 60, 30), mouth_height=4)
    dark = _drawn_face(x, y, skin=(120, 80, 60), hair=(20, 15, 15), mouth_height=10)
    return np.stack(
        [np.clip(np.rint(p), 0, 255).astype(np.uint8) for p in (fair, dark, 0.7 * fair + 0.3 * waves, waves)]
    )


def _drawn_face(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    *,
    skin: tuple[int, int, int],
    hair: tuple[int, int, int],
    mouth_height: float,
) -> NDArray[np.float64]:
    """A face of ellipses, lit from the picture's left, its eyes where an aligned crop has them."""
    picture = np.full((*x.shape, 3), 70.0)

    def paint(cx: float, cy: float, rx: float, ry: float, colour: tuple[int, int, int]) -> None:
        inside = ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1
        picture[inside] = np.asarray(colour) * (1.1 - x[inside, None] / 500)

    paint(75, 60, 62, 66, hair)
    paint(75, 78, 48, 60, skin)
    for eye_x in (48, 100):
        paint(eye_x, 37, 13, 2.5, hair)
        paint(eye_x, 47, 11, 5, (240, 240, 240))
        paint(eye_x, 47, 4.5, 4.5, (40, 30, 20))
    paint(75, 78, 6, 12, (int(skin[0] * 0.85), int(skin[1] * 0.85), int(skin[2] * 0.85)))
    paint(75, 108, 20, mouth_height, (170, 60, 70))
    return picture


def expected() -> NDArray[np.float32]:
    """Dlib's embeddings [4, 128] of :func:`chips`."""
    return np.asarray(json.loads(files("emorec.assets").joinpath("known_answer.json").read_text()), np.float32)


def distances(embedder: Path) -> NDArray[np.float32]:
    """Distance [4] of the embedder's answer for each chip to dlib's; NaN or infinite where the file is broken."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(embedder), num_threads=1)
    interpreter.allocate_tensors()
    chip, embedding = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    answers = []
    for picture in chips():
        interpreter.set_tensor(chip, picture[None].astype(np.float32))
        interpreter.invoke()
        answers.append(interpreter.get_tensor(embedding)[0])
    return np.asarray(np.linalg.norm(np.stack(answers) - expected(), axis=1), np.float32)
