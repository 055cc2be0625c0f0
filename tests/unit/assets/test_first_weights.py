"""What a face-resnet begins with: dlib's convolutions, for grey pictures, in a file that Keras loads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emorec.assets import first_weights
from emorec.assets.build_embedder import network
from emorec.assets.dlib_file import read_network
from model.architectures import FACE_RESNET, Architecture, build
from model.face_resnet import BLOCKS, HALVING, stages
from tests.unit.assets.test_dlib_file import affine, convolution, dense

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras with NumPy 2


@pytest.fixture(scope="module")
def dlib_file() -> bytes:
    """A file of dlib's format and sizes, with weights drawn at random."""
    rng = np.random.default_rng(7)
    shapes = [(BLOCKS[0], 3, 7, 2)]
    before = BLOCKS[0]
    for i, filters in enumerate(BLOCKS):
        shapes += [(filters, before, 3, 2 if i in HALVING else 1), (filters, filters, 3, 1)]
        before = filters
    data = b""
    for filters, before, side, stride in shapes:
        kernel = rng.normal(0, (2 / (before * side * side)) ** 0.5, (filters, before, side, side)).astype(np.float32)
        bias, beta = rng.normal(0, 0.1, (2, filters)).astype(np.float32)
        gamma = rng.uniform(0.3, 0.9, filters).astype(np.float32)
        data += convolution(kernel, bias, stride, 0 if stride == 2 else 1) + affine(gamma, beta)
    return data + dense(rng.normal(0, 0.1, (256, 128)).astype(np.float32))


def test_the_first_weights_are_those_of_dlib_for_grey_pictures(
    dlib_file: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    def download(package: object, folder: Path) -> Path:
        (folder / "package").write_bytes(b"")
        return folder / "package"

    monkeypatch.setattr(first_weights, "download", download)
    monkeypatch.setattr(first_weights, "extract", lambda member, archive, target: target.write_bytes(dlib_file))
    path = first_weights.write_first_weights(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]

    reader = build(Architecture(FACE_RESNET, width=1.0))
    reader.load_weights(path)
    embedder = network(read_network(dlib_file))
    grey = np.random.default_rng(1).uniform(0, 255, (2, 150, 150, 1)).astype(np.float32)
    pixels = keras.Input((150, 150, 1))
    trunk = keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(stages(pixels, "channels_last")[-1]))
    ours = [layer for layer in reader.layers if isinstance(layer, keras.layers.Conv2D)]
    for layer in trunk.layers:
        if isinstance(layer, keras.layers.Conv2D):
            layer.set_weights(next(one for one in ours if one.name == layer.name).get_weights())
    of_grey = trunk.predict(grey, verbose=0) @ embedder.get_layer("descriptor").get_weights()[0]
    of_colours = embedder.predict(np.repeat(grey, 3, axis=-1), verbose=0)
    np.testing.assert_allclose(of_grey, of_colours, rtol=1e-3, atol=1e-3 * np.abs(of_colours).max())


def test_the_stem_and_the_first_blocks_stay_as_they_are() -> None:
    layers = build(Architecture(FACE_RESNET, width=1.0)).layers
    still = {layer.name for layer in layers if layer.get_weights() and not layer.trainable}
    assert still == {"stem", "a00", "b00", "a01", "b01", "a02", "b02"}
