"""Work beside the one who needs it, in a thread of its own and a few items in hand: made ahead, or done behind."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

__all__ = ["hand_on", "read_ahead"]

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

    def work() -> None:
        try:
            for item in items:
                if not _put(waiting, (True, item), stopped):
                    return
            _put(waiting, (False, None), stopped)
        except BaseException as error:  # raised again by the one who iterates
            _put(waiting, (False, error), stopped)

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


@contextmanager
def hand_on(work: Callable[[Item], None], in_hand: int) -> Iterator[Callable[[Item], None]]:
    """Do ``work`` on items in a thread of its own, in their order; gives the function that hands one over.

    That waits while ``in_hand`` items wait. What the work raises is raised there or at the block's end, which waits
    for all that was handed over; after an error, and where the block itself fails, the rest is dropped.
    """
    waiting: queue.Queue[tuple[bool, Item | None]] = queue.Queue(max(1, in_hand))
    stopped = threading.Event()
    failed: list[BaseException] = []

    def do() -> None:
        while True:
            try:
                more, item = waiting.get(timeout=POLL_S)
            except queue.Empty:
                if stopped.is_set():
                    return
                continue
            if not more:
                return
            try:
                work(item)  # type: ignore[arg-type]
            except BaseException as error:  # raised again by the one who hands over
                failed.append(error)
                stopped.set()
                return
            # Nothing of an item outlives its work: it may be a large picture.
            del item

    def put(item: Item) -> None:
        if not _put(waiting, (True, item), stopped):
            raise failed[0]

    thread = threading.Thread(target=do, name="hand-on", daemon=True)
    thread.start()
    try:
        yield put
        _put(waiting, (False, None), stopped)
        thread.join()
    finally:
        stopped.set()
        while not waiting.empty():
            waiting.get_nowait()
        thread.join()
    if failed:
        raise failed[0]


def _put(waiting: queue.Queue[Item], entry: Item, stopped: threading.Event) -> bool:
    """Put an entry into a queue as soon as there is room; False if that ends before."""
    while not stopped.is_set():
        try:
            waiting.put(entry, timeout=POLL_S)
            return True
        except queue.Full:
            continue
    return False
