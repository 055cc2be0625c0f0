"""Runs: they learn, they go on where they were interrupted, and they keep their plan."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from model.architectures import build
from model.augment import Augmentation, build_augmenter, mix, scaling_matrices
from model.compression import Compression, compress
from model.errors import ModelError
from model.heads import HEAD_MIXTURES
from model.plan import Plan, plan_of
from model.preprocess import standardize
from model.runs import begin
from model.train import BEST_WEIGHTS, Outcome, epochs_in, merge_anew, train
from tests.unit.model.conftest import TINY, draw_faces

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras with NumPy 2


ROOT = Path(__file__).parents[3]


class KilledError(Exception):
    """Stands for a kill between two epochs."""


PLAN = Plan(architecture=TINY, epochs=3, batch=8, average_horizon_steps=16, dtype_policy="float32")
STILL = Augmentation(
    rotation_deg=0, scale_down=0, scale_up=0, shift=0, contrast=0, brightness=0, slope=0, small_share=0, erase_share=0
)
NO_CODEC = Compression(jpeg_share=0, h264_share=0)
FACES = draw_faces(56, seed=1), draw_faces(28, seed=2)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A run that was never interrupted."""
    return train(tmp_path_factory.mktemp("finished"), PLAN, *FACES)


def test_a_run_that_was_interrupted_ends_like_one_that_was_not(finished, tmp_path):
    def kill(epoch):
        if epoch["epoch"] == 2:
            raise KilledError

    with pytest.raises(KilledError):
        train(tmp_path, PLAN, *FACES, kill)
    (tmp_path / "checkpoint.part").mkdir()
    (tmp_path / "checkpoint.part" / "trainer.weights.h5").write_bytes(b"killed while writing")
    resumed = train(tmp_path, PLAN, *FACES)
    for key in ("training_loss", "validation_loss", "validation_accuracy"):
        assert [e[key] for e in resumed.history] == pytest.approx([e[key] for e in finished.history], rel=1e-5)


def test_a_finished_run_is_not_trained_again(finished):
    reported = []
    again = train(finished.folder, PLAN, *FACES, reported.append)
    assert not reported
    assert again == finished
    assert len((finished.folder / "history.jsonl").read_text().splitlines()) == PLAN.epochs


def test_a_run_is_not_continued_with_other_settings(finished):
    with pytest.raises(ModelError, match="learning_rate"):
        train(finished.folder, dataclasses.replace(PLAN, learning_rate=0.5), *FACES)


def test_a_run_is_not_continued_with_other_data(finished, tmp_path):
    run = shutil.copytree(finished.folder, tmp_path / "run")
    longer = dataclasses.replace(PLAN, epochs=4)
    with pytest.raises(ModelError, match=r"begun with other train images \(56 then, 63 now\)"):
        train(run, longer, draw_faces(63, seed=1), FACES[1])
    with pytest.raises(ModelError, match=r"begun with other validation images \(28 then, 28 now\)"):
        train(run, longer, FACES[0], draw_faces(28, seed=9))
    assert len(train(run, PLAN, *FACES).history) == 3


def test_a_run_that_came_to_no_checkpoint_may_begin_with_other_data(tmp_path):
    for n in (56, 63):
        begin(tmp_path, {"train": draw_faces(n, seed=1), "validation": FACES[1]}, f"emorec {n}")
    record = json.loads((tmp_path / "begun.json").read_text())
    assert (record["data"]["train"]["images"], record["code_version"]) == (63, "emorec 63")


def test_a_run_of_before_the_record_goes_on(finished, tmp_path):
    run = shutil.copytree(finished.folder, tmp_path / "run")
    (run / "begun.json").unlink()
    assert len(train(run, PLAN, *FACES).history) == 3
    assert not (run / "begun.json").exists()


def test_the_commit_of_a_checkout_is_recorded(finished):
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    head = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout
    record = json.loads((finished.folder / "begun.json").read_text())
    assert record["commit"].removesuffix("-dirty") == head.strip()


def test_a_history_that_a_kill_cut_off_is_written_again(finished, tmp_path):
    run = shutil.copytree(finished.folder, tmp_path / "run")
    (run / "history.jsonl").write_text((run / "history.jsonl").read_text()[:30])
    train(run, PLAN, *FACES)
    assert (run / "history.jsonl").read_text() == (finished.folder / "history.jsonl").read_text()


