"""Pose from rendered geometry, and what calibration, attention, PERCLOS and speaking do with signals over time."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import fields, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from emorec.attention import Calibration, attention, calibrate, perclos, resting_pose, signals, speaking
from emorec.landmarks import LandmarkReader
from emorec.settings.landmarks import LandmarksSettings
from emorec.types import Landmarks, Signals
from tests.portraits import collins, detection

SETTINGS = LandmarksSettings()
USUAL = Calibration(0, 0, 0, 0, 0.27)

# A head, in units of its half width: x to the picture's right, y down, z away from the camera. Eye corners, cheeks,
# temples, jaw, lips; all other points of the mesh lie at the origin, and must not matter.
HEAD = {33: (-0.6, -0.2, -0.4), 133: (-0.25, -0.2, -0.45), 362: (0.25, -0.2, -0.45), 263: (0.6, -0.2, -0.4)}
HEAD |= {234: (-1, 0, 0.3), 454: (1, 0, 0.3), 127: (-0.95, -0.3, 0.3), 356: (0.95, -0.3, 0.3)}
HEAD |= {93: (-0.95, 0.25, 0.3), 323: (0.95, 0.25, 0.3), 132: (-0.95, 0.5, 0.3), 361: (0.95, 0.5, 0.3)}
HEAD |= {78: (-0.3, 0.7, -0.5), 308: (0.3, 0.7, -0.5)}
HEAD |= {upper: (0.1 * i, 0.65, -0.55) for i, upper in enumerate((82, 13, 312), -1)}
HEAD |= {lower: (0.1 * i, 0.77, -0.55) for i, lower in enumerate((87, 14, 317), -1)}


def head(yaw_deg: float = 0, pitch_deg: float = 0, roll_deg: float = 0) -> Landmarks:
    """The head, rolled, then raised, then turned; seen from far away. Its eyes are open and look ahead."""
    mesh = np.zeros((468, 3))
    mesh[list(HEAD)] = list(HEAD.values())
    # About z (away from the camera) a positive turn is clockwise as seen. About x (right) it lowers the face, which
    # looks along −z; about y (down) it turns the face to the picture's left.
    turn = Rotation.from_euler("zxy", [roll_deg, -pitch_deg, -yaw_deg], degrees=True)
    turned = turn.apply(mesh)
    assert turn.apply([0, 0, -1])[0] * np.sin(np.radians(yaw_deg)) >= -1e-9, "the face points where yaw says"
    lids, iris = np.stack([eye(-0.42), eye(0.42)]), np.zeros((2, 5, 2))
    lids[1, :, 0] = -lids[0, :, 0]
    iris[0], iris[1] = (-0.42, -0.2), (0.42, -0.2)
    scale = 100 * turned
    return Landmarks(
        (scale + 300)[None].astype(np.float32),
        np.ones(1, np.float32),
        (100 * lids + 300)[None].astype(np.float32),
        (100 * iris + 300)[None].astype(np.float32),
    )


@pytest.fixture(scope="module")
def reader(models: Path) -> LandmarkReader:
    return LandmarkReader(models / "face_landmark.tflite", models / "iris_landmark.tflite")


def eye(x: float, opening: float = 0.1, width: float = 0.35) -> NDArray[np.float64]:
    """A contour [16, 2]: the lower lid from corner to corner, then the upper lid between them."""
    along = np.linspace(-width / 2, width / 2, 9)
    lower = np.stack([x + along, np.full(9, -0.2)], axis=-1)
    upper = lower[1:8].copy()
    lower[1:8, 1] += opening / 2
    upper[:, 1] -= opening / 2
    return np.concatenate([lower, upper])


def measured(n: int, **columns: object) -> Signals:
    """Signals of n samples of somebody who looks at the screen, but for the given columns."""
    usual = {f.name: np.full(n, {"eyes_open": 0.27}.get(f.name, 0.0), np.float32) for f in fields(Signals)}
    return Signals(**(usual | {k: np.broadcast_to(np.asarray(v, np.float32), (n,)) for k, v in columns.items()}))


angle = st.floats(-65, 65)


class TestSignals:
    @given(yaw=angle, pitch=angle, roll=angle)
    def test_the_pose_of_a_rendered_head_is_read(self, yaw: float, pitch: float, roll: float) -> None:
        read = signals(head(yaw, pitch, roll))
        np.testing.assert_allclose([read.yaw[0], read.pitch[0], read.roll[0]], [yaw, pitch, roll], atol=0.1)

    def test_the_signs_are_those_of_the_conventions(self) -> None:
        right, up, leaning = head(yaw_deg=30), head(pitch_deg=30), head(roll_deg=30)
        # Turned to the picture's right, the front of the face (the mouth) lies right of the ears' middle.
        assert right.mesh_px[0, 13, 0] > right.mesh_px[0, [234, 454], 0].mean()
        assert signals(right).yaw[0] > 0
        # Raised, the mouth's front goes up: nearer to the eyes' height than in a level face.
        assert up.mesh_px[0, 13, 1] < head().mesh_px[0, 13, 1]
        assert signals(up).pitch[0] > 0
        # Leaning to the picture's right, the eye at the picture's left is the higher one.
        assert leaning.mesh_px[0, 33, 1] < leaning.mesh_px[0, 263, 1]
        assert signals(leaning).roll[0] > 0

    def test_openings_are_ratios(self) -> None:
        read = signals(head())
        assert read.eyes_open[0] == pytest.approx(0.1 / np.hypot(0.35, 0.05), abs=0.01)
        assert read.mouth_open[0] == pytest.approx(0.12 / 0.6, abs=0.01)

    @pytest.mark.parametrize("shift", [(0.05, 0), (0, -0.05)], ids=["right", "up"])
    def test_gaze_follows_the_pupils(self, shift: tuple[float, float]) -> None:
        ahead = head()
        moved = replace(ahead, iris_px=ahead.iris_px + np.float32(100) * np.float32(shift))
        before, after = signals(ahead), signals(moved)
        difference = np.array([after.gaze_x[0] - before.gaze_x[0], after.gaze_y[0] - before.gaze_y[0]])
        expected = np.array([shift[0], -shift[1]]) / 0.35 / 0.25
        np.testing.assert_allclose(difference, expected, atol=0.01)

    def test_what_was_not_measured_is_not_a_number(self) -> None:
        one = head()
        blind = replace(one, lids_px=one.lids_px * np.nan, iris_px=one.iris_px * np.nan)
        read = signals(blind)
        assert np.isnan([read.gaze_x[0], read.gaze_y[0], read.eyes_open[0]]).all()
        assert np.isfinite([read.yaw[0], read.mouth_open[0]]).all()


class TestPhotographs:
    @pytest.mark.parametrize("clockwise_deg", [-40, -20, 20, 40])
    def test_a_turned_picture_adds_to_roll(self, reader: LandmarkReader, clockwise_deg: float) -> None:
        portrait, turned = collins(), collins().rotated(clockwise_deg)
        before = signals(reader.read(portrait.rgb, portrait.face)).roll[0]
        assert signals(reader.read(turned.rgb, turned.face)).roll[0] - before == pytest.approx(clockwise_deg, abs=3)

    def test_a_mirrored_picture_turns_yaw_and_roll_around(self, reader: LandmarkReader) -> None:
        portrait, mirror = collins(), collins().mirrored()
        one = signals(reader.read(portrait.rgb, portrait.face))
        two = signals(reader.read(mirror.rgb, mirror.face))
        assert one.yaw[0] + two.yaw[0] == pytest.approx(0, abs=4)
        assert one.roll[0] + two.roll[0] == pytest.approx(0, abs=3)
        assert one.pitch[0] == pytest.approx(two.pitch[0], abs=4)

    def test_known_poses_have_their_signs(self, reader: LandmarkReader, corpus: Path) -> None:
        with zipfile.ZipFile(corpus / "head_pose.zip") as archive:
            table = list(csv.DictReader(io.StringIO(archive.read("poses.csv").decode())))
            for column, other in (("yaw", "pitch"), ("pitch", "yaw")):
                rows = [r for r in table if abs(float(r[column])) == 30 and float(r[other]) == 0][::3]
                values: dict[bool, list[float]] = {True: [], False: []}
                for row in rows:
                    bgr = cv2.imdecode(np.frombuffer(archive.read(row["file"]), np.uint8), cv2.IMREAD_COLOR)
                    side = bgr.shape[0]
                    # The photographs are tight crops; where the detector sees the frontal ones, in the median.
                    level = [(0.33 * side, 0.37 * side), (0.67 * side, 0.37 * side)] + [(side / 2, side / 2)] * 4
                    face = detection([0.06 * side, 0.15 * side, 0.83 * side, 0.83 * side], level)
                    read = signals(reader.read(np.ascontiguousarray(bgr[..., ::-1]), face))
                    values[float(row[column]) > 0].append(float(getattr(read, column)[0]))
                assert len(rows) > 10
                assert np.median(values[True]) - np.median(values[False]) > 30, column


class TestCalibration:
    def test_the_resting_pose_is_where_the_face_mostly_points(self) -> None:
        yaw = np.concatenate([np.full(60, 12), np.full(40, 50)]).astype(np.float32)
        pitch = np.concatenate([np.full(60, -9), np.full(39, -60), [np.nan]]).astype(np.float32)
        assert resting_pose(yaw, pitch, np.ones(100, np.float32)) == (pytest.approx(12), pytest.approx(-9))

    def test_samples_of_no_weight_do_not_count(self) -> None:
        yaw = np.array([1, 1, 80, 80, 80], np.float32)
        assert resting_pose(yaw, yaw, np.array([1, 1, 0, 0, 0], np.float32))[0] == pytest.approx(1)

    def test_nothing_measured_is_not_a_number(self) -> None:
        nothing = np.full(3, np.nan, np.float32)
        assert np.isnan(resting_pose(nothing, nothing, np.ones(3, np.float32))).all()
        usual = calibrate(measured(3, yaw=np.nan, pitch=np.nan, eyes_open=np.nan), np.ones(3, np.float32), SETTINGS)
        assert usual.open_eyes == SETTINGS.open_eyes_population

    def test_open_eyes_are_the_persons_own_once_they_are_known(self) -> None:
        levels = [
            calibrate(measured(n, eyes_open=0.18), np.ones(n, np.float32), SETTINGS).open_eyes for n in (1, 30, 3000)
        ]
        assert SETTINGS.open_eyes_population > levels[0] > levels[1] > levels[2]
        assert levels[2] == pytest.approx(0.18, abs=0.002)

    def test_who_looks_aside_for_most_of_a_short_recording_is_not_taken_to_look_there(self) -> None:
        usual = {}
        for n in (20, 4000):
            yaw = np.where(np.arange(n) % 10 < 7, 35.0, 0.0)
            usual[n] = calibrate(measured(n, yaw=yaw), np.ones(n, np.float32), SETTINGS).yaw_deg
        assert abs(usual[20]) < 15
        assert usual[4000] == pytest.approx(35, abs=1)

    def test_a_seat_beside_the_screen_is_learned_within_a_minute(self) -> None:
        usual = calibrate(measured(120, yaw=25, pitch=-20), np.full(120, 0.8, np.float32), SETTINGS)
        assert (usual.yaw_deg, usual.pitch_deg) == (pytest.approx(25, abs=2), pytest.approx(-20, abs=2))

    def test_nothing_measured_stays_unknown_whatever_is_usual_of_people(self) -> None:
        usual = calibrate(measured(50, yaw=np.nan, gaze_x=np.nan), np.ones(50, np.float32), SETTINGS)
        assert np.isnan([usual.yaw_deg, usual.gaze_x]).all()


class TestAttention:
    def test_looking_at_the_screen_is_one(self) -> None:
        assert attention(measured(1), USUAL, SETTINGS)[0] == pytest.approx(1, abs=0.01)

    @pytest.mark.parametrize(
        "departure",
        [
            {"yaw": 60},
            {"yaw": -60},
            {"pitch": 60},
            {"pitch": -60},
            {"eyes_open": 0.05},
            {"gaze_x": 0.9},
            {"gaze_y": -0.9},
        ],
        ids=lambda d: " ".join(f"{k}={v}" for k, v in d.items()),
    )
    def test_one_departure_is_enough_for_none(self, departure: dict[str, float]) -> None:
        assert attention(measured(1, **departure), USUAL, SETTINGS)[0] == 0

    @given(st.floats(-90, 90), st.floats(-90, 90), st.floats(0, 0.5), st.floats(-1, 1), st.floats(-1, 1))
    def test_it_lies_between_none_and_all(self, yaw: float, pitch: float, lids: float, x: float, y: float) -> None:
        value = attention(measured(1, yaw=yaw, pitch=pitch, eyes_open=lids, gaze_x=x, gaze_y=y), USUAL, SETTINGS)
        assert 0 <= value[0] <= 1

    @pytest.mark.parametrize("name", ["yaw", "pitch", "gaze_x"])
    def test_it_falls_the_further_somebody_turns(self, name: str) -> None:
        steps = np.linspace(0, 1 if name == "gaze_x" else 60, 40)
        for sign in (-1, 1):
            values = attention(measured(40, **{name: sign * steps}), USUAL, SETTINGS)
            assert (np.diff(values) <= 1e-6).all()

    def test_it_is_counted_from_the_persons_own_pose(self) -> None:
        beside = Calibration(30, -20, 0, 0, 0.27)
        assert attention(measured(1, yaw=30, pitch=-20), beside, SETTINGS)[0] > 0.98
        assert attention(measured(1), beside, SETTINGS)[0] < 0.5

    def test_without_eyes_it_is_the_heads(self) -> None:
        blind = measured(2, yaw=[0, 60], eyes_open=np.nan, gaze_x=np.nan, gaze_y=np.nan)
        np.testing.assert_allclose(attention(blind, USUAL, SETTINGS), [1, 0], atol=1e-6)

    def test_without_a_pose_it_is_not_known(self) -> None:
        assert np.isnan(attention(measured(1, yaw=np.nan), USUAL, SETTINGS)[0])


class TestPerclos:
    T_S = np.arange(0, 180, 0.5)

    def test_it_is_the_share_of_time_with_shut_eyes(self) -> None:
        lids = np.where((self.T_S >= 90) & (self.T_S < 120), 0.08, 0.27).astype(np.float32)
        value = perclos(lids, self.T_S, USUAL, SETTINGS)
        assert value[self.T_S == 89.5][0] == 0
        assert value[self.T_S == 119.5][0] == pytest.approx(0.5, abs=0.01)
        assert value[-1] == 0

    def test_eyes_that_were_not_measured_are_not_open(self) -> None:
        lids = np.full(len(self.T_S), np.nan, np.float32)
        lids[::5] = 0.27
        assert np.isnan(perclos(lids, self.T_S, USUAL, SETTINGS)).all()

    def test_the_first_half_of_a_window_is_not_enough(self) -> None:
        value = perclos(np.full(len(self.T_S), 0.27, np.float32), self.T_S, USUAL, SETTINGS)
        assert np.isnan(value[self.T_S < 29]).all()
        assert np.isfinite(value[self.T_S > 31]).all()

    def test_no_samples_are_no_values(self) -> None:
        assert len(perclos(np.zeros(0, np.float32), np.zeros(0), USUAL, SETTINGS)) == 0


class TestSpeaking:
    T_S = np.arange(0, 60, 0.5)

    def test_a_moving_mouth_speaks_and_a_still_one_does_not(self) -> None:
        rng = np.random.default_rng(0)
        mouth = np.where(self.T_S < 30, rng.uniform(0, 0.4, len(self.T_S)), 0.05).astype(np.float32)
        value = speaking(mouth, self.T_S, SETTINGS)
        assert value[self.T_S < 27].min() > 0.4
        assert value[self.T_S > 33].max() == 0

    def test_an_open_mouth_is_not_speech_and_one_yawn_is_little(self) -> None:
        yawn = np.where(np.abs(self.T_S - 30) < 3, 0.8, 0.05).astype(np.float32)
        assert np.nanmax(speaking(yawn, self.T_S, SETTINGS)) < 0.25
        assert np.nanmax(speaking(np.full(len(self.T_S), 0.5, np.float32), self.T_S, SETTINGS)) == 0

    def test_a_face_seen_once_in_a_while_says_nothing(self) -> None:
        rare = np.arange(0, 60, 6.0)
        assert np.isnan(speaking(np.linspace(0, 1, len(rare)).astype(np.float32), rare, SETTINGS)).all()
