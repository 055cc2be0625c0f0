"""What changed between two samples."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from emorec.faces.change import Change, ChangeMeter, motion_in_and_around, unchanged

SIZE = (640, 360)


def scene(seed: int) -> np.ndarray:
    """A picture with texture everywhere."""
    blobs = np.random.default_rng(seed).integers(0, 255, (36, 64, 3), dtype=np.uint8)
    return cv2.resize(blobs, SIZE, interpolation=cv2.INTER_CUBIC)


def change_between(before: np.ndarray, now: np.ndarray) -> Change:
    meter = ChangeMeter()
    meter.measure(before)
    return meter.measure(now)


def with_patch(picture: np.ndarray, box: tuple[int, int, int, int], seed: int) -> np.ndarray:
    x, y, w, h = box
    patched = picture.copy()
    patched[y : y + h, x : x + w] = scene(seed)[y : y + h, x : x + w]
    return patched


def test_the_first_sample_is_a_cut() -> None:
    assert ChangeMeter().measure(scene(0)).cut


@pytest.mark.parametrize(
    ("now", "cut"),
    [
        pytest.param(scene(0), False, id="the same picture"),
        pytest.param(scene(1), True, id="another scene"),
        pytest.param(with_patch(scene(0), (100, 100, 160, 160), 1), False, id="a person moved"),
        pytest.param(np.roll(scene(0), 40, axis=1), False, id="the camera panned"),
        pytest.param(cv2.convertScaleAbs(scene(0), alpha=0.8), False, id="the light changed"),
    ],
)
def test_only_another_scene_is_a_cut(now: np.ndarray, cut: bool) -> None:
    assert change_between(scene(0), now).cut is cut


def test_a_pan_says_how_far_the_picture_moved() -> None:
    assert change_between(scene(0), np.roll(scene(0), 40, axis=1)).shift_px == pytest.approx((40, 0), abs=3)


def test_replaced_areas_are_found_where_they_are_and_not_where_faces_are() -> None:
    change = change_between(scene(0), with_patch(scene(0), (320, 80, 192, 160), 1))
    areas, shares = change.areas_outside(np.zeros((0, 4), np.float32))
    np.testing.assert_allclose(areas[0], [320, 80, 192, 160], atol=20)
    assert shares[0] == pytest.approx(192 * 160 / (640 * 360), rel=0.2)
    assert len(change.areas_outside(np.array([[300, 60, 240, 200]], np.float32))[0]) == 0
    assert change.replaced_share(np.array([330, 90, 150, 120], np.float32)) > 0.8
    assert change.replaced_share(np.array([20, 90, 150, 120], np.float32)) == 0


def test_motion_is_told_apart_inside_a_box_and_around_it() -> None:
    box = np.array([200, 100, 80, 80], np.float32)
    inside, around = motion_in_and_around(scene(0), with_patch(scene(0), (200, 100, 80, 80), 1), box)
    assert inside > 0.1
    assert around == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize(("step", "same"), [(0, True), (1, False), (40, False)])
def test_only_the_same_pixels_are_unchanged(step: int, same: bool) -> None:
    now = scene(0)
    now[110:130, 210:230] = np.clip(now[110:130, 210:230].astype(int) + 20 * step, 0, 255)
    assert unchanged(scene(0), now, np.array([200, 100, 80, 80], np.float32)) is same