def test_a_plan_reads_back_as_it_was_written(finished, tmp_path):
    assert plan_of(finished.folder) == PLAN
    assert plan_of(tmp_path) is None


def test_a_run_learns_what_can_be_learnt(tmp_path):
    plan = dataclasses.replace(PLAN, epochs=12, learning_rate=0.02, augmentation=STILL, compression=NO_CODEC)
    outcome = train(tmp_path, plan, *FACES)
    assert outcome.history[-1]["training_loss"] < 0.8 * outcome.history[0]["training_loss"]


def test_a_run_without_progress_stops_early_and_names_its_best_epoch(tmp_path):
    plan = dataclasses.replace(PLAN, epochs=9, learning_rate=0.0, patience_epochs=2)
    outcome = train(tmp_path, plan, *FACES)
    assert len(outcome.history) < 9
    best = max(outcome.history, key=lambda e: e["score"])
    assert outcome.best_epoch == best["epoch"]


def test_the_weights_that_are_kept_are_those_of_the_best_epoch(tmp_path):
    plan = dataclasses.replace(PLAN, epochs=10, learning_rate=0.02, patience_epochs=3, average_horizon_steps=1)
    kept = {}

    def keep(epoch):
        kept[epoch["epoch"]] = (tmp_path / BEST_WEIGHTS).read_bytes()

    outcome = train(tmp_path, plan, *FACES, keep)
    assert outcome.best_epoch < len(outcome.history) < plan.epochs
    assert kept[outcome.best_epoch] == kept[len(outcome.history)]
    network = build(TINY)
    network.load_weights(tmp_path / BEST_WEIGHTS)
    answers = network.predict(standardize(FACES[1].images), verbose=0).argmax(axis=1)
    assert (answers == FACES[1].labels).mean() == pytest.approx(outcome.best_score)


def test_fewer_images_than_a_batch_are_refused(tmp_path):
    with pytest.raises(ModelError, match="fewer than one batch"):
        train(tmp_path, dataclasses.replace(PLAN, batch=100), *FACES)


def test_a_length_in_minutes_is_at_least_one_epoch_and_grows_with_time():
    assert epochs_in(0, PLAN, FACES[0]) == 1
    assert epochs_in(5, PLAN, FACES[0]) > 10


def draw_inputs(n=16):
    """Standardized noise, which is what augmentation is given."""
    return standardize(np.random.default_rng(0).integers(0, 256, (n, 16, 16), dtype=np.uint8))


def test_augmentation_changes_images_in_training_only():
    images = draw_inputs()
    augmenter = build_augmenter(Augmentation(), 16, seed=1)
    assert np.asarray(augmenter(images, training=False)) == pytest.approx(images)
    assert np.abs(np.asarray(augmenter(images, training=True)) - images).mean() > 0.1


def test_augmentation_keeps_or_mirrors_an_image_when_nothing_else_is_asked():
    images = draw_inputs()
    changed = np.asarray(build_augmenter(STILL, 16, seed=1)(images, training=True))
    kept = [np.allclose(a, b, atol=1e-3) for a, b in zip(changed, images, strict=True)]
    mirrored = [np.allclose(a, b[:, ::-1], atol=1e-3) for a, b in zip(changed, images, strict=True)]
    assert all(k != m for k, m in zip(kept, mirrored, strict=True))
    assert any(kept)
    assert any(mirrored)


@pytest.mark.parametrize(
    ("change", "changed"),
    [({"rotation_deg": 10}, 1.0), ({"shift": 0.1}, 1.0), ({"scale_up": 0.3}, 1.0), ({"slope": 0.5}, 1.0),
     ({"small_share": 0.5, "least_px": 8}, 0.5), ({"erase_share": 0.5}, 0.5)],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)  # fmt: skip
def test_each_kind_of_augmentation_changes_its_share_of_the_images(change, changed):
    images = draw_inputs(200)
    images = np.concatenate([images, images[:, :, ::-1]], axis=1)[:, :16]
    seen = np.asarray(build_augmenter(dataclasses.replace(STILL, **change), 16, seed=1)(images, training=True))
    same = [
        np.allclose(s, i, atol=1e-2) or np.allclose(s, i[:, ::-1], atol=1e-2) for s, i in zip(seen, images, strict=True)
    ]
    assert 1 - np.mean(same) == pytest.approx(changed, abs=0.12)


