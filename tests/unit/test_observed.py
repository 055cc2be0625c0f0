"""What is known of a chunk's faces as they come."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from emorec.clock import StageClock
from emorec.observed import EmotionQueue, HeldSignals
from emorec.types import EMOTIONS, Signals


def eyes(*values: float) -> Signals:
    """Signals of as many faces, whose eyes all read the same value; NaN: they were not read."""
    column = np.array(values, np.float32)
    return Signals(
        **{f.name: column if f.name in {"eyes_open", "gaze_x", "gaze_y"} else column * 0 for f in fields(Signals)}
    )


READ_1, READ_2 = np.zeros(1, bool), np.zeros(2, bool)


def test_a_face_that_kept_its_mesh_says_what_it_said() -> None:
    held = HeldSignals()
    first = Signals(*np.arange(14, dtype=np.float32).reshape(7, 2))
    held.held(0.0, np.array([3, 5], np.int32), first, READ_2)
    noisy = Signals(*(np.arange(14, dtype=np.float32).reshape(7, 2) + 100))
    now = held.held(0.5, np.array([5, 3], np.int32), noisy, np.array([True, False]))
    for f in fields(Signals):
        assert getattr(now, f.name)[0] == getattr(first, f.name)[1]
        assert getattr(now, f.name)[1] == getattr(noisy, f.name)[1]


def test_eyes_that_were_not_read_are_as_at_the_sample_before() -> None:
    held = HeldSignals()
    held.held(0.0, np.array([3, 5], np.int32), eyes(0.3, 0.5), READ_2)
    now = held.held(0.5, np.array([5, 3], np.int32), eyes(np.nan, np.nan), READ_2)
    for column in (now.eyes_open, now.gaze_x, now.gaze_y):
        assert column == pytest.approx([0.5, 0.3])


def test_eyes_that_were_read_are_as_they_are_now() -> None:
    held = HeldSignals()
    held.held(0.0, np.array([3], np.int32), eyes(0.3), READ_1)
    assert held.held(0.5, np.array([3], np.int32), eyes(0.1), READ_1).eyes_open == pytest.approx([0.1])


@pytest.mark.parametrize(("track", "t_s"), [(4, 0.5), (3, 1.0)], ids=["another track", "too long ago"])
def test_nothing_is_made_up(track: int, t_s: float) -> None:
    held = HeldSignals()
    held.held(0.0, np.array([3], np.int32), eyes(0.3), READ_1)
    assert np.isnan(held.held(t_s, np.array([track], np.int32), eyes(np.nan), READ_1).eyes_open).all()


class Sizes:
    """Classifies nothing, and remembers how many faces it was given at a time."""

    batch = 3

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def classify(self, crops: np.ndarray) -> np.ndarray:
        self.sizes.append(len(crops))
        return np.zeros((len(crops), len(EMOTIONS)), np.float32) + crops[:, :1, 0]


def test_faces_are_classified_in_batches_of_the_size_that_the_classifier_likes() -> None:
    classifier = Sizes()
    crops = np.arange(4, dtype=np.uint8)[:, None, None] * np.ones((1, 48, 48), np.uint8)
    nothing = np.full(4, -1, np.int32)
    with EmotionQueue(classifier, StageClock()) as queue:
        places = [queue.add(crops, np.ones(4, bool), nothing), queue.add(crops, np.array([0, 1, 0, 1], bool), nothing)]
        values = queue.probabilities()[:, 0]
    assert classifier.sizes == [3, 3]
    assert values[np.concatenate(places)[[0, 1, 2, 3, 5, 7]]].tolist() == [0, 1, 2, 3, 1, 3]
    assert places[1][[0, 2]].tolist() == [-1, -1]
