"""Which failures a flow tries again."""

from __future__ import annotations

import errno

import pytest

from emorec.errors import AssetError, InputError, SettingsError, StoreError
from flows.transient import may_pass


def store_error(cause: BaseException | None) -> StoreError:
    error = StoreError("the session cannot be written")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(OSError(errno.ENOSPC, "No space left on device"), id="full disk"),
        pytest.param(OSError(errno.ESTALE, "Stale file handle"), id="share that was mounted anew"),
        pytest.param(OSError(errno.EIO, "Input/output error"), id="share that does not answer"),
        pytest.param(FileNotFoundError(errno.ENOENT, "No such file or directory"), id="share that is not mounted"),
        pytest.param(ConnectionResetError(), id="connection cut"),
        pytest.param(TimeoutError(), id="no answer in time"),
        pytest.param(MemoryError(), id="too little memory"),
        pytest.param(store_error(OSError(errno.ENOSPC, "No space left on device")), id="store on a full disk"),
        pytest.param(store_error(store_error(TimeoutError())), id="store that does not answer"),
    ],
)
def test_what_can_pass_by_itself_is_tried_again(error: BaseException) -> None:
    assert may_pass(error)


def from_full_disk(kind: type[Exception]) -> Exception:
    error = kind("cannot be used")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    return error


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(from_full_disk(InputError), id="recording"),
        pytest.param(from_full_disk(AssetError), id="model file"),
        pytest.param(from_full_disk(SettingsError), id="setting"),
        pytest.param(store_error(None), id="store without a cause"),
        pytest.param(store_error(ValueError("not Parquet")), id="damaged table"),
        pytest.param(store_error(OSError("not Parquet")), id="damaged table, said as an OSError"),
        pytest.param(PermissionError(errno.EACCES, "Permission denied"), id="missing rights"),
        pytest.param(OSError(errno.EROFS, "Read-only file system"), id="read-only disk"),
        pytest.param(NotADirectoryError(errno.ENOTDIR, "Not a directory"), id="a file where a folder should be"),
        pytest.param(ValueError(), id="a fault of the program"),
    ],
)
def test_what_stays_wrong_fails_at_once(error: BaseException) -> None:
    assert not may_pass(error)
