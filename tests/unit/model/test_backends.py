"""Training on Keras' other backends, each in a process of its own: a backend is chosen once per process."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TRAIN = """
import json, sys
from pathlib import Path

import keras

import model.train as training
from tests.unit.model.conftest import TINY, draw_faces

folder, stops, devices = Path(sys.argv[1]), json.loads(sys.argv[2]), int(sys.argv[3])
shared = []
if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    mirrored = tf.distribute.MirroredStrategy
    tf.distribute.MirroredStrategy = lambda names: shared.extend(names) or mirrored(names)
    [cpu] = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * devices)
training._gpus = lambda: [f"cpu:{i}" for i in range(devices)]

def kill(epoch):
    if epoch["epoch"] == stop:
        raise KeyboardInterrupt

plan = training.Plan(architecture=TINY, epochs=3, batch=8, average_horizon_steps=16, dtype_policy="float32")
for stop in stops:
    try:
        outcome = training.train(folder, plan, draw_faces(56, seed=1), draw_faces(27, seed=2), kill)
    except KeyboardInterrupt:
        continue
if keras.backend.backend() == "jax" and (found := keras.distribution.distribution()):
    shared = found.device_mesh.devices
json.dump(
    {
        "backend": keras.backend.backend(),
        "devices": max(len(shared), 1),
        "loss": [[e["training_loss"], e["validation_loss"]] for e in outcome.history],
    },
    sys.stdout,
)
"""


def trained(backend: str, folder: Path, stops: list[int], devices: int = 1) -> dict[str, object]:
    """What a run came to that was killed after the epochs ``stops``; 0 lets it end. Devices are threads of the CPU."""
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    command = [sys.executable, "-c", TRAIN, str(folder), json.dumps(stops), str(devices)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_run_on_another_backend_goes_on_where_it_was_killed(backend: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    whole = trained(backend, tmp_path / "whole", [0])
    resumed = trained(backend, tmp_path / "resumed", [1, 2, 0])
    assert whole["backend"] == backend
    assert len(whole["loss"]) == 3
    for one, other in zip(whole["loss"], resumed["loss"], strict=True):
        assert one == pytest.approx(other, rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("there", "taken"), [(2, 2), (3, 2)])
def test_devices_of_jax_share_a_batch_in_equal_parts_and_learn_what_one_learns(
    there: int, taken: int, tmp_path: Path
) -> None:
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")
    one, several = trained("jax", tmp_path / "one", [0]), trained("jax", tmp_path / "several", [0], devices=there)
    assert (one["devices"], several["devices"]) == (1, taken)
    for alone, shared in zip(one["loss"], several["loss"], strict=True):
        assert alone == pytest.approx(shared, rel=1e-4)


@pytest.mark.slow
def test_devices_of_tensorflow_share_a_batch_and_a_run_on_them_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    one, several = (trained("tensorflow", tmp_path / str(n), [0], devices=n) for n in (1, 3))
    resumed = trained("tensorflow", tmp_path / "resumed", [1, 0], devices=3)
    assert (one["devices"], several["devices"]) == (1, 2)
    # Each device normalises its part by itself, so that the losses are alike and not the same.
    assert one["loss"][0] == pytest.approx(several["loss"][0], rel=0.1)
    for whole, continued in zip(several["loss"], resumed["loss"], strict=True):
        assert whole == pytest.approx(continued, rel=1e-4)
