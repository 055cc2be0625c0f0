"""The work folder of a recording: what observe saw, chunk by chunk, until the session is committed.

``STORE/work/<sha256>/`` belongs to its owner alone, because the embeddings in it are biometric data and lie nowhere
else. It is bound to a fingerprint of the settings and models that observe depends on: chunks of another fingerprint are
thrown away. A chunk is a folder that appears whole or not at all, so a killed run goes on after the last whole chunk.
The fingerprint is in its name: what a worker that outlived its run still writes is not taken for a later run's.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from emorec.errors import StoreError
from emorec.files import make_private, parquet_bytes
from emorec.memory import give_back_free_memory
from emorec.types import Columns, Faces, Observations, Samples, Tiles, Tracks

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ChunkRecord", "WorkFolder"]

_FINGERPRINT: Final = "fingerprint"
_RECORD: Final = "record.json"
_TABLES: Final[dict[str, type[Columns]]] = {"samples": Samples, "tiles": Tiles, "faces": Faces, "tracks": Tracks}

FINGERPRINT_LETTERS: Final = 16
"""Of a fingerprint, in the name of a chunk: 64 bits."""

WAITING_POLL_S: Final = 0.5
"""How often one who waits for a recording looks whether it still wants it."""

T = TypeVar("T", bound=Columns)


@dataclass(frozen=True)
class ChunkRecord:
    """What is said of a chunk beside its observations.

    ``read_until_s``: where reading ended; ``stages``: seconds and counts by stage.
    """

    read_until_s: float
    warnings: tuple[str, ...]
    stages: dict[str, dict[str, float]]


class WorkFolder:
    """The work folder of one recording; see the module."""

    def __init__(self, store: Path, sha256: str, fingerprint: str | None = None) -> None:
        """Names it; nothing is read or written yet.

        Args:
            store: the folder in which ``work`` lies.
            sha256: of the recording.
            fingerprint: of the chunks that are asked for and written; by default the one that the folder is bound to.
        """
        self._fingerprint = fingerprint
        self.path = store / "work" / sha256
        self._lock_path = store / "work" / f"{sha256}.lock"

    @contextmanager
    def locked(self, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Hold the recording for this process.

        While another one holds it, this one waits until that is done or gone; ``waiting`` is called meanwhile, again
        and again, and may raise to wait no longer.
        """
        from filelock import FileLock, Timeout

        try:
            make_private(self.path.parent)
            lock = FileLock(self._lock_path, mode=0o600)
            pause_s = 0.0
            while not lock.is_locked:
                try:
                    lock.acquire(timeout=pause_s)
                except Timeout:
                    waiting()
                    pause_s = WAITING_POLL_S
        except OSError as error:
            raise StoreError(f"{self.path.parent} cannot be written: {error}") from error
        try:
            yield
        finally:
            # Removed while it is held: one who waits for it notices and takes a new one.
            self._lock_path.unlink(missing_ok=True)
            lock.release()

    def prepare(self, fingerprint: str) -> None:
        """Bind the folder to a fingerprint; chunks that another one left are thrown away."""
        file = self.path / _FINGERPRINT
        try:
            if not (file.is_file() and file.read_text() == fingerprint):
                self.delete()
                make_private(self.path)
                file.write_text(fingerprint)
        except OSError as error:
            raise StoreError(f"{self.path} cannot be written: {error}") from error

    def has(self, index: int) -> bool:
        """Whether a chunk has been observed."""
        return self._chunk(index).is_dir()

    def write(self, index: int, observations: Observations, record: ChunkRecord) -> None:
        """Keep what was seen in a chunk, whole or not at all."""
        target = self._chunk(index)
        try:
            beside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=self.path))
            try:
                for name in _TABLES:
                    (beside / f"{name}.parquet").write_bytes(parquet_bytes(_to_table(getattr(observations, name))))
                (beside / _RECORD).write_text(json.dumps(record.__dict__))
                if not target.is_dir():
                    beside.rename(target)
            finally:
                shutil.rmtree(beside, ignore_errors=True)
        except OSError as error:
            raise StoreError(f"{target} cannot be written: {error}") from error

    def read(self, indices: Sequence[int]) -> tuple[Observations, list[ChunkRecord]]:
        """The observations of consecutive chunks as one, and each chunk's record."""
        parts, records = [], []
        for index in indices:
            folder = self._chunk(index)
            try:
                tables: dict[str, Any] = {
                    name: _from_file(folder / f"{name}.parquet", kind) for name, kind in _TABLES.items()
                }
                raw = json.loads((folder / _RECORD).read_text())
            except (OSError, ValueError, KeyError) as error:
                raise StoreError(
                    f"{folder} cannot be read ({error}); delete it and run the same command again"
                ) from error
            parts.append(Observations(**tables))
            records.append(ChunkRecord(raw["read_until_s"], tuple(raw["warnings"]), raw["stages"]))
        whole = Observations.concatenate(parts)
        parts.clear()
        give_back_free_memory()
        return whole, records

    def delete(self) -> None:
        """Delete all that is in it, embeddings included."""
        if self.path.exists():
            shutil.rmtree(self.path)

    def try_delete(self) -> bool:
        """Delete it unless a process holds it; whether it is gone."""
        from filelock import FileLock, Timeout

        try:
            with FileLock(self._lock_path, mode=0o600, timeout=0):
                self.delete()
                self._lock_path.unlink(missing_ok=True)
        except Timeout:
            return False
        except OSError as error:
            raise StoreError(f"{self.path} cannot be deleted: {error}") from error
        return True

    def _chunk(self, index: int) -> Path:
        return self.path / f"chunk-{index:05d}-{self._of_chunks()[:FINGERPRINT_LETTERS]}"

    def _of_chunks(self) -> str:
        if self._fingerprint is not None:
            return self._fingerprint
        file = self.path / _FINGERPRINT
        return file.read_text() if file.is_file() else ""


def _to_table(columns: Columns) -> pa.Table:
    """Arrays as a Parquet table: what has more than one dimension becomes a list of fixed size."""
    import pyarrow as pa

    arrays = {}
    for f in fields(columns):
        values: np.ndarray[Any, Any] = getattr(columns, f.name)
        if values.ndim == 1:
            arrays[f.name] = pa.array(values)
        else:
            arrays[f.name] = pa.FixedSizeListArray.from_arrays(
                pa.array(values.reshape(-1)), int(np.prod(values.shape[1:]))
            )
    return pa.table(arrays)


def _from_file(path: Path, kind: type[T]) -> T:
    """The arrays, copied: Arrow uses the memory of one chunk for the next then."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:  # read_table would load Arrow's datasets, and pandas with them
        table = file.read()
    arrays = {}
    for f in fields(kind):
        column = table.column(f.name).combine_chunks()
        if pa.types.is_fixed_size_list(column.type):
            values = np.array(column.flatten().to_numpy(zero_copy_only=False))
            arrays[f.name] = values.reshape(len(column), column.type.list_size)
        elif pa.types.is_string(column.type):
            arrays[f.name] = np.array(column.to_pylist(), np.str_)
        else:
            arrays[f.name] = np.array(column.to_numpy(zero_copy_only=False))
    return kind(**arrays)
