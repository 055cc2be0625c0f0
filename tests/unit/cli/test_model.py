"""`emorec train` and `emorec evaluate` from the outside."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from emorec.cli import app
from emorec.cli.failures import failure_line
from model.errors import ModelError


@pytest.fixture
def folder(tmp_path):
    """A few noise pictures of three classes, and one that cannot be read."""
    rng = np.random.default_rng(0)
    for name in ("happy", "sadness", "neutral"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(4):
            cv2.imwrite(str(tmp_path / "data" / name / f"{i}.png"), rng.integers(0, 255, (60, 60), dtype=np.uint8))
    (tmp_path / "data" / "happy" / "broken.png").write_bytes(b"no picture")
    return tmp_path / "data"


def test_evaluate_writes_the_figures_of_the_product_at_the_top_level(folder, tmp_path):
    out = tmp_path / "figures.json"
    result = CliRunner().invoke(app, ["evaluate", "--data", str(folder), "--json", str(out)])
    assert result.exit_code == 0, result.output
    found = json.loads(out.read_text())
    assert found["n"] == 12
    assert found["left_out"] == {"unreadable": 1}
    assert found["recall"].keys() == {"happy", "neutral", "sad"}
    assert {"model", "accuracy", "macro_f1", "ece", "confusion", "with_flip", "intervals"} <= found.keys()
    assert f"accuracy {found['accuracy']:.3f}" in result.output


def test_evaluate_takes_some_classes_by_any_of_their_names(folder, tmp_path):
    out = tmp_path / "figures.json"
    arguments = ["evaluate", "--data", str(folder), "--classes", "Happiness,sad", "--json", str(out)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    found = json.loads(out.read_text())
    assert found["classes"] == ["happy", "sad"]
    assert found["n"] == 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "--data", "nowhere"], "nowhere: no such folder or zip"),
        (["evaluate", "--data", "{folder}", "--classes", "happy,bored"], "classes must be two or more of"),
        (["evaluate", "--data", "{folder}", "--split", "test"], "no pictures in the split test"),
        (["evaluate", "--data", "{folder}", "--model", "v0"], "no such model"),
        (["train", "--data", "{folder}"], "no pictures in the split validation"),
    ],
    ids=["source", "class", "split", "model", "training data"],
)
def test_what_cannot_be_done_is_said_in_one_line(folder, arguments, message):
    result = CliRunner().invoke(app, [a.format(folder=folder) for a in arguments])
    assert isinstance(result.exception, ModelError)
    assert message in failure_line(result.exception)
    assert "\n" not in failure_line(result.exception)
