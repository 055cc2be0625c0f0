"""Training by the commands of a person: killed, gone on, released, evaluated."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import cv2
import pytest

from model.data import CLASSES
from tests.commands import EMOREC, run_emorec
from tests.unit.model.conftest import draw_faces


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Little pictures that are quickly learnt, in all splits."""
    for seed, (split, n) in enumerate((("train", 280), ("validation", 28), ("test", 28))):
        faces = draw_faces(n, seed, side_px=48)
        for i, (image, label) in enumerate(zip(faces.images, faces.labels, strict=True)):
            path = tmp_path / "data" / split / CLASSES[label] / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), image)
    return tmp_path / "data"


def kill_after_an_epoch(arguments: list[str], run: Path, cwd: Path) -> None:
    with subprocess.Popen([EMOREC, *arguments], cwd=cwd, stderr=subprocess.DEVNULL) as training:
        end = time.monotonic() + 240
        while not (run / "checkpoint-0001").exists():
            assert training.poll() is None, "it ended before its first epoch did"
            assert time.monotonic() < end, "no epoch ended"
            time.sleep(0.02)
        training.kill()


@pytest.mark.slow
def test_a_training_that_is_killed_goes_on_and_ends_as_the_champion(data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train = ["train", "--data", str(data), "--run", str(run), "--width", "0.0625", "--epochs", "4"]
    kill_after_an_epoch(train, run, tmp_path)
    assert len((run / "history.jsonl").read_text().splitlines()) < 4

    again = run_emorec(*train, cwd=tmp_path)
    assert again.code == 0, again.err
    assert "best score on validation" in again.out
    assert "epoch 1/4" not in again.err
    assert "epoch 4/4" in again.err
    assert (run / "curves.html").exists()

    released = run_emorec("model", "release", run, "--as", "mine-1", "--data", data, "--promote", cwd=tmp_path)
    assert released.code == 0, released.err
    assert "champion" in released.out
    assert "* mine-1" in run_emorec("model", "list", cwd=tmp_path).out

    measured = run_emorec("evaluate", "--data", data, "--split", "test", "--json", "figures.json", cwd=tmp_path)
    assert measured.code == 0, measured.err
    found = json.loads((tmp_path / "figures.json").read_text())
    card = json.loads((tmp_path / "emorec-store" / "models" / "mine-1" / "card.json").read_text())
    assert found["model"] == "mine-1"
    assert found["data"]["fingerprint"] == card["data"]["test"]["fingerprint"]
    assert found["accuracy"] == card["metrics"]["test"]["one_view"]["accuracy"]
