"""Work beside the one who needs it: in order, a few items in hand, failures where they are noticed."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from emorec.ahead import hand_on, read_ahead

WAIT_S = 10.0


def test_items_are_read_in_their_order() -> None:
    with read_ahead(range(20), 3) as items:
        assert list(items) == list(range(20))


def test_no_more_than_the_items_in_hand_are_read_ahead() -> None:
    made: list[int] = []
    third = threading.Event()

    def making() -> Iterator[int]:
        for number in range(10):
            made.append(number)
            if number == 2:
                third.set()
            yield number

    with read_ahead(making(), 2):
        assert third.wait(WAIT_S)
        # Two wait in the queue, the third is in the thread's hand.
        assert made == [0, 1, 2]


def test_what_reading_raises_is_raised_where_the_items_are_used() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    with read_ahead(broken(), 2) as items:
        assert next(items) == 1
        with pytest.raises(OSError, match="gone"):
            next(items)


def test_all_that_was_handed_on_is_done_in_order_at_the_end_of_the_block() -> None:
    done: list[int] = []
    with hand_on(done.append, 2) as hand:
        for number in range(20):
            hand(number)
    assert done == list(range(20))


def test_one_who_hands_on_waits_while_enough_items_wait() -> None:
    may_go, handed = threading.Event(), threading.Event()
    done: list[int] = []

    def work(item: int) -> None:
        may_go.wait(WAIT_S)
        done.append(item)

    def give() -> None:
        with hand_on(work, 1) as hand:
            for number in range(4):
                hand(number)
            handed.set()

    giver = threading.Thread(target=give)
    giver.start()
    # One is being worked on, one waits: there is no room for all four.
    assert not handed.wait(0.2)
    may_go.set()
    giver.join(WAIT_S)
    assert handed.is_set()
    assert done == [0, 1, 2, 3]


def test_what_the_work_raises_is_raised_to_the_one_who_hands_on() -> None:
    done: list[int] = []

    def work(item: int) -> None:
        if item == 3:
            raise ValueError("three")
        done.append(item)

    def give() -> None:
        with hand_on(work, 1) as hand:
            for number in range(1000):
                hand(number)

    with pytest.raises(ValueError, match="three"):
        give()
    assert done == [0, 1, 2]


def test_what_the_last_work_raises_is_raised_at_the_end_of_the_block() -> None:
    def work(item: int) -> None:
        raise ValueError(item)

    def give() -> None:
        with hand_on(work, 5) as hand:
            hand(7)

    with pytest.raises(ValueError, match="7"):
        give()


def test_where_the_block_fails_its_own_error_is_raised_and_the_thread_has_ended() -> None:
    def give() -> None:
        with hand_on(print, 5):
            raise KeyError("stop")

    with pytest.raises(KeyError):
        give()
    assert not [thread for thread in threading.enumerate() if thread.name == "hand-on"]
