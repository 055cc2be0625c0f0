"""emorec turns recordings of meetings and lectures into engagement reports.

``emorec.load(folder_or_id)`` opens a session for a notebook, ``emorec.query(sql)`` asks a whole store; the command
line is ``emorec``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emorec.version import __version__

if TYPE_CHECKING:
    from emorec.asking import query
    from emorec.store import Session, load

__all__ = ["Session", "__version__", "load", "query"]


def __getattr__(name: str) -> Any:
    """Import the store only when it is used, so that ``emorec --help`` stays fast."""
    if name in {"Session", "load"}:
        from emorec import store

        return getattr(store, name)
    if name == "query":
        from emorec import asking

        return asking.query
    raise AttributeError(f"module 'emorec' has no attribute {name!r}")
