"""Retraining: what is new is checked, a kill costs nothing, and only what is better by more than chance is promoted."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import pytest

from model.compare import mcnemar
from model.errors import ModelError
from model.labels import collection_of
from model.registry import add_release, champion, entries, load_release, promote, roll_back
from model.retrain import Outcome, Request, decide, gather, retrain
from tests.retrainings import add_champion, label, put_candidate, write, write_splits
from tests.unit.model.conftest import draw_faces

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras with NumPy 2

SESSION = "0123456789abcdef"


class StoppedError(Exception):
    """Stands for a kill between two epochs."""


@pytest.fixture
def request_(tmp_path: Path) -> Request:
    """Data with all splits, 21 new images in a folder, and 14 that were labelled by hand."""
    write_splits(tmp_path / "data")
    write(tmp_path / "new", draw_faces(21, 4, side_px=48), "new")
    label(tmp_path / "labels" / SESSION, draw_faces(14, 5, side_px=48), **{"0014": "unsure"})
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


def test_new_images_that_are_all_left_out_are_nothing_to_retrain_for(request_, tmp_path):
    write(tmp_path / "copies", draw_faces(21, 1, side_px=48), "copy")
    write(tmp_path / "copies", draw_faces(21, 3, side_px=48), "held")
    found = gather(dataclasses.replace(request_, new=(tmp_path / "copies",), labels=None))
    assert found.startswith("all 42 new images are left out")
    write(tmp_path / "held", draw_faces(35, 3, side_px=48), "held")
    found = gather(dataclasses.replace(request_, new=(tmp_path / "held",), labels=None))
    assert found.startswith("all 35 new images are left out")
    assert "'copy_of_held_out': 35" in found


def test_without_a_validation_split_a_part_of_train_is_held_out(request_):
    shutil.rmtree(request_.data / "validation")
    found = gather(request_)
    assert len(found.validation) == 7
    assert not set(found.validation.hashes()) & set(found.training.hashes())
    assert gather(request_).key == found.key


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


def stop_at(start: str, told: list[str] | None = None) -> Callable[[str], None]:
    """Stands for a kill where a line that begins so is told."""

    def tell(line: str) -> None:
        if told is not None:
            told.append(line)
        if line.startswith(start):
            raise StoppedError

    return tell


def change_machine(registry: Path) -> None:
    """Have the run that was begun be one of a machine on which other numbers are quickest."""
    [path] = (registry / ".retraining").glob("*/plan.json")
    plan = json.loads(path.read_text())
    plan["dtype_policy"] = "float32" if plan["dtype_policy"] != "float32" else "mixed_bfloat16"
    path.write_text(json.dumps(plan))


@pytest.mark.slow
def test_a_killed_retraining_goes_on_ends_in_one_version_and_deletes_the_faces(request_, tmp_path):
    first = add_champion(request_.registry, tmp_path)
    shutil.copy(next((request_.data / "test" / "sad").iterdir()), request_.data / "train" / "sad" / "copy.png")
    told: list[str] = []
    with pytest.raises(StoppedError):
        retrain(request_, tell=stop_at("epoch 1", told))
    change_machine(request_.registry)
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
    assert made.card["metrics"]["test"]["without_copies"]["n"] == 69
    assert outcome.reason.split(":")[0] in (made.litert.parent / "card.html").read_text()
    assert (request_.labels / SESSION).exists() is not outcome.promoted

    again = retrain(request_)
    assert again.version is None
    assert f"{0 if outcome.promoted else 13} new labelled images" in again.reason


@pytest.mark.slow
def test_a_killed_retraining_begins_anew_where_the_champion_changed(request_, tmp_path):
    add_champion(request_.registry, tmp_path)
    for version in ("tiny-1", "tiny-2"):
        if version == "tiny-2":
            first = load_release("tiny-1", request_.registry)
            card = {name: value for name, value in first.card.items() if name not in ("version", "files")}
            add_release(request_.registry, version, card, first.weights, first.litert)
            promote(request_.registry, version)
        with pytest.raises(StoppedError):
            retrain(request_, tell=stop_at("epoch 1"))
        [plan] = (request_.registry / ".retraining").glob("*/plan.json")
        assert json.loads(plan.read_text())["begun_with"] == version


def test_a_kill_at_any_moment_of_promoting_and_cleaning_up_costs_nothing(request_, tmp_path, killed_after):
    put_candidate(request_, better=True)
    left_run = request_.registry / ".retraining" / "0123456789abcdef"
    left_run.mkdir(parents=True)
    (left_run / "plan.json").write_text("{}")
    kept = tmp_path / "kept"
    for name in ("models", "labels"):
        shutil.copytree(tmp_path / name, kept / name)
    for changes in count():
        for name in ("models", "labels"):
            shutil.rmtree(tmp_path / name)
            shutil.copytree(kept / name, tmp_path / name)
        with killed_after(changes) as kill:
            retrain(request_)
        again = retrain(request_)
        assert champion(request_.registry) == "retrained-1"
        assert list(request_.labels.iterdir()) == []
        assert not left_run.exists()
        assert again.promoted or "0 new labelled images" in again.reason
        assert "0 new labelled images" in retrain(request_).reason
        if not kill.happened:
            break
    assert changes > 20


def test_other_faces_of_the_session_that_came_after_a_kill_are_not_cleaned_up(request_, killed_after):
    put_candidate(request_, better=True)
    for changes in count():
        with killed_after(changes):
            retrain(request_)
        if not (request_.labels / SESSION).exists():
            break
    label(request_.labels / SESSION, draw_faces(14, 6, side_px=48))
    assert "14 new labelled images" in retrain(request_).reason
    assert (request_.labels / SESSION / "crops").is_dir()


def test_labels_that_are_saved_while_a_retraining_runs_are_kept_for_the_next(request_):
    put_candidate(request_, better=True)
    folder = request_.labels / SESSION

    def labelled_meanwhile(name, function):
        if name == "promote":
            saved = {"session": SESSION, "collection": collection_of(folder), "labels": {"0014": "happy"}}
            for person in "bc":  # two, since one was unsure of that face
                (folder / f"labels-{person}.json").write_text(json.dumps({**saved, "labeller": person}))
        return function()

    assert retrain(request_, step=labelled_meanwhile).promoted
    assert retrain(request_).reason == "1 new labelled images; retraining waits for 30"
    assert (folder / "crops").is_dir()


def test_linked_folders_of_new_pictures_are_followed(request_, tmp_path):
    (tmp_path / "linked").mkdir()
    for folder in request_.new[0].iterdir():
        (tmp_path / "linked" / folder.name).symlink_to(folder)
    request = dataclasses.replace(request_, new=(tmp_path / "linked",), labels=None)
    assert gather(request) == "21 new labelled images; retraining waits for 30"


@pytest.mark.parametrize("name", ["frozen-test.json", "taken-in.json"])
def test_a_file_of_the_registry_that_is_damaged_is_named(request_, name):
    request_.registry.mkdir()
    (request_.registry / name).write_text("{")
    with pytest.raises(ModelError, match=f"{name} cannot be read"):
        retrain(request_)


def test_a_registry_that_cannot_be_written_is_told(request_, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="models cannot be written here"):
        retrain(dataclasses.replace(request_, registry=tmp_path / "file" / "models"))


def test_labelled_faces_are_kept_until_a_promoted_version_was_made_of_them(request_):
    put_candidate(request_, better=False)
    assert retrain(request_) == Outcome("retrained-1", False, "because of figures")
    assert (request_.labels / SESSION).exists()
    assert "13 new labelled images" in retrain(request_).reason
    both = dataclasses.replace(request_, least_new=13)
    assert retrain(both) == Outcome(None, False, "nothing is new since retrained-1: because of figures")
    label(request_.labels / ("f" * 16), draw_faces(14, 6, side_px=48))
    assert gather(dataclasses.replace(request_, least_new=27)) == (
        "14 new labelled images since the last try; retraining waits for 27"
    )
    found = gather(dataclasses.replace(request_, least_new=14))
    assert len(found.new) == 21 + 13 + 14


def test_pictures_that_are_left_out_count_as_new_but_once(request_):
    write(request_.new[0], draw_faces(70, 3, side_px=48).take(np.arange(70) < 35), "copy_of_test")
    request = dataclasses.replace(request_, labels=None)
    put_candidate(request, better=True)
    assert retrain(request).promoted
    assert retrain(request).reason == "0 new labelled images; retraining waits for 30"


def test_a_version_that_was_rolled_back_is_not_promoted_again_by_itself(request_):
    put_candidate(request_, better=True)
    promote(request_.registry, "retrained-1")
    roll_back(request_.registry)
    outcome = retrain(request_)
    assert outcome.version == "retrained-1"
    assert not outcome.promoted
    assert "not made it again" in outcome.reason
    assert champion(request_.registry) == "mine-1"


def test_a_folder_that_is_filled_over_time_may_have_empty_classes_and_other_files(request_, tmp_path):
    growing = tmp_path / "growing"
    (growing / "happy").mkdir(parents=True)
    (growing / "README.md").write_text("put faces here")
    (growing / ".DS_Store").write_bytes(b"x")
    request = dataclasses.replace(request_, new=(growing,), labels=None)
    assert gather(request) == "there are no new labelled images"
    write(growing, draw_faces(70, 6, side_px=48).take(np.arange(70) % 7 == 5), "new")
    assert gather(request) == "10 new labelled images; retraining waits for 30"


def test_new_pictures_that_are_repeated_are_counted_once_where_they_are_left_out(request_):
    write(request_.data / "train", draw_faces(700, 9, side_px=48), "more")
    write(request_.new[0], draw_faces(70, 3, side_px=48).take(np.arange(70) < 12), "copy_of_test")
    found = gather(request_)
    learnt = len(found.new) - len(found.held_back)
    assert len(found.training) >= 770 + 2 * learnt
    assert found.training.dropped["copy_of_held_out"] == 12


def test_a_run_from_scratch_is_longer_than_one_from_the_champion(request_):
    request = dataclasses.replace(request_, epochs=None)
    from_scratch = dataclasses.replace(request, start="scratch")
    assert gather(request).key == gather(dataclasses.replace(request, epochs=6)).key
    assert gather(from_scratch).key == gather(dataclasses.replace(from_scratch, epochs=30)).key


def test_two_retrainings_do_not_run_at_once(request_):
    from filelock import FileLock

    (request_.registry / ".retraining").mkdir(parents=True)
    with (
        FileLock(request_.registry / ".retraining" / "lock"),
        pytest.raises(ModelError, match="another retraining is running"),
    ):
        retrain(request_)
