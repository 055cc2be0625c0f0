"""What is deleted, and what is not."""

from __future__ import annotations

import datetime as dt
import os
import time
from pathlib import Path

import pytest

from emorec import removal
from emorec.errors import StoreError
from emorec.settings import Settings
from emorec.store import Store
from emorec.workfolder import WorkFolder

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
