"""Retraining: what is new is checked, a kill costs nothing, and only what is better by more than chance is promoted."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from model import preprocess
from model.architectures import Architecture
from model.compare import mcnemar
from model.data import CLASSES, LabelledImages
from model.errors import ModelError
from model.labels import take_saved, write_labelling
from model.registry import add_release, champion, entries, load_release, promote
from model.retrain import Outcome, Request, decide, gather, retrain
from tests.unit.model.conftest import draw_faces

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras with NumPy 2

SESSION = "0123456789abcdef"


class KilledError(Exception):
    """Stands for a kill between two epochs."""


def write(folder: Path, data: LabelledImages, prefix: str) -> None:
    for i, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
        path = folder / CLASSES[label] / f"{prefix}{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), image)


@pytest.fixture
def request_(tmp_path: Path) -> Request:
    """Data with all splits, 21 new images in a folder, and 14 that were labelled by hand."""
    for split, n, seed in (("train", 70, 1), ("validation", 28, 2), ("test", 70, 3)):
        write(tmp_path / "data" / split, draw_faces(n, seed, side_px=48), split)
    write(tmp_path / "new", draw_faces(21, 4, side_px=48), "new")
    labelled = draw_faces(14, 5, side_px=48)
    folder = tmp_path / "labels" / SESSION
    write_labelling(folder, SESSION, labelled.images, "all")
    saved = tmp_path / "saved.json"
    labels = {f"{i + 1:04d}": CLASSES[label] for i, label in enumerate(labelled.labels)}
    saved.write_text(json.dumps({"session": SESSION, "labels": labels | {"0014": "unsure"}}))
    take_saved(folder, saved)
    return Request(
        data=tmp_path / "data",
        registry=tmp_path / "models",
        new=(tmp_path / "new",),
        labels=tmp_path / "labels",
        epochs=2,
        batch=8,
        least_new=30,
    )


def test_all_new_images_are_gathered_and_what_is_left_out_is_counted(request_):
    held_out = cv2.imread(str(next((request_.data / "test" / "sad").iterdir())), cv2.IMREAD_GRAYSCALE)
    known = cv2.imread(str(next((request_.data / "train" / "sad").iterdir())), cv2.IMREAD_GRAYSCALE)
    for name, image in (("a", held_out), ("b", known), ("c", np.full((48, 48), 9, np.uint8))):
        cv2.imwrite(str(request_.new[0] / "sad" / f"{name}.png"), image)
    found = gather(request_)
    assert len(found.new) == 21 + 13
    assert found.new.dropped == {
        "unsure": 1,
        "constant": 1,
        "not_a_face": 0,
        "copy_of_held_out": 1,
        "copy_in_train": 1,
    }
    assert 0 < len(found.held_back) < len(found.new)
    assert not set(found.held_back.hashes()) & set(found.training.hashes())
    assert gather(request_).key == found.key
    assert gather(dataclasses.replace(request_, start="scratch")).key != found.key


def test_too_few_new_images_wait_for_more(request_, tmp_path):
    assert gather(dataclasses.replace(request_, least_new=40)) == "34 new labelled images; retraining waits for 40"
    (tmp_path / "empty").mkdir()
    nothing = dataclasses.replace(request_, new=(tmp_path / "empty",), labels=tmp_path / "empty")
    assert gather(nothing) == "there are no new labelled images"
    assert retrain(nothing) == Outcome(None, False, "there are no new labelled images")


def test_the_test_set_stays_what_it_was(request_):
    gather(request_)
    next((request_.data / "test" / "sad").iterdir()).unlink()
    with pytest.raises(ModelError, match="not the one that earlier models were compared on"):
        gather(request_)


def test_another_test_set_may_be_named(request_, tmp_path):
    write(tmp_path / "ours", draw_faces(35, 7, side_px=48), "ours")
    assert len(gather(dataclasses.replace(request_, test=tmp_path / "ours")).test) == 35


@pytest.mark.parametrize(
    ("only_first", "only_second", "promoted", "verdict"),
    [
        (30, 10, True, "better by more than chance"),
        (12, 9, False, "not better by more than chance"),
        (9, 9, False, "not better"),
        (10, 30, False, "not better"),
    ],
)
def test_only_a_difference_beyond_chance_promotes(only_first, only_second, promoted, verdict):
    rows = [(True, False)] * only_first + [(False, True)] * only_second + [(True, True)] * 50
    first, second = np.array(rows).T
    decided, reason = decide(mcnemar(first, second), "retrained-2", "vgg11-1")
    assert decided is promoted
    assert reason.startswith(f"retrained-2 is {verdict}: of {len(rows)} frozen test images")


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


@pytest.mark.slow
def test_a_killed_retraining_goes_on_ends_in_one_version_and_deletes_the_faces(request_, tmp_path):
    first = add_champion(request_.registry, tmp_path)
    told: list[str] = []

    def kill(line: str) -> None:
        told.append(line)
        if line.startswith("epoch 1"):
            raise KilledError

    with pytest.raises(KilledError):
        retrain(request_, tell=kill)
    assert champion(request_.registry) == first
    assert [e.version for e in entries(request_.registry) if not e.shipped] == [first]
    assert (request_.labels / SESSION).exists()

    told.clear()
    outcome = retrain(request_, tell=told.append)
    assert [line for line in told if line.startswith("epoch")] == [line for line in told if line.startswith("epoch 2")]
    assert outcome.version == "retrained-1"
    assert champion(request_.registry) == ("retrained-1" if outcome.promoted else first)
    made = load_release("retrained-1", request_.registry)
    assert made.card["decision"]["champion"] == first
    assert made.card["decision"]["reason"] == outcome.reason
    assert made.card["decision"]["test"]["n"] == 70
    assert made.card["retraining"]["new"]["images"] == 34
    assert outcome.reason.split(":")[0] in (made.litert.parent / "card.html").read_text()
    assert not (request_.labels / SESSION).exists()

    again = retrain(request_)
    assert again.version is None
    assert "0 new labelled images" in again.reason


def test_two_retrainings_do_not_run_at_once(request_):
    from filelock import FileLock

    (request_.registry / ".retraining").mkdir(parents=True)
    with (
        FileLock(request_.registry / ".retraining" / "lock"),
        pytest.raises(ModelError, match="another retraining is running"),
    ):
        retrain(request_)
