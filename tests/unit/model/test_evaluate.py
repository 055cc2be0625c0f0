"""Figures that are known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.calibrate import brier_score, fit_temperature, log_loss, probabilities
from model.compare import compare, mcnemar
from model.data import CLASSES
from model.errors import ModelError
from model.evaluate import (
    calibration_error,
    confusion,
    evaluate,
    favourite,
    figures,
    macro_f1,
    majority,
    reliability,
    scaled_down_and_up,
)
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


@pytest.mark.parametrize("classes", [("happy",), ("happy", "happy"), ("happy", "bored"), ("disgust", "fear")], ids=str)
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


def test_recall_has_an_interval_for_each_class_that_occurs():
    found = evaluate(sure([0, 3, 3, 3, 4, 4] * 20), np.tile(LABELS, 20))
    assert found.recall_intervals.keys() == found.recall.keys()
    low, high = found.recall_intervals["angry"]
    assert low < 0.5 < high
    assert found.recall_intervals["happy"] == (1.0, 1.0)


def test_reliability_bins_hold_all_images_and_explain_the_calibration_error():
    rng = np.random.default_rng(0)
    confidence, right = rng.uniform(0.2, 1, 500), rng.random(500) < 0.6
    bins = reliability(confidence, right)
    assert sum(b["n"] for b in bins) == 500
    gap = sum(b["n"] * abs(b["confidence"] - b["accuracy"]) for b in bins) / 500
    assert gap == pytest.approx(calibration_error(confidence, right))


def test_small_faces_lose_their_detail_and_large_ones_nothing():
    images = np.random.default_rng(0).integers(0, 255, (3, 48, 48), dtype=np.uint8)
    assert (scaled_down_and_up(images, 48) == images).all()
    assert scaled_down_and_up(images, 16).shape == (3, 48, 48)
    assert scaled_down_and_up(images, 16).std() < scaled_down_and_up(images, 32).std() < images.std()


def looks_left(crops: np.ndarray) -> np.ndarray:
    """Reads the place of the bright column of `draw_faces`."""
    side = crops.shape[1]
    column = crops[:, 0].argmax(axis=1)
    return np.eye(7, dtype=np.float32)[np.clip(np.rint((column + 1) * 9 / side).astype(int) - 1, 0, 6)] * 9


def test_figures_leave_out_copies_and_report_sizes_and_four_classes():
    data = draw_faces(42, seed=0, side_px=48)
    found = figures(looks_left, data, 1.0, copies=np.arange(42) < 10)
    assert list(found["by_face_size"]) == ["48", "32", "24", "16"]
    assert found["by_face_size"]["48"]["accuracy"] == found["one_view"]["accuracy"]
    assert found["without_copies"]["n"] == 32
    assert found["four_classes"]["classes"] == ("angry", "happy", "neutral", "sad")
    assert "classes_present" not in found


def test_classes_that_the_images_lack_are_left_out_of_a_figure_of_its_own():
    data = draw_faces(42, seed=0, side_px=48)
    posed = data.take(data.labels != CLASSES.index("neutral"))
    found = figures(looks_left, posed, 1.0, sizes_px=())
    assert found["classes_present"]["classes"] == ("angry", "disgust", "fear", "happy", "sad", "surprise")
    assert "four_classes" not in found
    assert "classes_present" not in figures(looks_left, posed, 1.0, found["classes_present"]["classes"], sizes_px=())


def test_mcnemar_counts_what_only_one_model_reads_right():
    first = np.array([1, 1, 1, 1, 1, 1, 0, 0], bool)
    second = np.array([1, 0, 0, 0, 0, 0, 0, 1], bool)
    found = mcnemar(first, second)
    assert (found.both, found.only_first, found.only_second, found.neither) == (1, 5, 1, 1)
    assert found.p == pytest.approx(2 * (1 + 6) / 2**6)
    assert mcnemar(first, first).p == 1.0
    with pytest.raises(ModelError):
        mcnemar(first[:0], second[:0])


def test_models_are_compared_on_the_images_of_some_classes_only():
    data = draw_faces(70, seed=0, side_px=48)

    def always_happy(crops: np.ndarray) -> np.ndarray:
        return np.tile(np.eye(7, dtype=np.float32)[3], (len(crops), 1))

    found = compare(looks_left, always_happy, data, ("happy", "sad"))
    assert (found.n, found.both, found.only_first, found.only_second) == (20, 10, 10, 0)


def test_figures_report_flips_and_votes_beside_the_one_view():
    data = draw_faces(21, seed=0)
    data.votes[:, 3] = 8

    found = figures(looks_left, data, temperature=1.0)
    assert found["one_view"]["accuracy"] > found["with_flip"]["accuracy"]
    assert found["ferplus_majority"]["n"] == 21
    assert found["ferplus_majority"]["recall"].keys() == {"happy"}


def test_a_majority_is_more_than_half_of_all_votes_and_a_favourite_may_have_less():
    data = draw_faces(5, seed=0)
    data.votes[:, 3] = [6, 5, 4, 4, 0]
    data.votes[:, 5] = [4, 3, 4, 2, 0]
    data.other_votes[:] = [0, 2, 0, 4, 10]
    data.not_a_face[4] = 1.0
    agreed, answer = majority(data)
    assert agreed.tolist() == [True, False, False, False, False]
    single, best = favourite(data)
    assert single.tolist() == [True, True, False, True, False]
    assert set(answer[agreed]) == set(best[single]) == {3}


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
    assert brier_score(logits, labels, temperature) < brier_score(logits, labels)
    assert (probabilities(logits, temperature).argmax(axis=1) == logits.argmax(axis=1)).all()


def test_a_few_wrong_labels_read_with_certainty_do_not_make_all_others_unsure():
    logits = np.zeros((200, 7))
    logits[:, 0], labels = 3.0, np.zeros(200, np.int64)
    labels[:30] = 1
    logits[30:33, 0], labels[30:33] = 40.0, 2
    p = probabilities(logits[33:], fit_temperature(logits, labels))
    assert p[0, 0] == pytest.approx(0.85, abs=0.04)


def test_probabilities_survive_huge_logits_and_nothing_to_fit_is_an_error():
    assert probabilities(np.array([[1e6, 0.0]])).tolist() == [[1.0, 0.0]]
    with pytest.raises(ModelError):
        fit_temperature(np.zeros((0, len(CLASSES))), np.zeros(0, np.int64))