def test_scaling_down_and_up_keeps_the_light_and_loses_detail():
    matrices = scaling_matrices(16, 8)
    assert matrices.shape == (9, 16, 16)
    assert matrices.sum(axis=2) == pytest.approx(1, abs=1e-5)
    assert matrices[-1] == pytest.approx(np.eye(16))
    assert np.linalg.matrix_rank(matrices[0]) == 8


def test_codecs_put_noise_on_their_share_of_the_images_and_leave_the_others():
    faces = draw_faces(450, seed=3, side_px=48).images
    noisy = compress(faces, Compression(jpeg_share=0.3, h264_share=0.3), np.random.default_rng(1))
    error = np.abs(noisy.astype(int) - faces).mean(axis=(1, 2))
    assert (error > 0).mean() == pytest.approx(0.6, abs=0.08)
    assert error.max() < 40
    assert np.array_equal(compress(faces, NO_CODEC, np.random.default_rng(1)), faces)


def test_with_votes_the_kept_network_answers_to_both_labels_and_votes(tmp_path):
    training, validation = (
        dataclasses.replace(d, votes=10 * np.eye(7, dtype=np.float32)[(d.labels + 1) % 7]) for d in FACES
    )
    outcome = train(tmp_path, dataclasses.replace(PLAN, epochs=1), training, validation)
    found = outcome.history[0]
    assert found["score"] == pytest.approx(0.75 * found["validation_accuracy"] + 0.25 * found["vote_accuracy"])
    assert found["mixture"] in HEAD_MIXTURES


def test_a_run_begins_with_the_weights_that_it_is_given(finished, tmp_path):
    still = dataclasses.replace(PLAN, epochs=1, learning_rate=0.0, begun_with="finished")
    begun = train(tmp_path, still, *FACES, begin_with=finished.folder / "best.weights.h5")
    best = max(finished.history, key=lambda e: e["score"])
    # The mean of weights keeps batch normalisation's statistics, which move without any learning.
    assert begun.history[0]["validation_accuracy"] == pytest.approx(best["validation_accuracy"], abs=0.1)


def test_weights_of_another_network_are_refused_before_anything_is_written(finished, tmp_path):
    wider = dataclasses.replace(PLAN, architecture=dataclasses.replace(TINY, width=2 * TINY.width))
    with pytest.raises(ModelError, match=r"best\.weights\.h5 does not fit .* of its width"):
        train(tmp_path / "run", wider, *FACES, begin_with=finished.folder / "best.weights.h5")
    assert not (tmp_path / "run").exists()


def test_mixing_lays_a_share_of_another_image_and_its_target_over_each():
    rng = np.random.default_rng(1)
    images = rng.normal(size=(200, 4, 4, 1)).astype(np.float32)
    targets = np.eye(200, dtype=np.float32)
    mixed, mixed_targets = mix(images, targets, 0.2, rng)
    assert mixed_targets.sum(axis=1) == pytest.approx(np.ones(200))
    assert (mixed_targets.diagonal() >= 0.5).all()
    assert 0.01 < 1 - mixed_targets.diagonal().mean() < 0.25
    assert mixed.reshape(200, -1) == pytest.approx(mixed_targets @ images.reshape(200, -1), abs=1e-5)


def test_a_person_may_choose_how_much_the_votes_count(finished, tmp_path):
    run = shutil.copytree(finished.folder, tmp_path / "run")

    def answers(share):
        merge_anew(run, share)
        network = build(TINY)
        network.load_weights(run / BEST_WEIGHTS)
        return network.predict(standardize(FACES[1].images), verbose=0)

    label, half, votes = (answers(share) for share in (0.0, 0.5, 1.0))
    assert not np.allclose(label, votes, atol=1e-3)
    assert half == pytest.approx((label + votes) / 2, abs=1e-4)
    with pytest.raises(ModelError, match="no share"):
        merge_anew(run, 1.5)


def test_a_share_that_a_person_chose_is_forgotten_with_the_weights_that_it_made(finished, tmp_path):
    run = shutil.copytree(finished.folder, tmp_path / "run")
    merge_anew(run, 0.5)
    assert train(run, PLAN, *FACES) == dataclasses.replace(finished, folder=run)
    assert (run / "merged.json").exists()
    better = train(run, dataclasses.replace(PLAN, epochs=9), *FACES)
    assert better.best_score > finished.best_score
    assert not (run / "merged.json").exists()
