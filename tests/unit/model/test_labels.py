"""Faces to label: what is written, what comes back, and that nothing stays."""

from __future__ import annotations

import json
import os
import shutil
import stat
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from model.data import CLASSES
from model.errors import ModelError
from model.labels import (
    CONSENT,
    Expired,
    collection_of,
    delete_expired,
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


def save(path: Path, folder: Path, labeller: str = "", saved: str = "", **labels: str) -> Path:
    """What the page of a folder saves; a crop is called _0001."""
    content = {
        "session": SESSION,
        "collection": collection_of(folder),
        "labeller": labeller or path.stem,
        "saved": saved,
        "labels": {name[1:]: choice for name, choice in labels.items()},
    }
    path.write_text(json.dumps(content))
    return path


def let_pass(folder: Path, days: float) -> None:
    """Have a collection be so many days older."""
    consent = json.loads((folder / CONSENT).read_text())
    consent["at"] = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    (folder / CONSENT).write_text(json.dumps(consent))


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
    saved = save(tmp_path / "x.json", folder, _0001="sad", _0002="not_a_face", _0003="unsure", _0005="happy")
    assert take_saved(folder, saved) == 4
    assert labelled_folders(folder.parent) == [folder]
    data = read_labelled(folder)
    assert [CLASSES[label] for label in data.labels] == ["sad", "happy"]
    assert data.images[:, 0, 0].tolist() == [1, 5]
    assert data.dropped == {"not_a_face": 1, "unsure": 1}


def test_of_several_people_the_majority_counts_and_a_tie_is_left_out(folder):
    for i, (first, second) in enumerate((("sad", "sad"), ("sad", "fear"), ("happy", "fear"))):
        save(folder / f"labels-{i}.json", folder, _0001=first, _0002=second)
    save(folder / "labels-3.json", folder, _0002="happy")
    data = read_labelled(folder)
    assert [CLASSES[label] for label in data.labels] == ["sad", "fear"]
    save(folder / "labels-4.json", folder, _0002="happy")
    assert read_labelled(folder).dropped == {"disagreed": 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"session": "ffffffffffffffff", "labels": {}}, "labels of session ffffffffffffffff"),
        ({"session": SESSION, "collection": "0" * 16, "labels": {"0001": "sad"}}, "other faces of session"),
        ({"session": SESSION, "collection": "", "labels": {"0001": "sad"}}, "other faces of session"),
        ({"session": SESSION, "labels": {"0001": "bored"}}, "unknown bored"),
        ({"session": SESSION, "labels": {"0009": "sad"}}, "unknown 0009"),
        ({"session": SESSION, "labels": {"../consent": "sad"}}, "unknown ../consent"),
        ({"session": SESSION}, "not what the labelling page saves"),
        (["sad"], "not what the labelling page saves"),
    ],
    ids=["session", "collection", "no collection", "label", "crop", "path", "no labels", "list"],
)
def test_a_file_that_does_not_fit_is_refused_and_not_taken(folder, tmp_path, content, message):
    known = {"collection": collection_of(folder)} if isinstance(content, dict) else {}
    (tmp_path / "x.json").write_text(json.dumps(known | content if known else content))
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


def test_faces_that_were_kept_for_long_are_deleted_labelled_or_not(folder, tmp_path):
    other = write_labelling(folder.with_name("f" * 16), "f" * 16, np.zeros((1, 48, 48), np.uint8), "all").parent
    take_saved(folder, save(tmp_path / "x.json", folder, _0001="sad"))
    assert delete_expired(folder.parent, days=30) == []
    let_pass(folder, days=31)
    let_pass(other, days=31)
    assert delete_expired(folder.parent, days=30) == [Expired(folder, True), Expired(other, False)]
    assert list(folder.parent.iterdir()) == []


def test_faces_whose_consent_cannot_be_read_are_deleted_by_the_age_of_the_file(folder):
    (folder / CONSENT).write_text("")
    assert delete_expired(folder.parent, days=30) == []
    then = time.time() - 31 * 86400
    os.utime(folder / CONSENT, (then, then))
    assert delete_expired(folder.parent, days=30) == [Expired(folder, False)]


def test_what_a_kill_left_of_collecting_is_no_face_to_label_and_goes(folder):
    part = folder.with_name("." + "f" * 16 + ".part")
    folder.rename(part)
    save(part / "labels-1.json", part, _0001="sad")
    assert labelled_folders(part.parent) == []
    delete_expired(part.parent, days=30)
    assert part.exists()
    then = time.time() - 2 * 3600
    os.utime(part, (then, then))
    delete_expired(part.parent, days=30)
    assert list(part.parent.iterdir()) == []


def test_a_deletion_that_was_cut_off_leaves_no_labels_without_faces(folder, tmp_path, killed_after):
    take_saved(folder, save(tmp_path / "x.json", folder, _0001="sad"))
    root, kept = folder.parent, tmp_path / "kept"
    shutil.copytree(root, kept)
    for changes in count():
        shutil.rmtree(root)
        shutil.copytree(kept, root)
        with killed_after(changes) as kill:
            delete_labelling(folder)
        assert [len(read_labelled(f)) for f in labelled_folders(root)] in ([], [1])
        if not kill.happened:
            break
        delete_labelling(folder)
        assert list(root.iterdir()) == []
    assert changes > 5


def test_of_one_person_the_labels_that_were_saved_last_count(folder, tmp_path):
    save(tmp_path / "a.json", folder, "ann", "2026-05-03T10:00:00.000Z", _0001="sad", _0002="sad")
    save(tmp_path / "b.json", folder, "ann", "2026-05-03T11:00:00.000Z", _0001="fear", _0002="sad")
    for name in ("b", "a", "b"):
        take_saved(folder, tmp_path / f"{name}.json")
    data = read_labelled(folder)
    assert [CLASSES[label] for label in data.labels] == ["fear", "sad"]
    assert data.dropped == {}


def test_the_same_file_taken_three_times_is_one_person(folder, tmp_path):
    anonymous = {"session": SESSION, "collection": collection_of(folder), "labels": {"0001": "sad"}}
    (tmp_path / "x.json").write_text(json.dumps(anonymous))
    for _ in range(3):
        take_saved(folder, tmp_path / "x.json")
    save(folder / "labels-ann.json", folder, "ann", _0001="fear")
    assert read_labelled(folder).dropped == {"disagreed": 1}


def test_nobodys_labels_are_written_over(folder, tmp_path):
    save(folder / "labels-2.json", folder, "bob", _0001="sad", _0002="sad")
    for name in ("ann", "eve"):
        take_saved(folder, save(tmp_path / f"{name}.json", folder, name, _0001="sad"))
    assert sorted(p.name for p in folder.glob("labels*.json")) == ["labels-1.json", "labels-2.json", "labels-3.json"]
    assert len(read_labelled(folder)) == 2


def test_faces_are_not_written_over_others(folder):
    with pytest.raises(ModelError, match="is there already"):
        write_labelling(folder, SESSION, np.zeros((1, 48, 48), np.uint8), "all")
    with pytest.raises(ModelError, match="no face to label"):
        write_labelling(folder.parent / "other", SESSION, np.zeros((0, 48, 48), np.uint8), "all")
