"""Teachers: what a run learns from finished ones, and which of them may teach."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from model.architectures import build
from model.data import CLASSES
from model.errors import ModelError
from model.heads import joint_loss
from model.plan import Plan, plan_of
from model.teachers import load_teachers
from model.train import Outcome, train
from tests.unit.model.conftest import TINY, KilledError, draw_faces

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras with NumPy 2

PLAN = Plan(architecture=TINY, epochs=2, batch=8, average_horizon_steps=16, dtype_policy="float32")
FACES = draw_faces(56, seed=1), draw_faces(28, seed=2)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    return train(tmp_path_factory.mktemp("teacher"), PLAN, *FACES).folder


@pytest.fixture(scope="module")
def pupil(teacher: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A run that learnt what a teacher says and nothing else, by the steps of networks without batch normalisation."""
    return train(tmp_path_factory.mktemp("pupil"), taught_by(teacher), *FACES)


def taught_by(teacher: Path) -> Plan:
    return dataclasses.replace(
        PLAN,
        epochs=3,
        seed=2,
        optimizer="adamw",
        learning_rate=0.01,
        weight_decay=0.05,
        teachers=(str(teacher),),
        taught_share=1.0,
    )


def probabilities(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("teachers", [0, 1, 2])
def test_the_loss_is_the_cross_entropy_to_labels_and_the_mean_of_the_teachers(teachers):
    rng = np.random.default_rng(4)
    n, k, vote_share, smoothing, taught = 5, len(CLASSES), 0.3, 0.05, 0.6
    targets = np.zeros((n, 2 * k), np.float32)
    targets[np.arange(n), rng.integers(0, k, n)] = 1
    targets[1:, k:] = rng.dirichlet(np.ones(k), n - 1)  # the first has no votes
    logits = rng.normal(size=(n, 2 * k * (1 + teachers))).astype(np.float32)

    expected = np.zeros(n)
    for head, weight in ((0, 1 - vote_share), (1, vote_share)):
        truth = targets[:, head * k : (head + 1) * k]
        truth = truth * (1 - smoothing) + smoothing / k * truth.sum(axis=1, keepdims=True)
        answers = [probabilities(logits[:, (2 * i + head) * k :][:, :k]) for i in range(1 + teachers)]
        if teachers:
            truth = (1 - taught) * truth + taught * np.mean(answers[1:], axis=0)
        expected -= weight * (truth * np.log(answers[0])).sum(axis=1)

    assert np.asarray(joint_loss(vote_share, smoothing, taught)(targets, logits)) == pytest.approx(expected, rel=1e-5)


def test_a_pupil_comes_to_say_what_its_teacher_says(pupil):
    losses = [e["training_loss"] for e in pupil.history]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] - 0.1


@pytest.mark.slow
def test_a_taught_run_that_was_interrupted_ends_like_one_that_was_not(teacher, pupil, tmp_path):
    def kill(epoch):
        if epoch["epoch"] == 2:
            raise KilledError

    with pytest.raises(KilledError):
        train(tmp_path, taught_by(teacher), *FACES, kill)
    resumed = train(tmp_path, taught_by(teacher), *FACES)
    for key in ("training_loss", "validation_loss"):
        assert [e[key] for e in resumed.history] == pytest.approx([e[key] for e in pupil.history], rel=1e-5)


def test_a_plan_keeps_its_teachers_and_is_not_continued_with_others(teacher, pupil):
    assert plan_of(pupil.folder) == taught_by(teacher)
    with pytest.raises(ModelError, match="another teachers"):
        train(pupil.folder, dataclasses.replace(taught_by(teacher), teachers=()), *FACES)


def test_a_run_that_was_begun_before_there_were_teachers_is_still_one(teacher, tmp_path):
    run = shutil.copytree(teacher, tmp_path / "run")
    values = json.loads((run / "plan.json").read_text())
    for name in ("teachers", "taught_share", "optimizer"):
        del values[name]
    (run / "plan.json").write_text(json.dumps(values))
    assert len(train(run, PLAN, *FACES).history) == PLAN.epochs


def test_teachers_are_told_from_the_pupil_and_from_each_other_by_the_paths_of_their_variables(teacher):
    first, second = load_teachers([str(teacher), str(teacher)], FACES[0])
    paths = [variable.path for network in (first, second, build(TINY)) for variable in network.variables]
    assert len(set(paths)) == len(paths)


def test_a_run_of_other_images_cannot_teach(teacher):
    others = dataclasses.replace(FACES[0], labels=np.roll(FACES[0].labels, 1))
    with pytest.raises(ModelError, match="begun with other train images"):
        load_teachers([str(teacher)], others)


def test_a_run_is_not_begun_with_a_teacher_that_cannot_teach(tmp_path):
    with pytest.raises(ModelError, match="no run that could teach"):
        train(tmp_path / "run", taught_by(tmp_path), *FACES)
    assert not (tmp_path / "run").exists()
