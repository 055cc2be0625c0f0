"""The detector over a pyramid of tiles, on portraits pasted at many sizes."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from emorec.errors import AssetError
from emorec.faces.boxes import grown, iou
from emorec.faces.detect import FaceDetector
from emorec.settings.faces import FacesSettings

# Where the face is in scikit-image's portrait of Eileen Collins (public domain), by the detector at full size.
PORTRAIT_FACE = np.array([168, 68, 113, 113], np.float32)


@pytest.fixture(scope="module")
def detector(models: Path) -> Iterator[FaceDetector]:
    with FaceDetector(models / "face_detection_short_range.tflite", FacesSettings()) as opened:
        yield opened


def portrait() -> np.ndarray:
    data = pytest.importorskip("skimage.data", reason="the portrait is scikit-image's (extra: demo)")
    return np.asarray(data.astronaut()[:320, 60:380], np.uint8)


def pasted(widths_px: list[float], size: tuple[int, int] = (1280, 720)) -> tuple[np.ndarray, np.ndarray]:
    """A grey picture with portraits side by side whose faces have the given widths, and the faces' boxes."""
    picture = np.full((size[1], size[0], 3), 128, np.uint8)
    boxes, x = [], 10
    for width in widths_px:
        scale = width / PORTRAIT_FACE[2]
        small = cv2.resize(portrait(), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else 2)
        small = small[: size[1] - 10]
        picture[5 : 5 + small.shape[0], x : x + small.shape[1]] = small[:, : size[0] - x]
        boxes.append([x + (PORTRAIT_FACE[0] - 60) * scale, 5 + PORTRAIT_FACE[1] * scale, width, width])
        x += small.shape[1] + 15
    return picture, np.array(boxes, np.float32)


@pytest.mark.parametrize(
    "widths_px",
    [[22, 26, 30, 40, 60, 80, 100], [400], [230, 24]],
    ids=["22 to 100 px", "a face that fills the picture", "a large and a tiny one"],
)
def test_faces_of_all_sizes_are_found_and_each_once(detector: FaceDetector, widths_px: list[float]) -> None:
    picture, truth = pasted(widths_px)
    found = detector.search(picture)
    assert len(found) == len(truth)
    assert (iou(truth, found.box_px).max(axis=1) > 0.5).all()


def test_the_points_lie_in_the_face_and_the_eyes_from_left_to_right(detector: FaceDetector) -> None:
    picture, truth = pasted([100])
    points = detector.search(picture).points_px[0]
    assert points[0, 0] < points[1, 0]
    assert (points[:4] > truth[0, :2]).all()
    assert (points[:4] < truth[0, :2] + truth[0, 2:]).all()


def test_a_picture_without_faces_has_none(detector: FaceDetector) -> None:
    blobs = np.random.default_rng(0).integers(0, 255, (9, 16, 3), dtype=np.uint8)
    assert len(detector.search(cv2.resize(blobs, (1280, 720), interpolation=cv2.INTER_CUBIC))) == 0


def test_known_faces_are_followed_row_by_row_though_they_moved(detector: FaceDetector) -> None:
    picture, truth = pasted([40, 60, 80, 100, 120])
    size = truth[:, 2:3]
    expected = np.concatenate([truth[:, :2] + 0.3 * size, truth[:, 2:]], axis=1)
    elsewhere = np.array([[1000, 600, 50, 50]], np.float32)
    followed = detector.follow(picture, np.concatenate([expected, elsewhere]))
    assert (np.diag(iou(truth, followed.box_px[:5])) > 0.5).all()
    assert followed.score[5] == 0
    assert np.isnan(followed.box_px[5]).all()


def test_far_from_the_given_areas_nothing_is_searched(detector: FaceDetector) -> None:
    picture, truth = pasted([40] * 9)
    found = detector.search(picture, grown(truth[:1], 1.5))
    assert iou(truth[:1], found.box_px).max() > 0.5
    assert iou(truth[-3:], found.box_px).max() == 0


def test_results_do_not_depend_on_the_number_of_threads(detector: FaceDetector, models: Path) -> None:
    picture, _ = pasted([30, 60, 100])
    with FaceDetector(models / "face_detection_short_range.tflite", FacesSettings(), threads=1) as alone:
        np.testing.assert_array_equal(alone.search(picture).box_px, detector.search(picture).box_px)


def test_a_file_that_is_no_model_is_an_asset_error(tmp_path: Path) -> None:
    broken = tmp_path / "model.tflite"
    broken.write_bytes(b"no model")
    with pytest.raises(AssetError, match=r"model\.tflite"):
        FaceDetector(broken, FacesSettings())
    with pytest.raises(AssetError, match=r"missing\.tflite"):
        FaceDetector(tmp_path / "missing.tflite", FacesSettings())


@pytest.mark.parametrize("of_height", [0.8, 0.95, 1.05])
def test_a_face_as_large_as_the_picture_is_found_and_followed(detector: FaceDetector, of_height: float) -> None:
    x, y, w, h = (float(v) for v in PORTRAIT_FACE - (60, 0, 0, 0))
    side = h / of_height
    tight = portrait()[int(max(0, y - (side - h) / 2)) :, :][: int(side)]
    left = int(max(0, x - (side * 4 / 3 - w) / 2))
    picture = cv2.resize(tight[:, left : left + int(side * 4 / 3)], (640, 480), interpolation=cv2.INTER_CUBIC)
    found = detector.search(picture)
    assert len(found) == 1
    assert found.box_px[0, 3] > 0.6 * 480
    again = detector.follow(picture, found.box_px)
    assert again.score[0] > 0.5
    assert iou(found.box_px, again.box_px)[0, 0] > 0.7


def test_webcam_crops_that_show_nothing_but_the_face_are_found_and_followed(
    detector: FaceDetector, corpus: Path
) -> None:
    names = ("s14_028", "s14_167", "s21_291", "s04_077", "s04_002", "s04_003", "s01_191", "s01_171")
    with zipfile.ZipFile(corpus / "engagement_wacv.zip") as archive:
        paths = [path for path in archive.namelist() if Path(path).stem in names]
        pictures = [cv2.imdecode(np.frombuffer(archive.read(path), np.uint8), cv2.IMREAD_COLOR) for path in paths]
    assert len(pictures) == len(names)
    for picture in pictures:
        screen = np.zeros((480, 640, 3), np.uint8)
        scale = min(480 / picture.shape[0], 640 / picture.shape[1])
        large = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)[..., ::-1]
        left = (640 - large.shape[1]) // 2
        screen[: large.shape[0], left : left + large.shape[1]] = large
        found = detector.search(screen)
        assert len(found) == 1
        assert detector.follow(screen, found.box_px).score[0] > 0.5
