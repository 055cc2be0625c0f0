"""The conventions of pose and gaze, from a picture to a number, on heads whose geometry is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from emorec.attention import signals
from emorec.landmarks import LandmarkReader
from emorec.types import Landmarks
from tests.portraits import Portrait, collins, hopper
from tests.rendered import looking, turned

PORTRAITS: dict[str, Callable[[], Portrait]] = {
    "Collins": lambda: collins().resized(3),
    "Hopper": lambda: hopper().resized(1.5),
}
NOSE, EARS, CHIN, FOREHEAD = 1, [234, 454], 152, 10


@pytest.fixture(scope="module")
def reader(models: Path) -> LandmarkReader:
    return LandmarkReader(models / "face_landmark.tflite", models / "iris_landmark.tflite")


@pytest.fixture(scope="module", params=PORTRAITS)
def resting(request: pytest.FixtureRequest, reader: LandmarkReader) -> tuple[Portrait, Landmarks]:
    """A portrait and its landmarks."""
    portrait = PORTRAITS[request.param]()
    return portrait, reader.read(portrait.rgb, portrait.face)


def beyond_ears(landmarks: Landmarks) -> float:
    """How far the nose lies right of the ears' middle, px: where the face points, without any of the code's angles."""
    return float(landmarks.mesh_px[0, NOSE, 0] - landmarks.mesh_px[0, EARS, 0].mean())


@pytest.mark.parametrize("degrees", [-20, 20])
@pytest.mark.parametrize("axis", ["yaw", "pitch", "roll"])
def test_a_head_turned_in_space_reads_as_turned_that_way_and_no_other(
    reader: LandmarkReader, resting: tuple[Portrait, Landmarks], axis: str, degrees: float
) -> None:
    portrait, at_rest = resting
    picture = turned(portrait, at_rest, **{axis: degrees})
    now, before = signals(reader.read(picture.rgb, picture.face)), signals(at_rest)
    for name in ("yaw", "pitch", "roll"):
        change = float(getattr(now, name)[0] - getattr(before, name)[0])
        expected = degrees if name == axis else 0
        assert change == pytest.approx(expected, abs=7), name
        if name == axis:
            assert np.sign(change) == np.sign(degrees)


def test_right_up_and_leaning_are_those_of_the_picture(
    reader: LandmarkReader, resting: tuple[Portrait, Landmarks]
) -> None:
    """Said by points of the picture alone: the nose goes where yaw says, up where pitch says; the forehead leans."""
    portrait, at_rest = resting
    nose = at_rest.mesh_px[0, NOSE]
    right, up, leaning = (turned(portrait, at_rest, **{name: 20}) for name in ("yaw", "pitch", "roll"))
    assert beyond_ears(reader.read(right.rgb, right.face)) > beyond_ears(at_rest) + 0.1 * portrait.face.box_px[0, 2]
    assert reader.read(up.rgb, up.face).mesh_px[0, NOSE, 1] < nose[1]
    lean = reader.read(leaning.rgb, leaning.face).mesh_px[0]
    assert lean[FOREHEAD, 0] > lean[CHIN, 0] + 0.1 * portrait.face.box_px[0, 2]


@pytest.mark.parametrize(
    ("column", "shift"), [("gaze_x", {"right": 0.4}), ("gaze_y", {"up": 0.25})], ids=["right", "up"]
)
def test_painted_eyes_look_where_their_irises_are(
    reader: LandmarkReader, resting: tuple[Portrait, Landmarks], column: str, shift: dict[str, float]
) -> None:
    portrait, at_rest = resting
    back = {name: -value for name, value in shift.items()}
    there, here = (signals(reader.read(looking(portrait, at_rest, **where), portrait.face)) for where in (shift, back))
    other = "gaze_y" if column == "gaze_x" else "gaze_x"
    moved = float(getattr(there, column)[0] - getattr(here, column)[0])
    assert moved > 0.25
    assert abs(float(getattr(there, other)[0] - getattr(here, other)[0])) < moved / 2


def test_somebody_filmed_who_looks_to_all_sides_is_read_so(reader: LandmarkReader, corpus: Path) -> None:
    """Where she looks was seen by eye: ahead, to the picture's left, its right, up, down, then her head leans left."""
    from emorec import observe, recording, resolve
    from emorec.settings import Settings

    path = corpus / "clips" / "person_23.mp4"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    settings = Settings.load(privacy={"emotions": False})
    info = recording.probe(path, settings.recording)
    with observe.Observer(settings) as observer:
        chunk = recording.plan_chunks(info, settings.recording)[0]
        with recording.SampleReader(info, chunk, settings.recording) as samples:
            seen = observer.observe(samples).observations
    tables = resolve.resolve(seen, session="0" * 16, duration_s=info.duration_s, settings=settings).tables
    timeline = tables["timeline"].to_pandas()
    timeline = timeline[timeline["participant"] == "P01"].set_index("t")
    ahead = timeline.loc[0:1.0]
    for column, t0, t1, sign in (
        ("yaw", 2.0, 4.0, -1),
        ("yaw", 6.5, 8.0, 1),
        ("pitch", 10.0, 11.5, 1),
        ("pitch", 13.0, 14.5, -1),
        ("roll", 16.5, 17.5, -1),
    ):
        change = timeline.loc[t0:t1, column].median() - ahead[column].median()
        assert sign * change > 10, (column, t0)
    assert ahead["attention"].min() > 0.7
    assert timeline.loc[3.0:4.0, "attention"].max() < 0.4
    assert timeline.loc[7.0:8.0, "attention"].max() < 0.4
