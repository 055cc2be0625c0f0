"""Work that runs ahead of the one who needs it: items made by a thread, a few in hand."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

__all__ = ["read_ahead"]

Item = TypeVar("Item")

# How often a thread that waits looks whether nobody wants its items any more.
POLL_S = 0.1


@contextmanager
def read_ahead(items: Iterable[Item], in_hand: int) -> Iterator[Iterator[Item]]:
    """Iterate over ``items`` in a thread of its own, at most ``in_hand`` of them ahead.

    What the iteration raises is raised where the items are used. Leaving the block ends the thread.
    """
    waiting: queue.Queue[tuple[bool, Item | BaseException | None]] = queue.Queue(max(1, in_hand))
    stopped = threading.Event()

    def put(entry: tuple[bool, Item | BaseException | None]) -> bool:
        while not stopped.is_set():
            try:
                waiting.put(entry, timeout=POLL_S)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for item in items:
                if not put((True, item)):
                    return
            put((False, None))
        except BaseException as error:  # raised again by the one who iterates
            put((False, error))

    def taken() -> Generator[Item, None, None]:
        while True:
            more, entry = waiting.get()
            if more:
                yield entry  # type: ignore[misc]
            elif isinstance(entry, BaseException):
                raise entry
            else:
                return

    thread = threading.Thread(target=work, name="read-ahead", daemon=True)
    thread.start()
    try:
        yield taken()
    finally:
        stopped.set()
        thread.join()
