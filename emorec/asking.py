"""Questions in SQL over all sessions of a store, by DuckDB in this process: nothing is copied or kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from emorec.errors import InputError
from emorec.schemas import SCHEMAS, empty_table
from emorec.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb
    import pandas as pd
    import pyarrow as pa

__all__ = ["VIEWS", "query", "query_table"]

VIEWS: Final = ("sessions", *SCHEMAS)
"""What a query may read: one view for all sessions' session.json, one for each of their tables."""


def query(sql: str, store: str | Path = "emorec-store") -> pd.DataFrame:
    """The answer to a query as a DataFrame; see :func:`query_table`."""
    frame: pd.DataFrame = query_table(sql, store).to_pandas()
    return frame


def query_table(sql: str, store: str | Path) -> pa.Table:
    """The answer to a query in DuckDB's SQL over the views ``sessions``, ``timeline``, ``windows``, ``group``, ….

    ``group`` is a word of SQL: write ``"group"``. The query sees the store and nothing else of this machine or a
    network, and cannot change it.

    Raises:
        InputError: the query is none that DuckDB understands.
        StoreError: the store cannot be read.
    """
    import duckdb

    opened = Store(store)
    with duckdb.connect(":memory:") as connection:
        _make_views(connection, opened, _mentioned(sql))
        try:
            return connection.sql(sql).to_arrow_table()
        except AttributeError as error:
            # A statement that answers nothing, like SET or CREATE.
            raise InputError("the query answers nothing; begin it with select") from error
        except duckdb.Error as error:
            raise InputError(f"query: {_first_lines(error)}") from error


def _mentioned(sql: str) -> list[str]:
    words = {word.lower() for word in re.findall(r"\w+", sql)}
    return [name for name in VIEWS if name in words]


def _make_views(connection: duckdb.DuckDBPyConnection, store: Store, names: list[str]) -> None:
    """Views of those names, over what is committed; the connection is shut to all else before the query runs."""
    files = store.tables()
    if not store.is_local:
        connection.register_filesystem(store.place[0])
    for name in names:
        if name == "sessions":
            connection.register("sessions", _sessions(store))
        elif paths := files.get(name, []):
            # Their text, since a view takes no parameters; a quote in a path is doubled.
            listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
            # Tables of an older version may lack columns.
            connection.execute(
                f'CREATE VIEW "{name}" AS SELECT * FROM read_parquet([{listed}], union_by_name = true)'  # noqa: S608
            )
        else:
            connection.register(name, empty_table(name))
    if store.is_local:
        connection.execute("SET allowed_directories = [?]", [str(store.local_path) + "/"])
        connection.execute("SET enable_external_access = false")
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    connection.execute("SET lock_configuration = true")


def _sessions(store: Store) -> pa.Table:
    """A row per session: what session.json says that a query may ask for."""
    import pyarrow as pa

    return pa.Table.from_pylist([_row(session.metadata) for session in store.sessions()], _sessions_schema())


def _sessions_schema() -> pa.Schema:
    import pyarrow as pa

    text, number, whole = pa.string(), pa.float64(), pa.int64()
    return pa.schema(
        [
            ("session", text), ("title", text), ("course", text), ("date", pa.date32()), ("recording", text),
            ("duration_s", number), ("read_until_s", number), ("width_px", whole), ("height_px", whole),
            ("fps", number), ("codec", text), ("size_bytes", whole), ("participants", whole), ("samples", whole),
            ("mode", text), ("emotions", pa.bool_()), ("instructor", text), ("emorec", text), ("schema", whole),
            ("seconds", number), ("warnings", pa.list_(text)),
        ]
    )  # fmt: skip


def _row(metadata: Mapping[str, Any]) -> dict[str, Any]:
    import datetime as dt

    recording, counts, privacy = (metadata.get(key) or {} for key in ("recording", "counts", "privacy"))
    try:
        date = dt.date.fromisoformat(str(metadata.get("date")))
    except ValueError:
        date = None
    return {
        **{key: metadata.get(key) for key in
           ("session", "title", "course", "instructor", "emorec", "schema", "seconds")},
        **{key: recording.get(key) for key in
           ("duration_s", "read_until_s", "width_px", "height_px", "fps", "codec", "size_bytes")},
        **{key: counts.get(key) for key in ("participants", "samples")},
        **{key: privacy.get(key) for key in ("mode", "emotions")},
        "recording": recording.get("name"),
        "date": date,
        "warnings": list(metadata.get("warnings") or []),
    }  # fmt: skip


def _first_lines(error: Exception) -> str:
    """DuckDB's message on one line, without the query and the arrow below it."""
    lines = [line.strip() for line in str(error).splitlines()]
    kept = [line for line in lines if line and not line.startswith("LINE ") and set(line) != {"^"}]
    return " ".join(kept)
