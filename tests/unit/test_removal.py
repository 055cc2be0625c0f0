"""What is deleted, and what is not."""

from __future__ import annotations

import datetime as dt
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

from emorec import removal, retraining
from emorec.errors import StoreError
from emorec.settings import Settings
from emorec.store import Store
from emorec.workfolder import WorkFolder
from model.labels import CONSENT, write_labelling

SHA256 = "ab" * 32
ID = SHA256[:16]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def unfinished(store: Store, sha256: str = SHA256, days: float = 0) -> WorkFolder:
    folder = WorkFolder(store.local_path, sha256)
    folder.prepare("one")
    for path in (*folder.path.iterdir(), folder.path):
        then = time.time() - days * 86_400
        os.utime(path, (then, then))
    return folder


def test_a_session_goes_with_its_unfinished_work(store: Store) -> None:
    store.commit({}, {"session": ID}).write_report("<html>")
    folder = unfinished(store)
    other = unfinished(store, "cd" * 32)
    removal.delete_session(Settings(), store, ID)
    assert store.ids() == []
    assert not folder.path.exists()
    assert other.path.exists()


def test_unfinished_work_alone_can_be_deleted(store: Store) -> None:
    folder = unfinished(store)
    removal.delete_session(Settings(), store, ID)
    assert not folder.path.exists()


def test_what_a_killed_commit_left_can_be_deleted(store: Store) -> None:
    left = store.local_path / "sessions" / f".{ID}-killed"
    left.mkdir(parents=True)
    removal.delete_session(Settings(), store, ID)
    assert not left.exists()


def test_what_is_not_there_is_said(store: Store) -> None:
    with pytest.raises(StoreError, match="no session"):
        removal.delete_session(Settings(), store, ID)


def test_unfinished_work_behind_a_url_is_found_in_the_folder_of_the_settings(tmp_path: Path) -> None:
    store = Store(f"memory://{tmp_path.name}")
    folder = WorkFolder(tmp_path, SHA256)
    folder.prepare("one")
    removal.delete_session(Settings(work=tmp_path), store, ID)
    assert not folder.path.exists()


def test_old_sessions_are_those_dated_before(store: Store) -> None:
    for number, date in enumerate(("2026-01-01", "2026-01-31", "2026-02-01")):
        store.commit({}, {"session": f"{number:016x}", "date": date})
    old = removal.older_than(store, 30, today=dt.date(2026, 3, 2))
    assert [s.metadata["date"] for s in old] == ["2026-01-01"]


def test_unfinished_work_expires_unless_somebody_works_on_it(store: Store) -> None:
    old, fresh = unfinished(store, days=8), unfinished(store, "cd" * 32, days=6)
    held = unfinished(store, "ef" * 32, days=8)
    with held.locked():
        assert removal.expire_work(Settings(), store, 7) == [ID]
        assert (old.path.exists(), fresh.path.exists(), held.path.exists()) == (False, True, True)
    assert removal.expire_work(Settings(), store, 7) == ["ef" * 8]


def collected(store: Store, session: str, days: float = 0) -> Path:
    """Faces of a session to be labelled, collected so many days ago."""
    folder = Settings().labels_folder(store.root) / session
    write_labelling(folder, session, np.zeros((2, 48, 48), np.uint8), "all")
    consent = json.loads((folder / CONSENT).read_text())
    consent["at"] = (dt.datetime.now(dt.UTC) - dt.timedelta(days=days)).isoformat()
    (folder / CONSENT).write_text(json.dumps(consent))
    return folder


def test_faces_that_were_kept_for_long_go_also_where_nothing_is_retrained(store: Store) -> None:
    old, labelled, fresh = (collected(store, c * 16, days) for c, days in (("a", 31), ("b", 31), ("c", 29)))
    (labelled / "labels-1.json").write_text("{}")
    told: list[str] = []
    outcome = retraining.retrain(Settings(), store.root, tell=told.append)
    assert "retrain.data names no training data" in outcome.reason
    assert list(old.parent.iterdir()) == [fresh]
    assert told == [
        f"{old}: faces that nobody labelled in 30 days are deleted",
        f"{labelled}: labelled faces that no promoted model was made of in 30 days are deleted",
    ]


def test_faces_are_kept_for_as_long_as_the_settings_say(store: Store) -> None:
    folder = collected(store, ID, days=3)
    assert removal.expire_faces(Settings(retrain={"labels_days": 4}), store.root) == []
    assert len(removal.expire_faces(Settings(retrain={"labels_days": 2}), store.root)) == 1
    assert not folder.exists()


@pytest.mark.parametrize("killed", [False, True], ids=["collected", "collecting was cut off"])
@pytest.mark.parametrize("committed", [False, True], ids=["without session", "with session"])
def test_a_session_goes_with_its_faces(store: Store, killed: bool, committed: bool) -> None:
    if committed:
        store.commit({}, {"session": ID})
    folder = collected(store, ID)
    if killed:
        folder.rename(folder.with_name(f".{ID}.part"))
    removal.delete_session(Settings(), store, ID)
    assert list(folder.parent.iterdir()) == []
