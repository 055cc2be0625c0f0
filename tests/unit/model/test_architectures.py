"""Every row of the table builds, fits its input, and can be told from the others."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from model.architectures import FACE_RESNET, FROM_SCRATCH, NAMES, Architecture, build
from model.errors import ModelError
from tests.unit.model.conftest import TINY

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras with NumPy 2


@pytest.mark.parametrize("name", NAMES)
def test_every_architecture_gives_seven_logits_per_face(name):
    network = build(dataclasses.replace(TINY, name=name, width=TINY.width if name in FROM_SCRATCH else 1.0))
    faces = np.random.default_rng(1).normal(size=(3, 16, 16, 1)).astype(np.float32)
    logits = network.predict(faces, verbose=0)
    assert logits.shape == (3, 7)
    assert np.isfinite(logits).all()


@pytest.mark.parametrize(
    ("name", "millions"),
    [("vgg11", 9.22), ("vgg13", 9.41), ("vgg16", 14.72), ("vgg19", 20.03), ("resnet18", 11.17), ("googlenet", 5.99)],
)
def test_full_width_networks_have_their_papers_parameters_without_dense_layers(name, millions):
    trainable = sum(np.prod(w.shape) for w in build(Architecture(name=name, width=1.0)).trainable_weights)
    assert trainable / 1e6 == pytest.approx(millions, rel=0.03)


def test_width_scales_every_convolution():
    def filters(width):
        return [layer.filters for layer in build(Architecture(width=width)).layers if hasattr(layer, "filters")]

    assert filters(1.0) == [2 * n for n in filters(0.5)] == [64, 128, 256, 256, 512, 512, 512, 512]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "vgg12"}, "unknown architecture"),
        ({"field_px": 12}, "16 or more"),
        ({"field_px": 15}, "16 or more"),
        ({"name": FACE_RESNET}, "face-resnet has one width"),
    ],
)
def test_what_cannot_be_built_is_refused(change, message):
    with pytest.raises(ModelError, match=message):
        build(dataclasses.replace(TINY, **change))
