"""Builders for retrainings: pictures in folders, faces that somebody labelled, and small models in a registry."""

from __future__ import annotations

import json
from pathlib import Path

import cv2

from model import preprocess
from model.architectures import Architecture
from model.data import CLASSES, LabelledImages
from model.labels import collection_of, take_saved, write_labelling
from model.registry import add_release, promote
from model.retrain import Request, gather
from tests.unit.model.conftest import draw_faces


def write(folder: Path, data: LabelledImages, prefix: str) -> None:
    for i, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
        path = folder / CLASSES[label] / f"{prefix}{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), image)


def write_splits(folder: Path) -> Path:
    """Training data with all splits."""
    for split, n, seed in (("train", 70, 1), ("validation", 28, 2), ("test", 70, 3)):
        write(folder / split, draw_faces(n, seed, side_px=48), split)
    return folder


def label(folder: Path, data: LabelledImages, **instead: str) -> None:
    """Faces of a session that somebody has labelled; some otherwise than the data says."""
    write_labelling(folder, folder.name, data.images, "all")
    labels = {f"{i + 1:04d}": CLASSES[label] for i, label in enumerate(data.labels)} | instead
    saved = {"session": folder.name, "collection": collection_of(folder), "labels": labels}
    (folder.parent / "saved.json").write_text(json.dumps(saved))
    take_saved(folder, folder.parent / "saved.json")
    (folder.parent / "saved.json").unlink()


def put_version(registry: Path, version: str, **told: object) -> None:
    """A version whose files are short texts; a retraining that only promotes does not look inside."""
    registry.mkdir(exist_ok=True)
    files = registry.parent / "weights", registry.parent / "litert"
    for path in files:
        path.write_bytes(b"x")
    card = {"classes": list(CLASSES), "temperature": 1.0, "preprocessing": preprocess.describe(), **told}
    add_release(registry, version, card, *files)


def put_candidate(request: Request, better: bool) -> None:
    """Champion mine-1, and retrained-1 as a retraining leaves it that was killed before it promoted what it made."""
    put_version(request.registry, "mine-1")
    promote(request.registry, "mine-1")
    decision = {"champion": "mine-1", "promoted": better, "reason": "because of figures"}
    put_version(request.registry, "retrained-1", retraining={"key": gather(request).key}, decision=decision)


def add_champion(registry: Path, scratch: Path) -> str:
    """A champion of fresh weights, which reads nothing right but by chance."""
    from model.architectures import build
    from model.export import convert, save_weights

    tiny = Architecture(width=1 / 16, image_px=48, field_px=16)
    network = build(tiny)
    save_weights(network, tiny, scratch / "w.weights.h5")
    convert(network, tiny, draw_faces(14, 8, side_px=48), scratch / "m.tflite", kinds=("float32",))
    card = {
        "classes": list(CLASSES),
        "temperature": 1.0,
        "preprocessing": preprocess.describe(),
        "architecture": tiny.to_dict(),
    }
    add_release(registry, "tiny-1", card, scratch / "w.weights.h5", scratch / "m.tflite")
    promote(registry, "tiny-1")
    return "tiny-1"
