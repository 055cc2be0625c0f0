"""Figures that are known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.calibrate import fit_temperature, log_loss, probabilities
from model.data import CLASSES
from model.errors import ModelError
from model.evaluate import calibration_error, confusion, evaluate, figures, macro_f1
from tests.unit.model.conftest import draw_faces

LABELS = np.array([0, 0, 3, 3, 4, 6])


def sure(answers: list[int], share: float = 0.94) -> np.ndarray:
    """Probabilities with `share` on each answer and the rest spread evenly."""
    p = np.full((len(answers), 7), (1 - share) / 6)
    p[np.arange(len(answers)), answers] = share
    return p


def test_accuracy_recall_confusion_and_f1_of_a_known_table():
    found = evaluate(sure([0, 3, 3, 3, 4, 4]), LABELS)
    assert found.accuracy == pytest.approx(4 / 6)
    assert found.recall == {"angry": 0.5, "happy": 1.0, "neutral": 1.0, "surprise": 0.0}
    assert found.confusion[0] == [1, 0, 0, 1, 0, 0, 0]
    f1_angry, f1_happy, f1_neutral, f1_surprise = 2 / 3, 4 / 5, 2 / 3, 0
    assert found.macro_f1 == pytest.approx((f1_angry + f1_happy + f1_neutral + f1_surprise) / 4)


def test_some_classes_count_only_their_images_and_share_all_probability():
    p = sure([0, 6, 3, 3, 4, 6], share=0.4)
    found = evaluate(p, LABELS, ("happy", "angry"))
    assert found.n == 4
    assert found.classes == ("angry", "happy")
    assert found.accuracy == pytest.approx(3.5 / 4, abs=0.13)
    assert found.ece == pytest.approx(calibration_error(np.array([0.8, 0.5, 0.8, 0.8]), np.array([1, 1, 1, 1]) > 0))


@pytest.mark.parametrize("classes", [("happy",), ("happy", "bored"), ("disgust", "fear")], ids=str)
def test_classes_that_cannot_be_compared_are_refused(classes):
    with pytest.raises(ModelError):
        evaluate(sure([0] * 6), LABELS, classes)


def test_calibration_error_is_the_gap_between_confidence_and_success():
    assert calibration_error(np.full(10, 0.9), np.arange(10) < 9) == pytest.approx(0)
    assert calibration_error(np.full(10, 0.9), np.arange(10) < 5) == pytest.approx(0.4)
    assert calibration_error(np.array([1.0, 0.5]), np.array([False, True])) == pytest.approx(0.75)


def test_intervals_hold_the_figure_and_narrow_with_more_images():
    few, many = (evaluate(sure([0, 3, 3, 3, 4, 4] * n), np.tile(LABELS, n)) for n in (5, 200))
    for found in (few, many):
        low, high = found.intervals["accuracy"]
        assert low <= found.accuracy <= high
    assert np.diff(many.intervals["accuracy"]) < np.diff(few.intervals["accuracy"])


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=40))
def test_confusion_counts_each_image_once_and_f1_stays_between_0_and_1(pairs):
    truth, answer = np.array(pairs).T
    table = confusion(truth, answer, 7)
    assert table.sum() == len(pairs)
    assert np.trace(table) == (truth == answer).sum()
    assert 0 <= macro_f1(table) <= 1


def test_figures_report_flips_and_votes_beside_the_one_view():
    data = draw_faces(21, seed=0)
    data.votes[:, 3] = 8

    def looks_left(crops: np.ndarray) -> np.ndarray:
        column = crops[:, 0].argmax(axis=1)
        return np.eye(7, dtype=np.float32)[np.clip(np.rint((column + 1) * 9 / 16).astype(int) - 1, 0, 6)] * 9

    found = figures(looks_left, data, temperature=1.0)
    assert found["one_view"]["accuracy"] > found["with_flip"]["accuracy"]
    assert found["ferplus_majority"]["n"] == 21
    assert found["ferplus_majority"]["recall"].keys() == {"happy"}


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_the_temperature_that_made_logits_too_sure_is_found_again(temperature):
    rng = np.random.default_rng(0)
    honest = rng.normal(size=(4000, 7)) * 2
    labels = (probabilities(honest).cumsum(axis=1) < rng.random((4000, 1))).sum(axis=1).clip(0, 6)
    assert fit_temperature(honest * temperature, labels) == pytest.approx(temperature, rel=0.1)


def test_calibration_lowers_the_loss_and_keeps_the_answers():
    rng = np.random.default_rng(1)
    logits, labels = rng.normal(size=(500, 7)) * 9, rng.integers(0, 7, 500)
    temperature = fit_temperature(logits, labels)
    assert log_loss(logits, labels, temperature) < log_loss(logits, labels)
    assert (probabilities(logits, temperature).argmax(axis=1) == logits.argmax(axis=1)).all()


def test_probabilities_survive_huge_logits_and_nothing_to_fit_is_an_error():
    assert probabilities(np.array([[1e6, 0.0]])).tolist() == [[1.0, 0.0]]
    with pytest.raises(ModelError):
        fit_temperature(np.zeros((0, len(CLASSES))), np.zeros(0, np.int64))
