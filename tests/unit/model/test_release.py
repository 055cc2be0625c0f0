"""From a run to a release that runs without TensorFlow."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model.architectures import Architecture
from model.data import CLASSES, copies
from model.errors import ModelError
from model.export import (
    CALIBRATION_IMAGES,
    calibration_images,
    convert,
    converted_elsewhere,
    load_network,
    save_weights,
)
from model.registry import Release
from model.release import Splits, load_splits, release
from model.runtime import BATCHES, KerasNetwork, LiteRtNetwork, split_into_batches
from model.train import train
from tests.unit.model.conftest import TINY, WriteFolder, draw_faces

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras with NumPy 2


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Release:
    from model.plan import Plan

    folder = tmp_path_factory.mktemp("release")
    splits = [draw_faces(n, seed) for seed, n in enumerate((56, 28, 28))]
    plan = Plan(architecture=TINY, epochs=1, batch=8, dtype_policy="float32")
    train(folder / "run", plan, *splits[:2], code_version="emorec 7")
    return release(folder / "run", "tiny-1", folder / "registry", Splits(*splits), "test")


def test_a_card_says_what_was_made_of_what(made):
    card = json.loads((made.litert.parent / "card.json").read_text())
    assert card["architecture"] == dataclasses.asdict(TINY)
    assert card["data"]["train"]["images"] == 56
    assert set(card["metrics"]) == {"validation", "test", "test_float32"}
    assert card["metrics"]["test"]["one_view"]["n"] == 28
    assert card["training"]["plan"]["epochs"] == 1
    assert card["conversion"]["tried"][-1]["kind"] == card["conversion"]["chosen"]
    assert card["temperature"] == made.temperature > 0


def test_a_card_for_people_lies_beside_the_weights(made):
    page = (made.litert.parent / "card.html").read_text()
    assert "Emotion model tiny-1" in page
    assert re.search(r"teachers</t[hd]>\s*<td[^>]*>none<", page)
    assert f"{made.card['metrics']['test']['one_view']['accuracy']:.3f}" in page
    assert made.sha256()["model.tflite"] in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_a_card_names_the_code_that_trained_and_the_code_that_released(made):
    assert made.card["code_version"] == "emorec 7"
    assert made.card["released_by"] == "test"
    assert "by emorec 7" in (made.litert.parent / "card.html").read_text()
    record = json.loads((made.litert.parents[2] / "run" / "begun.json").read_text())
    assert made.card["code_commit"] == record["commit"]
    assert made.card["data"]["train"]["fingerprint"] == record["data"]["train"]["fingerprint"]
    assert made.card["data_recorded"]


def test_a_run_is_not_released_with_other_data_than_it_was_begun_with(made, tmp_path):
    run = made.litert.parents[2] / "run"
    data = draw_faces(56, seed=0), draw_faces(28, seed=1), draw_faces(28, seed=2)
    for changed in (0, 1):
        splits = [draw_faces(len(d), seed=99) if i == changed else d for i, d in enumerate(data)]
        with pytest.raises(ModelError, match="was begun with other"):
            release(run, "tiny-2", tmp_path / "registry", Splits(*splits), "test")


def test_a_card_of_a_run_of_before_the_record_says_so(made, tmp_path):
    run = shutil.copytree(made.litert.parents[2] / "run", tmp_path / "run")
    (run / "begun.json").unlink()
    splits = Splits(draw_faces(63, seed=9), draw_faces(28, seed=1), draw_faces(28, seed=2))
    old = release(run, "tiny-2", tmp_path / "registry", splits, "test")
    assert (old.card["code_version"], old.card["data_recorded"]) == ("test", False)
    assert "The run is older than the record" in (old.litert.parent / "card.html").read_text()


def test_the_released_weights_and_the_litert_file_agree(made):
    crops = draw_faces(40, seed=9).images
    network = KerasNetwork(load_network(Architecture(**made.card["architecture"]), made.weights))
    assert np.abs(network(crops) - LiteRtNetwork(made.litert)(crops)).mean() < 0.05


def test_half_precision_costs_next_to_nothing(tmp_path):
    from model.architectures import build

    network = build(TINY)
    save_weights(network, TINY, tmp_path / "half.weights.h5")
    crops = draw_faces(8, seed=1).images
    difference = KerasNetwork(network, 8)(crops) - KerasNetwork(load_network(TINY, tmp_path / "half.weights.h5"), 8)(
        crops
    )
    assert np.abs(difference).max() < 0.01


def test_weights_of_another_architecture_are_refused(made):
    with pytest.raises(ModelError, match="does not fit"):
        load_network(dataclasses.replace(TINY, width=1 / 8), made.weights)


def test_a_float_conversion_gives_what_keras_gives(made, tmp_path):
    network = load_network(TINY, made.weights)
    tried = convert(network, TINY, draw_faces(28, seed=3), tmp_path / "m.tflite", kinds=("float32",))
    assert tried[0].mean_probability_difference < 1e-5


def test_images_that_int8_is_calibrated_with_are_spread_over_all_there_are():
    images = np.arange(1300, dtype=np.uint16)[:, None, None]
    taken = calibration_images(images)[:, 0, 0]
    assert len(taken) == CALIBRATION_IMAGES
    assert (taken[0], taken[-1]) == (0, 1299)
    assert set(np.diff(taken.astype(int))) <= {2, 3}
    assert calibration_images(images[:7])[:, 0, 0].tolist() == list(range(7))


def test_a_release_sweeps_what_killed_ones_left_and_no_other(made, tmp_path):
    left, present = tmp_path / "registry" / ".part-left", tmp_path / "registry" / ".part-present"
    for part in (left, present):
        part.mkdir(parents=True)
    os.utime(left, (0, 0))
    with pytest.raises(ModelError, match="train first"):
        release(tmp_path, "tiny-2", tmp_path / "registry", Splits(*[draw_faces(7, seed=0)] * 3), "test")
    assert not left.exists()
    assert present.exists()


@pytest.mark.slow
def test_a_conversion_in_a_process_of_its_own_gives_the_same_answers(made, tmp_path):
    """As it is made where Keras runs on JAX or PyTorch."""
    network, images = load_network(TINY, made.weights), draw_faces(28, seed=3).images
    (tmp_path / "elsewhere.tflite").write_bytes(converted_elsewhere(network, TINY, "float32", images))
    convert(network, TINY, draw_faces(28, seed=3), tmp_path / "here.tflite", kinds=("float32",))
    here, elsewhere = (LiteRtNetwork(tmp_path / f"{name}.tflite")(images) for name in ("here", "elsewhere"))
    assert elsewhere == pytest.approx(here)


def test_a_run_without_weights_cannot_be_released(tmp_path):
    data = draw_faces(7, seed=0)
    with pytest.raises(ModelError, match="train first"):
        release(tmp_path, "tiny-1", tmp_path, Splits(data, data, data), "test")


def draw_splits(write_folder: WriteFolder, *splits: str) -> Path:
    """Seventy pictures in each split."""
    pictures = {}
    for seed, split in enumerate(splits):
        faces = draw_faces(70, seed, side_px=48)
        for i, (image, label) in enumerate(zip(faces.images, faces.labels, strict=True)):
            pictures[f"images/{split}/{CLASSES[label]}/{i}.png"] = image
    return write_folder(pictures)


def test_training_needs_no_test_split_and_a_release_says_that_it_does(write_folder):
    data = draw_splits(write_folder, "train", "validation")
    splits = load_splits(data)
    assert (len(splits.training), len(splits.validation), splits.test) == (70, 70, None)
    with pytest.raises(ModelError, match="has no test split, and a release is measured on one"):
        load_splits(data, for_release=True)


def test_without_a_validation_split_a_tenth_of_train_is_held_out_and_test_is_left_alone(write_folder):
    splits = load_splits(draw_splits(write_folder, "train", "test"), for_release=True)
    assert splits.test is not None
    assert (len(splits.training), len(splits.validation), len(splits.test)) == (63, 7, 70)
    assert splits.training.dropped["held_out_for_validation"] == 7
    assert {name.split("/")[1] for name in splits.validation.names} == {"train"}
    assert not copies(splits.validation, splits.test).any()


def test_copies_within_a_held_out_split_are_counted(write_folder):
    data = draw_splits(write_folder, "train", "validation", "test")
    shutil.copytree(data / "images" / "test", data / "images" / "images" / "test")
    overlap = load_splits(data).overlap
    assert (overlap["copies_within_validation"], overlap["copies_within_test"]) == (0, 70)


@pytest.mark.parametrize("n", [0, 1, 3, 4, 8, 13, 24, 25, 31, 32, 33, 70])
def test_batches_hold_all_faces_and_waste_little(n):
    sizes = split_into_batches(n)
    assert set(sizes) <= set(BATCHES)
    assert sum(sizes) >= n
    assert sum(sizes) - n <= 7


def test_a_face_gets_the_same_logits_wherever_it_stands(made):
    network, crops = LiteRtNetwork(made.litert), draw_faces(45, seed=5).images
    together = network(crops)
    assert (together == network(crops)).all()
    for i in (0, 31, 32, 44):
        assert (network(crops[i : i + 1])[0] == together[i]).all()
    assert network(crops[:0]).shape == (0, 7)


def test_running_a_release_imports_neither_tensorflow_nor_keras(made):
    code = (
        "import sys, numpy as np; from pathlib import Path; from model.registry import load_release;"
        "from model.runtime import LiteRtNetwork; r = load_release('tiny-1', Path(sys.argv[1]));"
        "LiteRtNetwork(r.litert)(np.zeros((3, 16, 16), np.uint8));"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, made.litert.parents[1]], check=True, cwd=Path(__file__).parents[3])
