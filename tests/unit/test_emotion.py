"""The released emotion model, as the product runs it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from emorec.emotion import EmotionClassifier, crop_faces, hashes, pinned
from emorec.errors import AssetError, SettingsError
from emorec.settings.emotion import EmotionSettings
from emorec.types import EMOTIONS
from model.export import MAX_PROBABILITY_DIFFERENCE
from model.registry import INSTALLED, load_release
from model.runtime import GPU_BATCH


def make_crops(n: int) -> np.ndarray:
    """Soft blobs of light and shadow: no faces, but as smooth as faces are."""
    noise = np.random.default_rng(0).normal(size=(n, 48, 48))
    blobs = np.stack([cv2.GaussianBlur(image, (0, 0), 4) for image in noise])
    return np.clip(blobs / blobs.std() * 50 + 128, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def classifier():
    with EmotionClassifier() as opened:
        yield opened


def test_probabilities_come_in_the_order_of_the_emotions_and_sum_to_one(classifier):
    p = classifier.classify(make_crops(5))
    assert p.shape == (5, len(EMOTIONS))
    assert p.dtype == np.float32
    assert classifier.release.classes == EMOTIONS
    assert p.sum(axis=1) == pytest.approx(np.ones(5), abs=1e-5)


def test_no_face_gives_no_row(classifier):
    assert classifier.classify(np.zeros((0, 48, 48), np.uint8)).shape == (0, len(EMOTIONS))


def test_an_answer_depends_neither_on_neighbours_nor_on_the_place(classifier):
    crops = make_crops(41)
    together = classifier.classify(crops)
    assert (classifier.classify(crops[::-1])[::-1] == together).all()
    for i in (0, 33, 40):
        assert (classifier.classify(crops[i : i + 1])[0] == together[i]).all()


@pytest.mark.parametrize(
    "crops", [np.zeros((2, 44, 44), np.uint8), np.zeros((2, 48, 48), np.float32), np.zeros((48, 48), np.uint8)], ids=str
)
def test_crops_of_another_kind_are_refused(classifier, crops):
    with pytest.raises(ValueError, match="crops must be uint8"):
        classifier.classify(crops)


def test_a_closed_classifier_says_so():
    with EmotionClassifier() as opened:
        pass
    with pytest.raises(ValueError, match="closed"):
        opened.classify(make_crops(1))


def test_a_damaged_model_is_an_asset_error_in_one_line(tmp_path):
    shutil.copytree(INSTALLED, tmp_path / "weights")
    release = load_release(registry=tmp_path / "weights")
    release.litert.write_bytes(release.litert.read_bytes()[:-1] + b"\0\0")
    with pytest.raises(AssetError, match="not the file that its card describes") as raised:
        EmotionClassifier(EmotionSettings(registry=tmp_path / "weights"))
    assert "\n" not in str(raised.value)


def test_hashes_name_the_version_and_the_file_that_runs():
    release = load_release()
    assert hashes(EmotionSettings()) == {f"emotion/{release.version}/model.tflite": release.sha256()["model.tflite"]}


def test_the_installed_models_stay_small():
    assert sum(p.stat().st_size for p in INSTALLED.rglob("*") if p.is_file()) < 12e6


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_the_litert_file_answers_like_the_float_network(classifier):
    from model.architectures import Architecture
    from model.calibrate import probabilities
    from model.export import load_network
    from model.runtime import KerasNetwork

    release, crops = classifier.release, make_crops(64)
    network = KerasNetwork(load_network(Architecture(**release.card["architecture"]), release.weights), batch=64)
    difference = classifier.classify(crops) - probabilities(network(crops), release.temperature)
    assert np.abs(difference).mean() < MAX_PROBABILITY_DIFFERENCE


def test_classifying_on_a_cpu_imports_neither_tensorflow_nor_keras():
    code = (
        "import sys, numpy as np; from emorec.emotion import EmotionClassifier\n"
        "with EmotionClassifier() as c: c.classify(np.zeros((3, 48, 48), np.uint8))\n"
        "assert not {'tensorflow', 'keras', 'mediapipe'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_on_a_gpu_the_keras_network_says_the_same_in_16_bits(classifier, monkeypatch):
    import tensorflow as tf

    grows, gpu = [], SimpleNamespace(name="/physical_device:GPU:0", device_type="GPU")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: [gpu])
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", lambda device, on: grows.append((device, on)))
    crops = make_crops(40)
    # There is no GPU: TensorFlow runs what was opened for one on the CPU.
    with EmotionClassifier(EmotionSettings(device="gpu")) as opened:
        answers = opened.classify(crops)
        assert opened.batch == GPU_BATCH
    assert grows == [(gpu, True)]
    assert answers.dtype == np.float32
    assert np.abs(answers - classifier.classify(crops)).mean() < MAX_PROBABILITY_DIFFERENCE


def test_without_a_gpu_a_classifier_for_one_says_what_to_do(monkeypatch):
    import tensorflow as tf

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    with pytest.raises(SettingsError, match='TensorFlow sees none; set it to "cpu"'):
        EmotionClassifier(EmotionSettings(device="gpu"))


def test_a_crop_of_a_frame_can_be_classified(classifier):
    frame = np.random.default_rng(0).integers(0, 255, (90, 160, 3), dtype=np.uint8)
    assert classifier.classify(crop_faces(frame, [[10, 10, 30, 30], [100, 40, 60, 60]])).shape == (2, 7)


def test_a_pinned_model_stays_when_another_is_promoted(tmp_path):
    models = tmp_path / "models"
    settings = pinned(EmotionSettings(), models)
    assert settings.model == load_release().version
    assert settings.registry == models
    models.mkdir()
    (models / "champion.json").write_text('{"champion": "other"}')
    with EmotionClassifier(settings) as classifier:
        assert classifier.release.version == load_release().version
    with pytest.raises(AssetError, match="other"):
        pinned(EmotionSettings(), models)
