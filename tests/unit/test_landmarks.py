"""Meshes and irises of portraits whose geometry is known: what is done to the picture is seen in the landmarks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emorec.errors import AssetError
from emorec.landmarks import EyeMemory, LandmarkReader, box_from_mesh, eye_centers
from emorec.types import Detections
from tests.portraits import Portrait, collins, hopper

NOSE_TIP, CHIN, FOREHEAD = 1, 152, 10


@pytest.fixture(scope="module")
def reader(models: Path) -> LandmarkReader:
    return LandmarkReader(models / "face_landmark.tflite", models / "iris_landmark.tflite")


@pytest.mark.parametrize("portrait_of", [collins, hopper])
def test_the_mesh_lies_on_the_face(reader: LandmarkReader, portrait_of: Callable[[], Portrait]) -> None:
    portrait = portrait_of()
    found = reader.read(portrait.rgb, portrait.face)
    assert found.presence[0] > 0.9
    width = portrait.face.box_px[0, 2]
    np.testing.assert_allclose(eye_centers(found.mesh_px)[0], portrait.face.points_px[0, :2], atol=0.06 * width)
    np.testing.assert_allclose(found.mesh_px[0, NOSE_TIP, :2], portrait.face.points_px[0, 2], atol=0.09 * width)
    assert found.mesh_px[0, FOREHEAD, 1] < found.mesh_px[0, NOSE_TIP, 1] < found.mesh_px[0, CHIN, 1]
    assert found.mesh_px[0, NOSE_TIP, 2] < found.mesh_px[0, FOREHEAD, 2], "the nose is nearer to the camera"


@pytest.mark.parametrize("portrait_of", [collins, hopper])
def test_pupils_lie_between_the_lids(reader: LandmarkReader, portrait_of: Callable[[], Portrait]) -> None:
    portrait = portrait_of()
    found = reader.read(portrait.rgb, portrait.face)
    for eye in range(2):
        lids, pupil = found.lids_px[0, eye], found.iris_px[0, eye, 0]
        assert (lids.min(axis=0) < pupil).all()
        assert (pupil < lids.max(axis=0)).all()
        assert lids[9:16, 1].mean() < lids[1:8, 1].mean(), "the upper lid is above the lower one"
    assert found.lids_px[0, 0, :, 0].max() < found.lids_px[0, 1, :, 0].min(), "the eye at the picture's left is first"


def test_a_larger_picture_has_its_landmarks_further_apart(reader: LandmarkReader) -> None:
    small, large = collins(), collins().resized(2)
    one, two = reader.read(small.rgb, small.face), reader.read(large.rgb, large.face)
    np.testing.assert_allclose(two.mesh_px / 2, one.mesh_px, atol=2)
    np.testing.assert_allclose(two.lids_px / 2, one.lids_px, atol=2)


def test_a_mirrored_picture_has_mirrored_landmarks(reader: LandmarkReader) -> None:
    straight, mirrored = collins(), collins().mirrored()
    one, two = reader.read(straight.rgb, straight.face), reader.read(mirrored.rgb, mirrored.face)
    width = straight.rgb.shape[1]
    np.testing.assert_allclose(width - two.lids_px[0, ::-1, :, 0], one.lids_px[0, :, :, 0], atol=2)
    np.testing.assert_allclose(two.iris_px[0, ::-1, 0, 1], one.iris_px[0, :, 0, 1], atol=2)


def test_eyes_of_small_faces_are_not_measured_unless_asked_for(reader: LandmarkReader) -> None:
    small = collins().resized(0.22)
    assert np.isnan(reader.read(small.rgb, small.face).lids_px).all()
    asked = reader.read(small.rgb, small.face, np.ones(1, bool))
    assert np.isfinite(asked.lids_px).all()
    assert np.isfinite(asked.iris_px).all()


def test_eyes_that_look_the_same_are_put_where_the_face_is_now(reader: LandmarkReader) -> None:
    portrait, memory, wanted = collins(), EyeMemory(), np.ones(1, bool)
    first = reader.read_eyes(portrait.rgb, reader.read_meshes(portrait.rgb, portrait.face), wanted, [memory])
    moved = portrait.warped(np.array([[1.0, 0, 10], [0, 1, 5]]), portrait.rgb.shape[1::-1])
    noisy = moved.rgb.astype(np.int16) + np.random.default_rng(1).integers(-2, 3, moved.rgb.shape)
    picture = noisy.clip(0, 255).astype(np.uint8)
    shift = np.array([10, 5, 0], np.float32)
    there = replace(first, mesh_px=first.mesh_px + shift)
    held = reader.read_eyes(picture, there, wanted, [memory])
    np.testing.assert_allclose(held.lids_px, first.lids_px + shift[:2], atol=1e-3)
    np.testing.assert_allclose(held.iris_px, first.iris_px + shift[:2], atol=1e-3)
    read = reader.read_eyes(picture, there, wanted)
    assert np.abs(read.lids_px - held.lids_px).max() > 1e-2, "noise moves what is read anew"


def test_an_eye_that_looks_different_is_read_again(reader: LandmarkReader) -> None:
    portrait, memory, wanted = collins(), EyeMemory(), np.ones(1, bool)
    mesh = reader.read_meshes(portrait.rgb, portrait.face)
    first = reader.read_eyes(portrait.rgb, mesh, wanted, [memory])
    shut = portrait.rgb.copy()
    left, top, right, bottom = (int(v) for v in (*first.lids_px[0, 0].min(axis=0), *first.lids_px[0, 0].max(axis=0)))
    # The skin above the eye, over it.
    height = bottom + 2 - top
    shut[top : top + height, left:right] = shut[top - height : top, left:right]
    now = reader.read_eyes(shut, mesh, wanted, [memory])
    assert np.array_equal(now.lids_px[0, 0], reader.read_eyes(shut, mesh, wanted).lids_px[0, 0])
    assert np.array_equal(now.lids_px[0, 1], first.lids_px[0, 1]), "the other one is as it was"


def test_slow_changes_of_an_eye_add_up(reader: LandmarkReader) -> None:
    memory, points = EyeMemory(), np.zeros((21, 2))
    crop = np.random.default_rng(2).integers(60, 180, (64, 64, 3)).astype(np.uint8)
    memory.keep(0, crop, points)
    recalled = [memory.recall(0, crop + np.uint8(step), 0.33) is points for step in range(0, 40, 4)]
    assert recalled[0]
    assert not recalled[-1]
    assert recalled == sorted(recalled, reverse=True)
    assert memory.recall(1, crop, 0.33) is None, "the other eye was never read"


def test_a_picture_without_a_face_has_little_presence(reader: LandmarkReader) -> None:
    portrait = collins()
    found = reader.read(np.full_like(portrait.rgb, 128), portrait.face)
    assert found.presence[0] < 0.1


def test_a_face_at_the_border_and_no_face_at_all_are_read(reader: LandmarkReader) -> None:
    portrait = collins()
    cut = np.ascontiguousarray(portrait.rgb[90:, 190:])
    moved = Detections(
        portrait.face.box_px - np.float32([190, 90, 0, 0]),
        portrait.face.score,
        portrait.face.points_px - np.float32([190, 90]),
    )
    assert np.isfinite(reader.read(cut, moved).mesh_px).all()
    assert len(reader.read(portrait.rgb, Detections.empty())) == 0


def test_the_box_of_a_mesh_is_near_the_detectors(reader: LandmarkReader) -> None:
    portrait = collins()
    box = box_from_mesh(reader.read(portrait.rgb, portrait.face).mesh_px)[0]
    detected = portrait.face.box_px[0]
    assert abs((box[0] + box[2] / 2) - (detected[0] + detected[2] / 2)) < 0.15 * detected[2]
    assert 0.8 < box[2] / detected[2] < 1.3


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mesh.tflite").write_bytes(b"nothing")
    with pytest.raises(AssetError, match="emorec assets"):
        LandmarkReader(tmp_path / "mesh.tflite", tmp_path / "mesh.tflite")
