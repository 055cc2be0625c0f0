"""Which failures can pass by themselves, and so are worth another try."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any, Final

from emorec.errors import AssetError, InputError, LimitError, SettingsError, StoreError

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State, TaskRun
    from prefect.tasks import Task

__all__ = ["may_pass", "worth_retrying"]

_NEEDS_A_PERSON: Final = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.EISDIR,
        errno.ENOTDIR,
        errno.ENAMETOOLONG,
        errno.EINVAL,
        errno.ELOOP,
    }
)
"""What the operating system says of rights and names, which waiting does not change."""


def may_pass(error: BaseException) -> bool:
    """Whether the same work may succeed later: a full disk, a share or a connection that is away, too little memory.

    A StoreError is judged by what caused it. What is wrong with the recording, the settings or the model files stays
    wrong.
    """
    if isinstance(error, (InputError, AssetError, LimitError, SettingsError)):
        return False
    if isinstance(error, StoreError):
        return error.__cause__ is not None and may_pass(error.__cause__)
    if isinstance(error, (MemoryError, ConnectionError, TimeoutError)):
        return True
    # Without a number it comes from a library that could not make sense of a file's bytes.
    return isinstance(error, OSError) and error.errno is not None and error.errno not in _NEEDS_A_PERSON


def worth_retrying(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether Prefect is to run a failed task again."""
    return isinstance(state.data, BaseException) and may_pass(state.data)
