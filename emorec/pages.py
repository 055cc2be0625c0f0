"""The pages beside a store's sessions: its index. Written whole or not at all, by one process at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from emorec.errors import StoreError
from emorec.files import make_private, write_atomically
from emorec.store import Store

__all__ = ["INDEX", "page", "page_names", "write_pages"]

INDEX: Final = "index.html"
LOCK: Final = ".index.lock"


def page_names(store: Store, pattern: str = "*.html") -> list[str]:
    """The names of the pages of a store, such as ``index.html``."""
    fs, root = store.place
    fs.invalidate_cache()
    return sorted(str(path).rsplit("/", 1)[-1] for path in fs.glob(f"{root}/{pattern}"))


def page(store: Store, name: str) -> str:
    """A page's HTML; empty where there is none."""
    fs, root = store.place
    try:
        return str(fs.cat_file(f"{root}/{name}").decode())
    except FileNotFoundError:
        return ""


def write_pages(store: Store, make: Callable[[], Mapping[str, str | None]]) -> dict[str, str]:
    """Put pages beside the sessions and remove those that are None.

    Args:
        make: makes them; in a folder it is called while no other process writes pages, so that the last one to come
            has seen all sessions.

    Returns:
        Where each page is, by name.

    Raises:
        StoreError: the store cannot be read or written.
    """
    try:
        if not store.is_local:
            return _put(store, make())
        from filelock import FileLock

        make_private(store.local_path)
        with FileLock(store.local_path / LOCK, mode=0o600):
            return _put(store, make())
    except OSError as error:
        raise StoreError(f"the index of {store.root} cannot be written: {error}") from error


def _put(store: Store, pages: Mapping[str, str | None]) -> dict[str, str]:
    fs, root = store.place
    written = {}
    for name, html in pages.items():
        path = f"{root}/{name}"
        if html is None:
            if fs.exists(path):
                fs.rm_file(path)
            continue
        if store.is_local:
            write_atomically(Path(path), html.encode())
        else:
            fs.pipe_file(path, html.encode())
        written[name] = path if store.is_local else str(fs.unstrip_protocol(path))
    return written
