"""Questions in SQL over a whole store."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import emorec
from emorec.asking import VIEWS, query_table
from emorec.errors import InputError
from emorec.schemas import SCHEMAS
from emorec.store import Store
from tests.builders import write_session


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three sessions of two courses, and one that was not committed."""
    root = tmp_path_factory.mktemp("queried") / "it's a store"
    for seed in range(3):
        write_session(root, participants=2 + seed, minutes=2, seed=seed, metadata={"course": f"c{seed % 2}"})
    left = root / "sessions" / ("f" * 16)
    left.mkdir()
    pq.write_table(SCHEMAS["participants"].empty_table(), left / "participants.parquet")
    return root


def test_every_table_is_a_view_of_its_schema(store: Path) -> None:
    for name in SCHEMAS:
        answer = query_table(f'select * from "{name}"', store)
        assert answer.column_names == SCHEMAS[name].names, name
    assert set(VIEWS) == {"sessions", *SCHEMAS}


def test_sessions_and_tables_can_be_joined(store: Path) -> None:
    answer = emorec.query(
        "select course, count(distinct session) as sessions, count(*) as people "
        "from sessions join participants using (session) group by course order by course",
        store,
    )
    assert answer.to_dict("list") == {"course": ["c0", "c1"], "sessions": [2, 1], "people": [6, 3]}


def test_a_query_sees_what_is_committed_and_nothing_else(store: Path, tmp_path: Path) -> None:
    assert query_table("select count(*) as n from sessions", store)["n"][0].as_py() == 3
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    for sql in (
        f"select * from read_csv('{secret}')",
        f"copy (select 1) to '{tmp_path / 'out.csv'}'",
        "install httpfs",
    ):
        with pytest.raises(InputError):
            query_table(sql, store)
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("selct 1", "syntax error"),
        ("select nothing from sessions", 'column "nothing"'),
        ("select * from faces", "faces"),
    ],
)
def test_a_wrong_query_is_one_line(store: Path, sql: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as failure:
        query_table(sql, store)
    assert "\n" not in str(failure.value)


def test_an_empty_store_answers_with_no_rows(tmp_path: Path) -> None:
    assert len(query_table("select * from sessions", tmp_path)) == 0
    assert len(query_table("select * from timeline", tmp_path)) == 0


def test_sessions_of_an_older_version_lack_columns_and_are_read_all_the_same(tmp_path: Path) -> None:
    new, old = (write_session(tmp_path, participants=1, minutes=1, seed=seed) for seed in (0, 1))
    path = Path(old.folder) / "participants.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["resting_yaw"]), path)
    answer = query_table("select session, resting_yaw from participants order by session", tmp_path)
    assert answer["resting_yaw"].null_count == 1
    assert set(answer["session"].to_pylist()) == {new.id, old.id}


def test_a_store_behind_a_url_is_asked_the_same_way() -> None:
    write_session("memory://queried", participants=2, minutes=1)  # type: ignore[arg-type]
    answer = query_table("select count(*) as n from participants", "memory://queried")
    assert answer["n"][0].as_py() == 2


@pytest.mark.slow
def test_a_thousand_sessions_take_under_two_seconds_of_cpu(tmp_path: Path) -> None:
    write_many(tmp_path, 1000)
    started = time.process_time()
    answer = query_table(
        "select course, avg(attention) as attention, count(distinct session) as sessions "
        "from sessions join windows using (session) group by course order by course",
        tmp_path,
    )
    # On two idle cores it takes no longer than this of a person's time.
    assert time.process_time() - started < 2
    assert sum(answer["sessions"].to_pylist()) == 1000


def write_many(root: Path, count: int) -> None:
    """So many sessions, copies of one under other ids."""
    first = write_session(root, participants=8, minutes=20)
    source = Path(first.folder)
    tables = {path.stem: pq.read_table(path) for path in source.glob("*.parquet")}
    for number in range(1, count):
        session = f"{number:016x}"
        folder = root / "sessions" / session
        folder.mkdir()
        for name, table in tables.items():
            column = pa.array([session] * len(table))
            pq.write_table(table.set_column(0, table.schema.field(0), column), folder / f"{name}.parquet")
        metadata = {**first.metadata, "session": session, "course": f"c{number % 7}"}
        (folder / "session.json").write_text(json.dumps(metadata))
    assert len(Store(root).ids()) == count
