"""The detection network by itself gives what MediaPipe's own task makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from emorec.errors import AssetError
from emorec.faces.network import ShortRangeNetwork
from emorec.types import Detections

MODEL = "face_detection_short_range.tflite"
# What two versions of OpenCV's resampling may make of it: px, and score.
PX, SCORE = 2.0, 0.01


@pytest.fixture(scope="module")
def network(models: Path) -> ShortRangeNetwork:
    return ShortRangeNetwork(models / MODEL, 0.3)


@pytest.fixture(scope="module")
def mediapipe_task(models: Path) -> Any:
    mediapipe = pytest.importorskip("mediapipe", reason="compares with MediaPipe (extra: test)")
    vision = mediapipe.tasks.vision
    options = vision.FaceDetectorOptions(
        base_options=mediapipe.tasks.BaseOptions(model_asset_buffer=(models / MODEL).read_bytes()),
        min_detection_confidence=0.3,
    )
    with vision.FaceDetector.create_from_options(options) as task:

        def faces(rgb: np.ndarray) -> Any:
            image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(rgb))
            return task.detect(image).detections

        yield faces


def portrait() -> np.ndarray:
    data = pytest.importorskip("skimage.data", reason="the portrait is scikit-image's (extra: demo)")
    return np.asarray(data.astronaut()[:320, 60:380], np.uint8)


def several() -> np.ndarray:
    """Two faces side by side, the left one smaller and in poorer light, in a picture that is wider than high."""
    dim = cv2.convertScaleAbs(cv2.resize(portrait(), (260, 260), interpolation=3), alpha=0.5)
    picture = np.full((320, 580, 3), 90, np.uint8)
    picture[30:290, :260], picture[:, 260:] = dim, portrait()
    return picture


PICTURES = {
    "one face": lambda: portrait(),
    "every second pixel": lambda: cv2.resize(portrait(), (256, 256), interpolation=3),
    "high": lambda: portrait()[:, 60:220],
    "at the edge": lambda: portrait()[90:, 110:],
    "several": several,
    "mirrored": lambda: several()[:, ::-1],
    "nobody": lambda: np.full((240, 320, 3), 128, np.uint8),
}


@pytest.mark.parametrize("name", PICTURES)
def test_faces_are_those_of_mediapipes_task(name: str, network: ShortRangeNetwork, mediapipe_task: Any) -> None:
    picture = PICTURES[name]()
    height, width = picture.shape[:2]
    expected = mediapipe_task(picture)
    found = network.detect(picture)
    assert len(found) == len(expected)
    for row, face in enumerate(expected):
        box = face.bounding_box
        np.testing.assert_allclose(found.box_px[row], [box.origin_x, box.origin_y, box.width, box.height], atol=PX)
        assert found.score[row] == pytest.approx(face.categories[0].score, abs=SCORE)
        points = [(point.x * width, point.y * height) for point in face.keypoints]
        np.testing.assert_allclose(found.points_px[row], points, atol=PX)


def test_a_face_is_found_where_it_is(network: ShortRangeNetwork) -> None:
    found = network.detect(portrait())
    assert len(found) == 1
    np.testing.assert_allclose(found.box_px[0], [117, 82, 95, 95], atol=20)
    left, right = found.points_px[0, :2]
    assert left[0] < right[0]


def test_nobody_is_no_row(network: ShortRangeNetwork) -> None:
    found = network.detect(np.zeros((100, 100, 3), np.uint8))
    assert [column.shape for column in (found.box_px, found.score, found.points_px)] == [
        column.shape for column in (Detections.empty().box_px, Detections.empty().score, Detections.empty().points_px)
    ]


def test_faces_come_by_falling_score(network: ShortRangeNetwork) -> None:
    score = network.detect(several()).score
    assert len(score) == 2
    assert (np.diff(score) <= 0).all()


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"nothing of use" * 100)
    with pytest.raises(AssetError, match="run: emorec assets"):
        ShortRangeNetwork(tmp_path / "model", 0.3)
