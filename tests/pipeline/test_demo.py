"""The demo recording shows what its truth says."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from emorec.demo import Demo, compose
from emorec.recording import SampleReader, plan_chunks, probe
from emorec.settings.recording import RecordingSettings
from emorec.types import RecordingInfo, Sample

SETTINGS = RecordingSettings()


@pytest.fixture(scope="module")
def truth(demo: Demo) -> pd.DataFrame:
    return pd.read_csv(demo.truth)


@pytest.fixture(scope="module")
def info(demo: Demo) -> RecordingInfo:
    return probe(demo.recording, SETTINGS)


@pytest.fixture(scope="module")
def samples(info: RecordingInfo) -> list[Sample]:
    (chunk,) = plan_chunks(info, SETTINGS)
    with SampleReader(info, chunk, SETTINGS) as reader:
        return list(reader)


def test_it_is_a_minute_of_a_video_call(info: RecordingInfo) -> None:
    assert (info.duration_s, info.fps, info.codec) == (60, 25, "h264")
    assert (info.width_px, info.height_px) == (1280, 720)


def test_the_truth_has_a_row_per_person_every_half_second(truth: pd.DataFrame) -> None:
    assert list(truth) == ["t", "person", "name", "state", "primary", "x", "y", "w", "h"]
    assert sorted(truth.t.unique()) == [k / 2 for k in range(120)]
    assert (truth.groupby("t").person.nunique() == 4).all()
    assert (truth.x.notna() == (truth.state == "visible")).all()


def test_people_join_leave_and_turn_their_cameras_off(truth: pd.DataFrame) -> None:
    seconds = truth.groupby(["name", "state"]).size().unstack(fill_value=0) / 2
    assert seconds.loc["Grace Hopper"].to_dict() == {"absent": 0, "camera_off": 7, "visible": 53}
    assert seconds.loc["Eileen Collins"].to_dict() == {"absent": 10, "camera_off": 0, "visible": 50}
    assert seconds.loc["Sam Rivera"].to_dict() == {"absent": 6, "camera_off": 54, "visible": 0}
    assert seconds.loc["Zoé Martin"].to_dict() == {"absent": 18, "camera_off": 42, "visible": 0}


def test_faces_lie_within_the_picture_and_move_with_the_layout(truth: pd.DataFrame) -> None:
    faces = truth[truth.state == "visible"]
    assert (faces.x >= 0).all()
    assert (faces.y >= 0).all()
    assert (faces.x + faces.w <= 1280).all()
    assert (faces.y + faces.h <= 720).all()
    assert faces.w.between(40, 200).all()
    assert faces[faces.t == 40].w.max() < 0.6 * faces[faces.t == 30].w.min()


def test_faces_are_never_still(truth: pd.DataFrame, samples: list[Sample]) -> None:
    for (_, before), (_, after) in zip(*[iter(truth[truth.name == "Eileen Collins"].iterrows())] * 2, strict=False):
        if before.state == after.state == "visible" and abs(before.x - after.x) < 20:
            x, y, w, h = (int(before[side]) for side in "xywh")
            pictures = [samples[int(row.t * 2)].rgb[y : y + h, x : x + w].astype(int) for row in (before, after)]
            assert np.abs(pictures[1] - pictures[0]).mean() > 1


def test_the_slide_changes_while_the_screen_is_shared(samples: list[Sample]) -> None:
    slides = [sample.rgb[40:680, 40:980].astype(int) for sample in samples[74:95]]
    changes = [np.abs(b - a).mean() for a, b in pairwise(slides)]
    assert np.argmax(changes) == 9
    assert sorted(changes)[-2] < 0.05 * max(changes)


def test_composing_again_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (compose(tmp_path / name, seconds=4) for name in ("first", "second"))
    assert first.recording.read_bytes() == second.recording.read_bytes()
    assert first.truth.read_bytes() == second.truth.read_bytes()
