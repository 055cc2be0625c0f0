"""The store: sessions are there whole or not at all."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pyarrow as pa
import pytest

import emorec
from emorec.errors import StoreError
from emorec.schemas import SCHEMAS
from emorec.store import Store

ID = "0123456789abcdef"


def participants(*names: str) -> pa.Table:
    rows = [{"session": ID, "participant": name, "label": name} for name in names]
    return pa.Table.from_pylist(rows, schema=SCHEMAS["participants"])


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store(tmp_path / "store" if request.param == "folder" else f"memory://{tmp_path.name}")


def test_a_committed_session_reads_back_as_it_was_written(store: Store) -> None:
    table = participants("P01", "P02")
    store.commit({"participants": table}, {"session": ID, "title": "Álgebra"})
    session = store.open(ID)
    assert session.table("participants").equals(table)
    assert session.table("participants").schema.field("visible_s").metadata[b"unit"] == b"s"
    assert session.metadata["title"] == "Álgebra"
    assert store.ids() == [ID]


def test_a_table_that_was_not_written_is_empty_and_one_that_never_exists_is_an_error(store: Store) -> None:
    session = store.commit({}, {"session": ID})
    assert len(session.moments) == 0
    with pytest.raises(StoreError, match="no table is called 'faces'"):
        session.table("faces")


def test_a_second_commit_replaces_the_whole_session(store: Store) -> None:
    store.commit({"participants": participants("P01", "P02")}, {"session": ID}).write_report("<html>")
    session = store.commit({"left_out": SCHEMAS["left_out"].empty_table()}, {"session": ID})
    assert len(session.participants) == 0
    assert not session.has_report


def test_a_session_whose_metadata_is_missing_does_not_exist(tmp_path: Path) -> None:
    store = Store(tmp_path)
    session = store.commit({"participants": participants("P01")}, {"session": ID})
    (Path(session.folder) / "session.json").unlink()
    assert store.ids() == []
    assert not store.exists(ID)
    with pytest.raises(StoreError, match="no session"):
        store.open(ID)


def test_a_failed_commit_leaves_the_session_that_was_there_and_nothing_beside_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.commit({"participants": participants("P01")}, {"session": ID})
    with pytest.raises(TypeError):
        store.commit({"participants": participants("P01", "P02")}, {"session": ID, "counts": object()})
    assert len(store.open(ID).participants) == 1
    assert [path.name for path in (tmp_path / "sessions").iterdir()] == [ID]


def test_a_table_of_another_schema_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="schema of participants"):
        store.commit({"participants": pa.table({"participant": ["P01"]})}, {"session": ID})


@pytest.mark.parametrize("name", ["../../etc", "", "0123456789ABCDEF", "0123456789abcdef/.."])
def test_what_is_no_id_never_becomes_a_path(store: Store, name: str) -> None:
    with pytest.raises(StoreError, match="16 hex digits"):
        store.open(name)


def test_deleting_a_session_leaves_no_trace_of_it(store: Store) -> None:
    store.commit({"participants": participants("P01")}, {"session": ID}).write_report("<html>")
    store.delete(ID)
    assert store.ids() == []
    with pytest.raises(StoreError, match="no session"):
        store.delete(ID)


def test_sessions_and_reports_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.commit({"participants": participants("P01")}, {"session": ID}).write_report("<html>")
    for path in (tmp_path / "store").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_the_same_table_gives_the_same_bytes(tmp_path: Path) -> None:
    written = []
    for name in ("a", "b"):
        session = Store(tmp_path / name).commit({"participants": participants("P01", "P02")}, {"session": ID})
        written.append((Path(session.folder) / "participants.parquet").read_bytes())
    assert written[0] == written[1]


def test_load_takes_a_folder_or_an_id(tmp_path: Path) -> None:
    session = Store(tmp_path).commit({"participants": participants("P01")}, {"session": ID})
    assert list(emorec.load(session.folder).participants["participant"]) == ["P01"]
    assert emorec.load(ID, tmp_path).metadata == json.loads((Path(session.folder) / "session.json").read_text())


def test_a_session_is_found_again_by_the_folder_that_it_names(store: Store) -> None:
    session = store.commit({"participants": participants("P01")}, {"session": ID})
    session.write_report("<html>")
    again = emorec.load(session.folder)
    assert (again.id, again.folder, again.has_report) == (ID, session.folder, True)


def test_what_is_no_session_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"it has no session\.json"):
        emorec.load(tmp_path)


def test_a_commit_that_was_cut_off_does_not_block_the_next_one(store: Store) -> None:
    folder = store.commit({"participants": participants("P01")}, {"session": ID})._path
    store._fs.rm(f"{folder}/session.json")
    assert len(store.commit({"participants": participants("P01", "P02")}, {"session": ID}).participants) == 2
    store._fs.rm(f"{folder}/session.json")
    store.delete(ID)
    assert not store._fs.exists(folder)


def test_what_a_killed_commit_left_beside_its_session_goes_with_the_next(tmp_path: Path) -> None:
    left = tmp_path / "sessions" / f".{ID}-killed"
    left.mkdir(parents=True)
    Store(tmp_path).commit({}, {"session": ID})
    assert not left.exists()
