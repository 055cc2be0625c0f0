"""A chunk, observed: a drawn call with one portrait, half a minute long at most."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from emorec.attention import Calibration, attention
from emorec.observe import Observer
from emorec.settings import Settings
from emorec.types import EMOTIONS, Columns, Faces, Observations, Progress, Sample, Signals
from tests.portraits import collins, hopper

TILES = [(20, 20, 300, 170), (340, 20, 300, 170), (20, 210, 300, 170), (340, 210, 300, 170)]


@pytest.fixture(scope="module")
def observer(models: Path) -> Iterator[Observer]:
    with Observer(Settings.load(assets=models)) as opened:
        yield opened


def head(shift: int) -> np.ndarray:
    data = pytest.importorskip("skimage.data", reason="the portrait is scikit-image's (extra: demo)")
    return np.asarray(data.astronaut()[10:210, 50 + shift : 403 + shift], np.uint8)


def call(place: int | None, shift: int = 0) -> np.ndarray:
    """A call of four tiles [400, 660, 3] in one of which, or none, somebody is seen."""
    picture = np.full((400, 660, 3), 20, np.uint8)
    for i, (x, y, w, h) in enumerate(TILES):
        picture[y : y + h, x : x + w] = (60, 70 + 20 * i, 90)
        if i == place:
            picture[y : y + h, x : x + w] = cv2.resize(head(shift), (w, h), interpolation=cv2.INTER_AREA)
    return picture


def samples(*pictures: np.ndarray) -> list[Sample]:
    return [Sample(i / 2, picture) for i, picture in enumerate(pictures)]


def seen(observer: Observer, *pictures: np.ndarray) -> Observations:
    return observer.observe(samples(*pictures)).observations


def same(one: Columns, other: Columns) -> bool:
    def equal(a: Any, b: Any) -> bool:
        return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")

    return all(equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))


def test_somebody_who_moves_a_little_is_one_track_in_one_tile(observer: Observer) -> None:
    chunk = seen(observer, *[call(0, shift) for shift in (0, 6, 12, 6, 0, 6)])
    assert chunk.faces.track.tolist() == [0] * 6
    assert len(chunk.tiles) == 4
    assert set(chunk.faces.tile) == {int(chunk.tiles.tile[0])}
    assert chunk.tiles.has_face.tolist() == [True, False, False, False]
    assert (chunk.faces.presence > 0.9).all()
    assert np.isfinite(chunk.faces.yaw).all()
    np.testing.assert_allclose(chunk.faces.emotions.sum(axis=1), 1, atol=1e-3)
    assert np.isnan(chunk.faces.motion[0])
    assert (chunk.faces.motion[1:] > 0).all()


def test_an_appearance_is_kept_for_every_track(observer: Observer) -> None:
    chunk = seen(observer, call(0), call(0, 6), call(None), call(3), call(3, 6))
    assert chunk.tracks.track.tolist() == sorted(set(chunk.faces.track)) == [0, 1]
    assert (chunk.tracks.crops >= 1).all()
    assert np.linalg.norm(chunk.tracks.embedding[0] - chunk.tracks.embedding[1]) < 0.4


def test_somebody_who_comes_is_found_at_once_between_searches_of_the_whole_picture(observer: Observer) -> None:
    chunk = seen(observer, call(None), call(None), call(2), call(2, 4))
    assert chunk.faces.t_s.tolist() == [1.0, 1.5]
    assert not chunk.samples.searched[1:].any()


def test_a_picture_that_stands_still_is_read_once_and_its_values_repeated(observer: Observer) -> None:
    chunk = seen(observer, call(0), call(0), call(0), call(0, 8))
    assert chunk.faces.skipped.tolist() == [False, True, True, False]
    for column in ("box_px", "yaw", "emotions", "quality"):
        values = getattr(chunk.faces, column)
        np.testing.assert_array_equal(values[1], values[0])


def test_tracks_end_at_a_cut(observer: Observer) -> None:
    elsewhere = np.random.default_rng(0).integers(0, 255, (20, 33, 3), dtype=np.uint8)
    other_scene = cv2.resize(elsewhere, (660, 400), interpolation=cv2.INTER_CUBIC)
    other_scene[20:190, 20:320] = cv2.resize(head(0), (300, 170), interpolation=cv2.INTER_AREA)
    chunk = seen(observer, call(0), call(0, 6), other_scene)
    assert chunk.samples.cut.tolist() == [True, False, True]
    assert chunk.faces.track.tolist() == [0, 0, 1]


def test_a_track_does_not_go_on_with_another_face_because_its_own_is_now_in_the_next_tile(observer: Observer) -> None:
    def close_up(portrait: np.ndarray, place: int, rows: slice, columns: slice, into: np.ndarray) -> np.ndarray:
        x, y, w, h = TILES[place]
        into[y : y + h, x : x + w] = cv2.resize(portrait[rows, columns], (w, h), interpolation=cv2.INTER_AREA)
        return into

    one, other = collins().rgb, hopper().rgb
    before = close_up(one, 0, slice(60, 163), slice(133, 315), call(None))
    now = close_up(one, 2, slice(85, 188), slice(133, 315), call(None))
    now = close_up(other, 0, slice(130, 333), slice(87, 445), now)

    chunk = seen(observer, before, before, now)

    assert len(chunk.samples) == 3
    assert not chunk.samples.cut[1:].any()
    where = {
        (t_s, bool(y > 170)): track
        for t_s, y, track in zip(
            chunk.faces.t_s.tolist(),
            chunk.faces.box_px[:, 1] + chunk.faces.box_px[:, 3] / 2,
            chunk.faces.track,
            strict=True,
        )
    }
    assert set(where) == {(0.0, False), (0.5, False), (1.0, False), (1.0, True)}
    assert where[1.0, False] != where[0.5, False]


def test_the_same_samples_give_the_same_observations(observer: Observer) -> None:
    pictures = [call(i % 3 or None, 3 * i) for i in range(8)]
    one, other = seen(observer, *pictures), seen(observer, *pictures)
    assert all(same(getattr(one, f.name), getattr(other, f.name)) for f in fields(Observations))


def test_without_emotions_no_face_is_classified(models: Path) -> None:
    with Observer(Settings.load(assets=models, privacy={"emotions": False})) as observer:
        result = observer.observe(samples(call(0), call(0, 6)))
    assert result.observations.faces.emotions.shape == (2, len(EMOTIONS))
    assert np.isnan(result.observations.faces.emotions).all()
    assert "emotions" not in result.stages


def test_progress_and_costs_are_told(observer: Observer) -> None:
    steps: list[Progress] = []
    result = observer.observe(samples(call(0), call(0, 6)), steps.append)
    assert [(step.done_s, step.samples, step.faces) for step in steps] == [(0.0, 1, 1), (0.5, 2, 2)]
    assert result.stages["observe"]["samples"] == 2
    assert {"decode", "change", "faces", "landmarks", "identity"} <= set(result.stages)
    assert all(figure["wall_s"] >= 0 for figure in result.stages.values())


def test_a_chunk_without_samples_is_empty(observer: Observer) -> None:
    chunk = seen(observer)
    assert [len(getattr(chunk, f.name)) for f in fields(Observations)] == [0, 0, 0, 0]


def test_what_goes_wrong_while_reading_is_raised_where_it_is_used(observer: Observer) -> None:
    def broken() -> Iterator[Sample]:
        yield Sample(0.0, call(0))
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        observer.observe(broken())


def test_of_a_crowd_half_is_read_at_a_sample_and_the_others_at_the_next(models: Path) -> None:
    pictures = [np.maximum(call(0, shift), call(3, shift)) for shift in (0, 2, 4, 6, 4, 2)]
    settings = Settings.load(assets=models)
    crowd = settings.landmarks.model_copy(update={"in_turn_from_faces": 2})
    with Observer(settings.model_copy(update={"landmarks": crowd})) as in_turn, Observer(settings) as plain:
        faces, every = (seen(observer, *pictures).faces for observer in (in_turn, plain))
    assert np.array_equal(faces.box_px, every.box_px)
    for track in (0, 1):
        own, told = faces[faces.track == track], every[every.track == track]
        assert len(own) == len(pictures)
        assert np.isfinite(own.eyes_open).all()
        for name in ("yaw", "pitch", "mouth_open", "eyes_open", "gaze_x"):
            value, truth = getattr(own, name), getattr(told, name)
            held = np.flatnonzero(np.diff(value) == 0) + 1
            assert held.tolist() == [i for i in range(1, len(pictures)) if (track + i) % 2]
            assert np.array_equal(np.delete(value, held), np.delete(truth, held))


def small_face(width_px: int) -> np.ndarray:
    """A picture [400, 660, 3] with a face of about this width."""
    picture = np.full((400, 660, 3), 120, np.uint8)
    portrait = collins().resized(width_px / 99).rgb
    picture[100 : 100 + len(portrait), 200 : 200 + portrait.shape[1]] = portrait
    return picture


def test_the_eyes_of_faces_under_the_least_width_are_not_measured_and_the_head_alone_says_attention(
    models: Path,
) -> None:
    settings = Settings.load(assets=models)
    smaller = settings.landmarks.model_copy(update={"iris_min_face_px": 15})
    with Observer(settings) as usual, Observer(settings.model_copy(update={"landmarks": smaller})) as asked:
        small, large = seen(usual, small_face(22)).faces, seen(usual, small_face(40)).faces
        read = seen(asked, small_face(22)).faces
    assert len(small) == len(large) == len(read) == 1
    assert small.box_px[0, 2] < settings.landmarks.iris_min_face_px <= large.box_px[0, 2]
    assert np.isfinite([large.eyes_open, large.gaze_x, read.eyes_open, read.gaze_x]).all()
    assert np.isnan([small.eyes_open, small.gaze_x, small.gaze_y]).all()
    assert np.isfinite([small.yaw, small.pitch, small.mouth_open]).all()
    # As measured, its eyes are shut and turned away.
    usual_pose = Calibration(float(small.yaw[0]), float(small.pitch[0]), gaze_x=-9, gaze_y=-9, open_eyes=9)
    assert attention(signals_of(read), usual_pose, settings.landmarks).tolist() == [0.0]
    assert attention(signals_of(small), usual_pose, settings.landmarks).tolist() == [1.0]


def signals_of(faces: Faces) -> Signals:
    return Signals(**{f.name: getattr(faces, f.name) for f in fields(Signals)})


def test_a_face_after_a_cut_does_not_take_the_eyes_of_the_one_that_was_in_its_place(observer: Observer) -> None:
    elsewhere = np.random.default_rng(0).integers(0, 255, (20, 33, 3), dtype=np.uint8)
    other_scene = cv2.resize(elsewhere, (660, 400), interpolation=cv2.INTER_CUBIC)
    x, y, w, h = TILES[0]
    # So little else that within one track the eyes would be those that were read before.
    noise = np.random.default_rng(1).integers(-3, 4, (h, w, 3))
    alike = np.clip(call(0)[y : y + h, x : x + w].astype(int) + noise, 0, 255).astype(np.uint8)
    other_scene[y : y + h, x : x + w] = alike

    chunk, alone = seen(observer, call(0), call(0, 6), call(0), other_scene), seen(observer, other_scene)

    last = chunk.faces[chunk.faces.t_s == 1.5]
    assert last.track.tolist() == [1]
    for name in ("eyes_open", "gaze_x", "gaze_y"):
        np.testing.assert_array_equal(getattr(last, name), getattr(alone.faces, name))
