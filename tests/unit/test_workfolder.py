"""The work folder: chunks that survive a kill, and nothing that outlives the session."""

from __future__ import annotations

import stat
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from emorec.errors import StoreError
from emorec.types import Columns, Faces, Observations, Samples, Tiles, Tracks
from emorec.workfolder import ChunkRecord, WorkFolder

RECORD = ChunkRecord(read_until_s=3.5, warnings=("a packet was damaged",), stages={"detect": {"wall_s": 1.5}})


def filled(kind: type[Columns], rows: int, seed: int) -> Columns:
    """Columns of the given kind with values of their own in every cell, ids from 0 on."""
    empty, rng = kind.empty(), np.random.default_rng(seed)  # type: ignore[attr-defined]
    values = {}
    for f in fields(empty):
        column = getattr(empty, f.name)
        shape = (rows, *column.shape[1:])
        if f.name in {"track", "tile", "layout"}:
            values[f.name] = np.arange(rows, dtype=column.dtype)
        elif column.dtype.kind == "U":
            values[f.name] = np.array([f"name {i}" for i in range(rows)])
        else:
            values[f.name] = (rng.random(shape) * 100).astype(column.dtype)
    return kind(**values)


def seen(rows: int = 4, seed: int = 0) -> Observations:
    return Observations(*(filled(kind, rows, seed + i) for i, kind in enumerate((Samples, Tiles, Faces, Tracks))))


def assert_same(a: Observations, b: Observations) -> None:
    for table in fields(a):
        left, right = getattr(a, table.name), getattr(b, table.name)
        for column in fields(left):
            x, y = getattr(left, column.name), getattr(right, column.name)
            assert x.dtype.kind == y.dtype.kind, column.name
            np.testing.assert_array_equal(x, y)


@pytest.fixture
def folder(tmp_path: Path) -> WorkFolder:
    folder = WorkFolder(tmp_path, "ab" * 32)
    folder.prepare("one")
    return folder


@pytest.mark.parametrize("rows", [0, 1, 7])
def test_what_was_seen_reads_back_exactly(folder: WorkFolder, rows: int) -> None:
    folder.write(0, seen(rows), RECORD)
    observations, records = folder.read([0])
    assert_same(observations, seen(rows))
    assert records == [RECORD]


def test_missing_values_stay_missing(folder: WorkFolder) -> None:
    part = seen()
    part = replace(part, faces=replace(part.faces, yaw=np.full(4, np.nan, np.float32)))
    folder.write(0, part, RECORD)
    assert np.isnan(folder.read([0])[0].faces.yaw).all()


def test_ids_of_several_chunks_stay_unique_and_keep_their_relations(folder: WorkFolder) -> None:
    for index in range(3):
        folder.write(index, seen(4, seed=index), RECORD)
    observations, _ = folder.read([0, 1, 2])
    assert sorted(observations.tracks.track) == list(range(12))
    np.testing.assert_array_equal(observations.faces.track, observations.tracks.track)
    np.testing.assert_array_equal(observations.faces.tile, observations.tiles.tile)


def test_chunks_survive_when_settings_and_models_are_the_same(folder: WorkFolder) -> None:
    folder.write(0, seen(), RECORD)
    folder.prepare("one")
    assert folder.has(0)


def test_chunks_of_other_settings_or_models_are_thrown_away(folder: WorkFolder) -> None:
    folder.write(0, seen(), RECORD)
    folder.prepare("two")
    assert not folder.has(0)


def test_a_chunk_that_an_outlived_worker_of_other_settings_writes_is_not_taken(tmp_path: Path) -> None:
    before, now = (WorkFolder(tmp_path, "ab" * 32, fingerprint) for fingerprint in ("one", "two"))
    before.prepare("one")
    now.prepare("two")
    before.write(0, seen(4, seed=1), RECORD)
    assert not now.has(0)
    with pytest.raises(StoreError, match="cannot be read"):
        now.read([0])
    now.write(0, seen(7, seed=2), RECORD)
    for same in (now, WorkFolder(tmp_path, "ab" * 32)):
        assert_same(same.read([0])[0], seen(7, seed=2))
    now.delete()
    assert list(tmp_path.glob("work/*")) == []


def test_a_chunk_that_was_not_written_to_its_end_is_not_there(folder: WorkFolder) -> None:
    broken = seen()
    broken = replace(broken, faces=replace(broken.faces, yaw=np.array([object()] * 4)))
    with pytest.raises(Exception, match="object"):
        folder.write(0, broken, RECORD)
    assert not folder.has(0)
    assert [path.name for path in folder.path.iterdir()] == ["fingerprint"]


def test_a_damaged_chunk_is_said_with_its_remedy(folder: WorkFolder) -> None:
    folder.write(0, seen(), RECORD)
    next(folder.path.glob("chunk-*/faces.parquet")).write_bytes(b"nothing")
    with pytest.raises(StoreError, match="delete it and run the same command again"):
        folder.read([0])


def test_only_the_owner_can_read_it(folder: WorkFolder) -> None:
    folder.write(0, seen(), RECORD)
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in folder.path.iterdir() if path.is_dir())


def test_deleting_leaves_nothing(folder: WorkFolder) -> None:
    folder.write(0, seen(), RECORD)
    with folder.locked():
        folder.delete()
    assert list(folder.path.parent.iterdir()) == []
