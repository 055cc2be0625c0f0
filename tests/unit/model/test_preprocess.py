"""From a box in a frame to the network's input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import ModelError
from model.preprocess import (
    SHIFT_UP_PER_BOX_WIDTH,
    SIDE_PER_BOX_WIDTH,
    as_crop,
    crop_face,
    crop_faces,
    square_of_box,
    standardize,
)


def frame_of_coordinates() -> np.ndarray:
    """A frame whose grey level is its x in the upper half and its y in the lower: a crop shows where it was cut."""
    frame = np.zeros((240, 240, 3), np.uint8)
    frame[:] = np.arange(240)[None, :, None]
    return frame


def test_the_square_has_the_measured_size_and_place():
    left, top, side = square_of_box([100, 200, 50, 50])
    assert side == pytest.approx(50 * SIDE_PER_BOX_WIDTH)
    assert left + side / 2 == pytest.approx(125)
    assert top + side / 2 == pytest.approx(225 - SHIFT_UP_PER_BOX_WIDTH * 50)


def test_a_crop_shows_exactly_the_square_around_the_face():
    crop = crop_face(frame_of_coordinates(), [80, 80, 96, 96])
    left, _, side = square_of_box([80, 80, 96, 96])
    assert crop[24, 0] == pytest.approx(left + side / 96, abs=2)
    assert crop[24, -1] == pytest.approx(left + side - side / 96, abs=2)


def test_a_mark_in_the_frame_lands_at_its_place_in_the_crop():
    frame = np.zeros((200, 200, 3), np.uint8)
    box = np.array([60, 70, 80, 80])
    left, top, side = square_of_box(box)
    mark_x, mark_y = 90, 130
    frame[mark_y - 2 : mark_y + 3, mark_x - 2 : mark_x + 3] = 255
    crop = crop_face(frame, box).astype(float)
    rows, columns = np.mgrid[0:48, 0:48]
    assert (crop * columns).sum() / crop.sum() == pytest.approx((mark_x + 0.5 - left) / side * 48 - 0.5, abs=0.7)
    assert (crop * rows).sum() / crop.sum() == pytest.approx((mark_y + 0.5 - top) / side * 48 - 0.5, abs=0.7)


def test_a_box_over_the_border_repeats_the_border():
    frame = np.full((100, 100, 3), 50, np.uint8)
    frame[:, 0] = 200
    crop = crop_face(frame, [-48, 20, 96, 96])
    assert crop.shape == (48, 48)
    assert (crop[:, :20] == 200).all()
    assert (crop[:, 30:] == 50).all()


def test_many_boxes_give_what_each_gives_alone():
    frame = np.random.default_rng(0).integers(0, 255, (120, 160, 3), dtype=np.uint8)
    boxes = np.array([[10, 10, 40, 40], [60, 30, 20, 20], [-5, 90, 60, 60]])
    together = crop_faces(frame, boxes)
    assert all((together[i] == crop_face(frame, box)).all() for i, box in enumerate(boxes))
    assert crop_faces(frame, np.zeros((0, 4))).shape == (0, 48, 48)


def test_shrinking_averages_instead_of_picking_pixels():
    checkerboard = (np.indices((480, 480)).sum(axis=0) % 2 * 255).astype(np.uint8)
    assert as_crop(checkerboard).std() < 2


@pytest.mark.parametrize(
    ("frame", "box"),
    [
        pytest.param(np.zeros((10, 10, 4), np.uint8), [0, 0, 5, 5], id="four channels"),
        pytest.param(np.zeros((10, 10, 3), np.float32), [0, 0, 5, 5], id="floats"),
        pytest.param(np.zeros((10, 10, 3), np.uint8), [0, 0, 0, 5], id="no width"),
        pytest.param(np.zeros((10, 10, 3), np.uint8), [0, np.nan, 5, 5], id="not a number"),
    ],
)
def test_a_frame_or_box_without_meaning_is_refused(frame, box):
    with pytest.raises(ModelError):
        crop_face(frame, box)


@given(gain=st.floats(0.3, 1), lift=st.integers(0, 60))
def test_standardized_images_do_not_depend_on_light_and_contrast(gain, lift):
    image = np.random.default_rng(0).integers(0, 190, (1, 48, 48)).astype(np.uint8)
    changed = np.rint(image * gain + lift).astype(np.uint8)
    assert np.abs(standardize(image) - standardize(changed)).max() < 0.06


def test_standardized_images_have_mean_0_and_deviation_1_and_an_empty_one_is_0():
    images = np.stack([np.full((48, 48), 80), np.random.default_rng(0).integers(0, 255, (48, 48))]).astype(np.uint8)
    empty, full = standardize(images)
    assert (empty == 0).all()
    assert full.mean() == pytest.approx(0, abs=1e-5)
    assert full.std() == pytest.approx(1, abs=1e-5)
