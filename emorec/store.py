"""The store: a folder, or an object store behind an fsspec URL, that holds every session.

``STORE/sessions/<id>/`` holds a session's tables and ``session.json``, which is written last: a session without it does
not exist. ``STORE/work/`` belongs to recordings that are being analysed.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from emorec.errors import StoreError
from emorec.files import json_bytes, make_private, parquet_bytes, remove_unfinished, write_atomically
from emorec.schemas import SCHEMAS, empty_table, refuse_personal
from model.removing import remove_every_trace

if TYPE_CHECKING:
    import fsspec
    import pandas as pd
    import pyarrow as pa

__all__ = ["Session", "Store", "load", "session_id"]

METADATA: Final = "session.json"
REPORT: Final = "report.html"
_HEAD_BYTES: Final = 200
"""Where a page says its language."""
_ID = re.compile(r"[0-9a-f]{16}")


def session_id(sha256: str) -> str:
    """A recording's session: the first 16 hex digits of its SHA-256."""
    return sha256[:16]


@dataclass(frozen=True)
class Session:
    """A committed session; its tables are read when first used.

    ``metadata`` is session.json: ``session``, ``schema``, ``emorec``, ``recording``, ``course``, ``title``, ``date``,
    ``privacy``, ``settings``, ``models``, ``counts``, ``stages``, ``seconds``, ``peak_memory_mb``, ``warnings``.
    """

    id: str
    metadata: Mapping[str, Any]
    _fs: fsspec.AbstractFileSystem = field(repr=False, compare=False)
    _path: str = field(repr=False)

    @property
    def folder(self) -> str:
        """The session's folder, or its URL in a store behind one."""
        return self._path if _is_local(self._fs) else str(self._fs.unstrip_protocol(self._path))

    def table(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """One table, or some of its columns, without rows where the session has none of that name.

        Raises:
            StoreError: there is no table of that name in any session, or the file cannot be read.
        """
        import pyarrow.parquet as pq

        if name not in SCHEMAS:
            raise StoreError(f"no table is called {name!r}; there are {', '.join(SCHEMAS)}")
        path = f"{self._path}/{name}.parquet"
        try:
            with self._fs.open(path, "rb") as file:
                # Not read_table: for a thousand small files what it does beside takes four times as long.
                return pq.ParquetFile(file).read(columns)
        except FileNotFoundError:
            return empty_table(name).select(columns or SCHEMAS[name].names)
        except (OSError, ValueError) as error:
            raise StoreError(f"{path} cannot be read ({error}); analyse the recording again with --again") from error

    def frame(self, name: str) -> pd.DataFrame:
        """One table as a DataFrame."""
        frame: pd.DataFrame = self.table(name).to_pandas()
        return frame

    @cached_property
    def timeline(self) -> pd.DataFrame:
        """Participants × samples."""
        return self.frame("timeline")

    @cached_property
    def windows(self) -> pd.DataFrame:
        """Participants × 10 s."""
        return self.frame("windows")

    @cached_property
    def group(self) -> pd.DataFrame:
        """The group at every sample."""
        return self.frame("group")

    @cached_property
    def group_windows(self) -> pd.DataFrame:
        """The group in windows of 10 s."""
        return self.frame("group_windows")

    @cached_property
    def participants(self) -> pd.DataFrame:
        """One row per participant."""
        return self.frame("participants")

    @cached_property
    def left_out(self) -> pd.DataFrame:
        """Tracks that are not participants, and why."""
        return self.frame("left_out")

    @cached_property
    def moments(self) -> pd.DataFrame:
        """Stretches in which the group did something that chance does not explain."""
        return self.frame("moments")

    @cached_property
    def speech(self) -> pd.DataFrame:
        """What was said, where a transcript was given."""
        return self.frame("speech")

    @cached_property
    def chat(self) -> pd.DataFrame:
        """What was written, where a chat was given."""
        return self.frame("chat")

    @cached_property
    def chapters(self) -> pd.DataFrame:
        """The parts of the recording, as a file or changes of the shared screen say."""
        return self.frame("chapters")

    def replace(self, tables: Mapping[str, pa.Table | None], metadata: Mapping[str, Any]) -> Session:
        """The session with these tables (None: without) and session.json, all else as it is; see Store.commit."""
        root, _, name = self.folder.rpartition("/sessions/")
        if name != self.id:
            raise StoreError(
                f"{self.folder} does not lie in a store (STORE/sessions/{self.id}), so it cannot be changed"
            )
        return Store(root).commit(tables, metadata, keep=True)

    @property
    def report(self) -> str:
        """Where the session's report is, or will be."""
        return f"{self.folder}/{REPORT}"

    @property
    def has_report(self) -> bool:
        """Whether the session's report has been rendered."""
        return bool(self._fs.exists(f"{self._path}/{REPORT}"))

    @property
    def report_language(self) -> str | None:
        """The language of the session's report; None where it has not been rendered."""
        try:
            start = self._fs.cat_file(f"{self._path}/{REPORT}", 0, _HEAD_BYTES).decode(errors="replace")
        except FileNotFoundError:
            return None
        found = re.search(r'<html lang="([a-z]+)"', start)
        return found[1] if found else ""

    def read_report(self) -> bytes:
        """The session's report.

        Raises:
            StoreError: it has none yet.
        """
        try:
            with self._fs.open(f"{self._path}/{REPORT}", "rb") as file:
                return bytes(file.read())
        except FileNotFoundError as error:
            raise StoreError(f"session {self.id} has no report; `emorec report {self.id}` renders it") from error

    def write_report(self, html: str) -> str:
        """Put the report beside the tables, whole or not at all; returns where it is."""
        return self.write_derived(REPORT, html.encode())

    def write_derived(self, name: str, content: bytes) -> str:
        """Put a file that is derived from the tables beside them, whole or not at all; returns where it is.

        It goes when the session is deleted or analysed again.
        """
        path, shown = f"{self._path}/{name}", f"{self.folder}/{name}"
        try:
            if _is_local(self._fs):
                write_atomically(Path(path), content)
            else:
                self._fs.pipe_file(path, content)
        except OSError as error:
            raise StoreError(f"{shown} cannot be written: {error}") from error
        return shown


class Store:
    """All sessions below one folder or fsspec URL.

    Args:
        root: a folder, or an fsspec URL such as ``s3://bucket/emorec``. Nothing is created before the first commit.
    """

    is_local: bool
    """Whether the store is a folder on this machine."""

    def __init__(self, root: str | Path) -> None:
        import fsspec

        self.root = str(root)
        try:
            self._fs, path = fsspec.core.url_to_fs(self.root)
        except (ValueError, ImportError) as error:
            raise StoreError(f"{self.root} is no folder or URL that can hold sessions: {error}") from error
        self._path = path.rstrip("/")
        self.is_local = _is_local(self._fs)

    @property
    def local_path(self) -> Path:
        """The store's folder on this machine.

        Raises:
            StoreError: the store is behind a URL.
        """
        if not self.is_local:
            raise StoreError(f"{self.root} is not a folder on this machine")
        return Path(self._path)

    @property
    def place(self) -> tuple[fsspec.AbstractFileSystem, str]:
        """The file system of the store, and its path there."""
        return self._fs, self._path

    def exists(self, session: str) -> bool:
        """Whether a session is committed."""
        return bool(self._fs.exists(f"{self._folder(session)}/{METADATA}"))

    def ids(self) -> list[str]:
        """Every committed session, by id."""
        self._fs.invalidate_cache()
        found = self._fs.glob(f"{self._path}/sessions/*/{METADATA}")
        names = (str(path).rsplit("/", 2)[-2] for path in found)
        return sorted(name for name in names if _ID.fullmatch(name))

    def tables(self) -> dict[str, list[str]]:
        """The files of every committed session by the name of their table, as a path or a URL, by session."""
        found: dict[str, list[str]] = {}
        committed = set(self.ids())
        for path in sorted(self._fs.glob(f"{self._path}/sessions/*/*.parquet")):
            session, name = str(path).rsplit("/", 2)[-2:]
            if session in committed:
                where = path if self.is_local else self._fs.unstrip_protocol(path)
                found.setdefault(name.removesuffix(".parquet"), []).append(str(where))
        return found

    def sessions(self) -> Iterator[Session]:
        """Every committed session, by id."""
        for session in self.ids():
            yield self.open(session)

    def open(self, session: str) -> Session:
        """A committed session.

        Raises:
            StoreError: there is none of that id, or its session.json cannot be read.
        """
        if not self.exists(session):
            raise StoreError(f"no session {session} in {self.root}; `emorec analyze` makes one")
        return _session_at(self._fs, self._folder(session))

    def commit(
        self, tables: Mapping[str, pa.Table | None], metadata: Mapping[str, Any], *, keep: bool = False
    ) -> Session:
        """Write a session whole or not at all, in place of the one of the same recording if there is one.

        In a folder everything is written beside and moved into place; behind a URL, where nothing can be moved,
        session.json goes first when a session is replaced and comes back last.

        Args:
            tables: by name, each with its schema of :data:`emorec.schemas.SCHEMAS`; one that is None goes.
            metadata: session.json; ``session`` names the session.
            keep: leave what the session has beside these tables.

        Raises:
            StoreError: a table has another schema, the session may not hold it (privacy mode aggregate), or the store
                cannot be written.
        """
        session = str(metadata["session"])
        refuse_personal(session, tables, metadata)
        for name, table in tables.items():
            if table is not None and not table.schema.equals(SCHEMAS[name]):
                raise StoreError(f"table {name} of session {session} has not the schema of {name}")
        try:
            if self.is_local:
                self._commit_local(session, tables, metadata, keep)
            else:
                self._commit_remote(session, tables, metadata, keep)
        except OSError as error:
            raise StoreError(f"session {session} cannot be written to {self.root}: {error}") from error
        return self.open(session)

    def has_traces(self, session: str) -> bool:
        """Whether there is anything of a session, also where a deletion or commit was cut off."""
        folder = self._folder(session)
        unfinished = self.is_local and any(Path(folder).parent.glob(f".{session}-*"))
        return bool(self._fs.exists(folder)) or unfinished

    def delete(self, session: str) -> None:
        """Delete a session and all that was derived from it, also where an earlier deletion or commit was cut off."""
        folder = self._folder(session)
        if not self.has_traces(session):
            raise StoreError(f"no session {session} in {self.root}")
        try:
            # session.json first: from then on the session does not exist, whatever comes in between.
            if self._fs.exists(f"{folder}/{METADATA}"):
                self._fs.rm(f"{folder}/{METADATA}")
            if self._fs.exists(folder):
                self._fs.rm(folder, recursive=True)
            if self.is_local:
                remove_unfinished(Path(folder))
                # Faces of it that wait to be labelled (emorec/labels.py).
                remove_every_trace(self.local_path / "labels" / session)
        except OSError as error:
            raise StoreError(f"session {session} cannot be deleted from {self.root}: {error}") from error

    def _folder(self, session: str) -> str:
        if not _ID.fullmatch(session):
            raise StoreError(f"{session!r} is no session: a session's id is 16 hex digits")
        return f"{self._path}/sessions/{session}"

    def _commit_local(
        self, session: str, tables: Mapping[str, pa.Table | None], metadata: Mapping[str, Any], keep: bool
    ) -> None:
        target = Path(self._folder(session))
        make_private(target.parent)
        remove_unfinished(target)
        beside = Path(tempfile.mkdtemp(prefix=f".{session}-", dir=target.parent))
        try:
            for path in target.iterdir() if keep else ():
                if path.name != METADATA and path.stem not in tables and not path.name.startswith("."):
                    shutil.copy2(path, beside / path.name)
            for name, table in tables.items():
                if table is not None:
                    write_atomically(beside / f"{name}.parquet", parquet_bytes(table))
            write_atomically(beside / METADATA, json_bytes(metadata))
            old = beside.with_name(beside.name + "-old")
            if target.exists():
                target.rename(old)
            beside.rename(target)
            shutil.rmtree(old, ignore_errors=True)
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def _commit_remote(
        self, session: str, tables: Mapping[str, pa.Table | None], metadata: Mapping[str, Any], keep: bool
    ) -> None:
        folder = self._folder(session)
        if self._fs.exists(folder) and not keep:
            self.delete(session)
        for name, table in tables.items():
            path = f"{folder}/{name}.parquet"
            if table is not None:
                self._fs.pipe_file(path, parquet_bytes(table))
            elif self._fs.exists(path):
                self._fs.rm(path)
        self._fs.pipe_file(f"{folder}/{METADATA}", json_bytes(metadata))


def load(session: str | Path, store: str | Path = "emorec-store") -> Session:
    """A session by its folder or URL, or by its id in a store; for notebooks.

    Raises:
        StoreError: there is no such session.
    """
    text = str(session).rstrip("/")
    if _ID.fullmatch(text) and not (Path(text) / METADATA).is_file():
        return Store(store).open(text)
    import fsspec

    try:
        fs, path = fsspec.core.url_to_fs(text)
    except (ValueError, ImportError) as error:
        raise StoreError(f"{text} is no folder, URL or id of a session: {error}") from error
    if not fs.exists(f"{path}/{METADATA}"):
        raise StoreError(f"{text} is no session: it has no {METADATA}")
    return _session_at(fs, path)


def _session_at(fs: fsspec.AbstractFileSystem, path: str) -> Session:
    try:
        with fs.open(f"{path}/{METADATA}", "rb") as file:
            metadata = json.load(file)
        return Session(metadata["session"], metadata, fs, path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path}/{METADATA} cannot be read ({error}); analyse the recording with --again") from error


def _is_local(fs: fsspec.AbstractFileSystem) -> bool:
    return "file" in ((fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol)
