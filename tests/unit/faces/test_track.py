"""Tracks by position and size, in seconds."""

from __future__ import annotations

import numpy as np
import pytest

from emorec.faces.track import Tracker


def face(x: float, y: float = 100, size: float = 50) -> np.ndarray:
    return np.array([x, y, size, size], np.float32)


def faces(*boxes: np.ndarray) -> np.ndarray:
    return np.array(boxes, np.float32).reshape(-1, 4)


def test_a_face_that_moves_a_little_keeps_its_track() -> None:
    tracker = Tracker(max_gap_s=1.8)
    numbers = [int(tracker.update(i / 2, faces(face(100 + 15 * i)))[0]) for i in range(6)]
    assert numbers == [0] * 6


@pytest.mark.parametrize(("gap_s", "same"), [(1.5, True), (2.5, False)])
@pytest.mark.parametrize("rate_hz", [1, 2, 10])
def test_the_gap_that_is_bridged_is_one_of_seconds_at_any_rate(rate_hz: int, gap_s: float, same: bool) -> None:
    tracker = Tracker(max_gap_s=1.8)
    for i in range(rate_hz * 2):
        tracker.update(i / rate_hz, faces(face(100)))
    last_s = (rate_hz * 2 - 1) / rate_hz
    for i in range(1, 40):
        if i / rate_hz < gap_s:
            tracker.update(last_s + i / rate_hz, faces())
    assert tracker.update(last_s + gap_s, faces(face(100))).tolist() == [0 if same else 1]


def test_faces_that_pass_each_other_are_told_apart_by_their_motion() -> None:
    tracker = Tracker(max_gap_s=1.8)
    for i in range(9):
        numbers = tracker.update(i / 10, faces(face(100 + 20 * i, y=100), face(260 - 20 * i, y=118)))
        assert numbers.tolist() == [0, 1]


def test_pairs_are_made_for_all_faces_at_once() -> None:
    tracker = Tracker(max_gap_s=1.8)
    tracker.update(0.0, faces(face(100), face(140)))
    # The nearest track of the first face is the second's own.
    assert tracker.update(0.5, faces(face(125), face(165))).tolist() == [0, 1]


def test_another_size_or_place_is_another_track() -> None:
    tracker = Tracker(max_gap_s=1.8)
    tracker.update(0.0, faces(face(100)))
    assert tracker.update(0.5, faces(face(90, y=90, size=120), face(400))).tolist() == [1, 2]


def test_no_track_goes_on_after_its_end() -> None:
    tracker = Tracker(max_gap_s=1.8)
    tracker.update(0.0, faces(face(100), face(300)))
    tracker.end(np.array([1], np.int32))
    assert tracker.update(0.5, faces(face(100), face(300))).tolist() == [0, 2]
    tracker.end()
    assert tracker.numbers() == set()
    assert tracker.update(1.0, faces(face(100))).tolist() == [3]


def test_a_panning_camera_takes_the_faces_along() -> None:
    tracker = Tracker(max_gap_s=1.8)
    tracker.update(0.0, faces(face(100)))
    assert tracker.update(0.5, faces(face(250)), shift_px=(150.0, 0.0)).tolist() == [0]
