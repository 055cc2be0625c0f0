"""`emorec train`, `emorec evaluate` and `emorec model` from the outside."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from emorec.cli import app
from emorec.cli.failures import failure_line
from emorec.errors import InputError
from model.data import load_images
from model.errors import ModelError
from model.plan import Plan
from model.runs import begin


@pytest.fixture
def folder(tmp_path):
    """A few noise pictures of three classes, and one that cannot be read."""
    rng = np.random.default_rng(0)
    for name in ("happy", "sadness", "neutral"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(4):
            cv2.imwrite(str(tmp_path / "data" / name / f"{i}.png"), rng.integers(0, 255, (60, 60), dtype=np.uint8))
    (tmp_path / "data" / "happy" / "broken.png").write_bytes(b"no picture")
    return tmp_path / "data"


def test_evaluate_writes_the_figures_of_the_product_at_the_top_level(folder, tmp_path):
    out = tmp_path / "figures.json"
    result = CliRunner().invoke(app, ["evaluate", "--data", str(folder), "--json", str(out)])
    assert result.exit_code == 0, result.output
    found = json.loads(out.read_text())
    assert found["n"] == 12
    assert found["left_out"] == {"unreadable": 1}
    assert found["recall"].keys() == {"happy", "neutral", "sad"}
    assert {"model", "accuracy", "macro_f1", "ece", "confusion", "with_flip", "intervals"} <= found.keys()
    assert {"model_version", "ece_before_temperature", "recall_intervals", "by_face_size"} <= found.keys()
    assert found["classes_present"]["classes"] == ["happy", "neutral", "sad"]
    assert list(found["by_face_size"]) == ["48", "32", "24", "16"]
    assert f"accuracy {found['accuracy']:.3f}" in result.output


def test_a_person_does_not_read_what_native_libraries_say(folder):
    command = [sys.executable, "-c", "from emorec.cli import main; main()", "evaluate", "--data", str(folder)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stderr == ""


def test_evaluate_compares_two_models_on_the_same_images(folder, tmp_path):
    out = tmp_path / "figures.json"
    result = CliRunner().invoke(app, ["evaluate", "--data", str(folder), "--against", "champion", "--json", str(out)])
    compared = json.loads(out.read_text())["compared"]
    assert compared["n"] == 12
    assert (compared["only_first"], compared["only_second"], compared["p"]) == (0, 0, 1.0)
    assert "McNemar p = 1" in result.output


def test_evaluate_leaves_out_test_images_that_have_a_copy_in_train(folder, tmp_path):
    for split in ("train", "test"):
        shutil.copytree(folder, tmp_path / "splits" / split)
    rng = np.random.default_rng(9)
    for path in (tmp_path / "splits" / "test").glob("*/1.png"):
        cv2.imwrite(str(path), rng.integers(0, 255, (60, 60), dtype=np.uint8))
    out = tmp_path / "figures.json"
    arguments = ["evaluate", "--data", str(tmp_path / "splits"), "--split", "test", "--json", str(out)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    found = json.loads(out.read_text())
    assert (found["n"], found["without_copies"]["n"]) == (12, 3)


def test_evaluate_says_which_splits_it_reads_together(folder, tmp_path):
    for split in ("train", "test"):
        shutil.copytree(folder, tmp_path / "splits" / split)
    evaluate = ["evaluate", "--data", str(tmp_path / "splits")]
    mixed = CliRunner().invoke(app, evaluate)
    assert "no --split is named: train and test are read together" in mixed.stderr
    assert "warning: train is among the images" in mixed.stderr
    one = CliRunner().invoke(app, [*evaluate, "--split", "test"])
    assert "--split" not in one.stderr
    assert "train" not in one.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "--data", "nowhere", "--json", "{0}/none/x.json"], "there is no folder {0}/none"),
        (["evaluate", "--data", "nowhere", "--json", "{0}"], "{0} is a folder; name a file"),
        (["model", "card", "--html", "{0}/none/x.html"], "there is no folder {0}/none"),
    ],
    ids=["json", "json is a folder", "html"],
)
def test_a_file_that_cannot_be_written_is_refused_before_the_work(tmp_path, arguments, message):
    result = CliRunner().invoke(app, [a.format(tmp_path) for a in arguments])
    assert isinstance(result.exception, InputError)
    assert message.format(tmp_path) in failure_line(result.exception)


def test_evaluate_takes_some_classes_by_any_of_their_names(folder, tmp_path):
    out = tmp_path / "figures.json"
    arguments = ["evaluate", "--data", str(folder), "--classes", "Happiness,sad", "--json", str(out)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    found = json.loads(out.read_text())
    assert found["classes"] == ["happy", "sad"]
    assert found["n"] == 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "--data", "nowhere"], "nowhere: no such folder or zip"),
        (["evaluate", "--data", "{folder}", "--classes", "happy,bored"], "classes must be two or more of"),
        (["evaluate", "--data", "{folder}", "--classes", "angry,anger"], "classes must be two or more of"),
        (["evaluate", "--data", "{folder}", "--split", "test"], "no pictures in the split test"),
        (["evaluate", "--data", "{folder}", "--model", "v0"], "no such model"),
        (["train", "--data", "{folder}"], "no pictures in the split train"),
    ],
    ids=["source", "class", "one class twice", "split", "model", "training data"],
)
def test_what_cannot_be_done_is_said_in_one_line(folder, arguments, message):
    result = CliRunner().invoke(app, [a.format(folder=folder) for a in arguments])
    assert isinstance(result.exception, ModelError)
    assert message in failure_line(result.exception)
    assert "\n" not in failure_line(result.exception)


def test_a_release_without_a_test_split_is_refused_before_anything_is_trained(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "splits" / "train")
    arguments = ["train", "--data", str(tmp_path / "splits"), "--run", str(tmp_path / "run"), "--release", "mine-1"]
    result = CliRunner().invoke(app, arguments)
    assert "has no test split, and a release is measured on one" in failure_line(result.exception)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("option", "differing"),
    [
        (["--architecture", "resnet18"], "architecture"),
        (["--width", "0.5"], "architecture"),
        (["--begin-with", "champion"], "begun_with"),
        (["--seed", "2"], "seed"),
        (["--teacher", "runs/wide"], "teachers"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_settings_that_a_run_does_not_have_are_refused(folder, tmp_path, option, differing):
    shutil.copytree(folder, tmp_path / "splits" / "train")
    shutil.copytree(folder, tmp_path / "splits" / "val")
    for picture in (tmp_path / "splits" / "val").rglob("*.png"):
        cv2.imwrite(str(picture), np.random.default_rng(5).integers(0, 255, (60, 60), dtype=np.uint8))
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "plan.json").write_text(json.dumps(dataclasses.asdict(Plan())))
    arguments = ["train", "--data", str(tmp_path / "splits"), "--run", str(tmp_path / "run"), *option]
    result = CliRunner().invoke(app, arguments)
    assert f"holds a run with another {differing}; " in failure_line(result.exception)


@pytest.mark.parametrize(
    ("pattern", "again", "told"), [("*.png", 12, "warning: 12 of the 24"), ("0.png", 1, "1 of the 13")]
)
def test_evaluate_counts_images_that_come_again_and_warns_of_many(folder, tmp_path, pattern, again, told):
    for picture in sorted(folder.glob(f"*/{pattern}"))[: 13 if again > 1 else 1]:
        target = folder / "images" / picture.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, target)
    out = tmp_path / "figures.json"
    result = CliRunner().invoke(app, ["evaluate", "--data", str(folder), "--json", str(out)])
    assert result.stderr.startswith(told)
    assert json.loads(out.read_text())["copies_within"] == again


def test_weights_are_not_merged_for_a_release_with_other_data(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")  # as the command itself sets it, and here for this test alone
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    for i, split in enumerate(("train", "val", "test")):
        shutil.copytree(folder, tmp_path / "splits" / split)
        for picture in sorted((tmp_path / "splits" / split).rglob("?.png")):
            cv2.imwrite(str(picture), np.random.default_rng(i).integers(0, 255, (60, 60), dtype=np.uint8))
    run = tmp_path / "run"
    run.mkdir()
    begin(run, dict.fromkeys(("train", "validation"), load_images(folder)), "emorec 1")
    (run / "plan.json").write_text(json.dumps(dataclasses.asdict(Plan())))
    (run / "checkpoint-0001").mkdir()
    release = ["model", "release", str(run), "--as", "mine-1", "--votes-share", "0.5", "--store", str(tmp_path)]
    result = CliRunner().invoke(app, [*release, "--data", str(tmp_path / "splits")])
    assert "was begun with other train images" in failure_line(result.exception)


def test_a_release_of_a_name_that_is_taken_is_refused_before_training(tmp_path):
    result = CliRunner().invoke(app, ["train", "--data", str(tmp_path / "nothing"), "--release", "vgg11-2"])
    assert "vgg11-2 exists already" in failure_line(result.exception)


@pytest.mark.parametrize(("classes", "named"), [("", "''"), ("happy", "'happy'"), ("happy,contempt", "'contempt'")])
def test_classes_that_cannot_be_evaluated_are_refused_before_the_data_are_read(tmp_path, classes, named):
    command = ["evaluate", "--data", str(tmp_path / "nothing"), "--classes", classes]
    assert failure_line(CliRunner().invoke(app, command).exception).endswith(f"not {named}")


def test_models_are_listed_promoted_rolled_back_and_shown(tmp_path):
    from model.registry import champion

    registry = ["--registry", str(tmp_path / "models")]

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["model", *arguments, *registry])
        assert result.exit_code == 0, result.output
        return result.output

    assert f"* {champion()}" in run("list")
    assert f"the champion is {champion()}" in run("promote", champion(), "--why", "a test")
    assert json.loads((tmp_path / "models" / "champion.json").read_text())["why"] == "a test"
    assert f"the champion is {champion()} again" in run("rollback")
    assert not (tmp_path / "models" / "champion.json").exists()
    assert json.loads(run("card"))["version"] == champion()
    assert run("card", "--html", str(tmp_path / "card.html")).strip().endswith("card.html")
    assert f"Emotion model {champion()}" in (tmp_path / "card.html").read_text()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras with NumPy 2
def test_retraining_ends_in_a_version_and_then_has_nothing_to_do(tmp_path, monkeypatch):
    from tests.retrainings import add_champion, write, write_splits
    from tests.unit.model.conftest import draw_faces

    monkeypatch.setenv("EMOREC_STORE", str(tmp_path / "store"))
    (tmp_path / "store").mkdir()
    add_champion(tmp_path / "store" / "models", tmp_path)
    write_splits(tmp_path / "data")
    write(tmp_path / "new", draw_faces(35, 4, side_px=48), "new")
    command = ["model", "retrain", "--data", str(tmp_path / "data"), "--new", str(tmp_path / "new"), "--epochs", "1"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "35 new images" in result.stderr
    assert "epoch 1 of 1" in result.stderr
    assert result.stdout.startswith(("retrained-1 is the champion: ", "retrained-1 is a candidate: "))
    assert (tmp_path / "store" / "models" / "retrained-1" / "card.json").is_file()
    assert CliRunner().invoke(app, command).stdout == "0 new labelled images; retraining waits for 30\n"


def test_the_models_of_a_store_are_listed_promoted_and_rolled_back(tmp_path):
    from model.registry import champion

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["model", *arguments, "--store", str(tmp_path / "store")])
        assert result.exit_code == 0, result.output
        return result.output

    assert f"* {champion()}" in run("list")
    assert f"{tmp_path / 'store' / 'models'}: the champion is {champion()}" in run("promote", champion())
    assert (tmp_path / "store" / "models" / "champion.json").exists()
    assert "again" in run("rollback")
    both = ["model", "list", "--store", str(tmp_path), "--registry", str(tmp_path)]
    assert CliRunner().invoke(app, both).exit_code == 2


def test_a_card_calls_its_figures_what_they_are_called_now():
    """The shipped one was written when the favourite of the votes was told as their majority."""
    result = CliRunner().invoke(app, ["model", "card", "vgg11-2"])
    test = json.loads(result.output)["metrics"]["test"]
    assert test["ferplus_favourite"]["n"] == 3408
    assert not [name for name in test if "majority" in name]


def test_a_page_of_an_old_card_says_favourite(tmp_path):
    page = tmp_path / "card.html"
    assert CliRunner().invoke(app, ["model", "card", "vgg11-2", "--html", str(page)]).exit_code == 0
    assert "against the favourite of FER+ votes, be they few</td><td>3408" in page.read_text()
    assert "majority of FER+ votes" not in page.read_text()
