"""Faces to label: what is written, what comes back, and that nothing stays."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from model.data import CLASSES
from model.errors import ModelError
from model.labels import (
    CONSENT,
    delete_forgotten,
    delete_labelling,
    labelled_folders,
    read_labelled,
    take_saved,
    write_labelling,
)

SESSION = "0123456789abcdef"


@pytest.fixture
def folder(tmp_path):
    """A folder with five crops; the first pixel is the crop's number."""
    crops = np.random.default_rng(0).integers(0, 255, (5, 48, 48), dtype=np.uint8)
    crops[:, 0, 0] = np.arange(1, 6)
    write_labelling(tmp_path / "labels" / SESSION, SESSION, crops, "all four, on 3 May")
    return tmp_path / "labels" / SESSION


def save(path: Path, session: str = SESSION, **labels: str) -> Path:
    path.write_text(json.dumps({"session": session, "labels": {name[1:]: choice for name, choice in labels.items()}}))
    return path


def test_a_folder_is_for_its_owner_alone_and_says_who_agreed(folder):
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert json.loads((folder / CONSENT).read_text())["consent"] == "all four, on 3 May"
    page = (folder / "label.html").read_text()
    assert all(name in page for name in ("0001", "0005", *CLASSES, "not_a_face", "unsure"))
    assert "default-src 'none'" in page
    assert "http:" not in page
    assert "https:" not in page


def test_what_was_saved_comes_back_with_its_crops(folder, tmp_path):
    assert labelled_folders(folder.parent) == []
    saved = save(tmp_path / "x.json", _0001="sad", _0002="not_a_face", _0003="unsure", _0005="happy")
    assert take_saved(folder, saved) == 4
    assert labelled_folders(folder.parent) == [folder]
    data = read_labelled(folder)
    assert [CLASSES[label] for label in data.labels] == ["sad", "happy"]
    assert data.images[:, 0, 0].tolist() == [1, 5]
    assert data.dropped == {"not_a_face": 1, "unsure": 1}


def test_of_several_people_the_majority_counts_and_a_tie_is_left_out(folder):
    for i, (first, second) in enumerate((("sad", "sad"), ("sad", "fear"), ("happy", "fear"))):
        save(folder / f"labels-{i}.json", _0001=first, _0002=second)
    save(folder / "labels-3.json", _0002="happy")
    data = read_labelled(folder)
    assert [CLASSES[label] for label in data.labels] == ["sad", "fear"]
    save(folder / "labels-4.json", _0002="happy")
    assert read_labelled(folder).dropped == {"disagreed": 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"session": "ffffffffffffffff", "labels": {}}, "labels of session ffffffffffffffff"),
        ({"session": SESSION, "labels": {"0001": "bored"}}, "unknown bored"),
        ({"session": SESSION, "labels": {"0009": "sad"}}, "unknown 0009"),
        ({"session": SESSION, "labels": {"../consent": "sad"}}, "unknown ../consent"),
        ({"session": SESSION}, "not what the labelling page saves"),
        (["sad"], "not what the labelling page saves"),
    ],
    ids=["session", "label", "crop", "path", "no labels", "list"],
)
def test_a_file_that_does_not_fit_is_refused_and_not_taken(folder, tmp_path, content, message):
    (tmp_path / "x.json").write_text(json.dumps(content))
    with pytest.raises(ModelError, match=message):
        take_saved(folder, tmp_path / "x.json")
    assert labelled_folders(folder.parent) == []


def test_deleting_leaves_nothing_and_only_what_holds_faces_is_deleted(folder, tmp_path):
    delete_labelling(folder)
    assert list(folder.parent.iterdir()) == []
    (tmp_path / "precious").mkdir()
    with pytest.raises(ModelError, match="holds no faces"):
        delete_labelling(tmp_path / "precious")
    assert (tmp_path / "precious").exists()


def test_faces_that_nobody_labelled_for_long_are_deleted(folder):
    assert delete_forgotten(folder.parent, days=30) == []
    consent = json.loads((folder / CONSENT).read_text())
    consent["at"] = (datetime.now(UTC) - timedelta(days=31)).isoformat()
    (folder / CONSENT).write_text(json.dumps(consent))
    assert delete_forgotten(folder.parent, days=30) == [folder]
    assert not folder.exists()


def test_faces_are_not_written_over_others(folder):
    with pytest.raises(ModelError, match="is there already"):
        write_labelling(folder, SESSION, np.zeros((1, 48, 48), np.uint8), "all")
    with pytest.raises(ModelError, match="no face to label"):
        write_labelling(folder.parent / "other", SESSION, np.zeros((0, 48, 48), np.uint8), "all")
