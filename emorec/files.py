"""Files and folders of a store on this machine: for their owner alone, written whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["json_bytes", "make_private", "parquet_bytes", "remove_unfinished", "write_atomically"]


def remove_unfinished(target: Path) -> None:
    """Remove what commits of this session that were cut off left beside it."""
    for left in target.parent.glob(f".{target.name}-*"):
        shutil.rmtree(left, ignore_errors=True)


def make_private(folder: Path) -> None:
    """Create a folder, and those above it that are missing, for its owner alone."""
    missing = [f for f in (folder, *folder.parents) if not f.exists()]
    for part in reversed(missing):
        part.mkdir(mode=0o700, exist_ok=True)


def parquet_bytes(table: pa.Table) -> bytes:
    """A table as Parquet, compressed with zstd; the same table gives the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue().to_pybytes())


def json_bytes(metadata: Mapping[str, Any]) -> bytes:
    return (json.dumps(metadata, indent=1, ensure_ascii=False) + "\n").encode()


def write_atomically(path: Path, content: bytes) -> None:
    """Write beside, for the owner alone, flush to the disk, move into place."""
    handle, beside = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
