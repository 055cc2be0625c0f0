"""The watched folder: what is taken, when, and where it goes."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.inbox import DONE, FAILED, INBOX, WORKING, Entry, Inbox, Ticket, is_temporary, move
from flows.settling import Settling


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    inbox = Inbox(tmp_path)
    inbox.create()
    return inbox


def put(inbox: Inbox, name: str, content: str = "recording") -> Path:
    path = inbox.folder / INBOX / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def names(inbox: Inbox, state: str) -> list[str]:
    return [str(e.path.relative_to(inbox.folder / state)) for e in inbox.files(state)]


def entry(inbox: Inbox, name: str, state: str = INBOX) -> Entry:
    return next(e for e in inbox.files(state) if e.path.name == name)


@pytest.mark.parametrize(
    "name",
    ["a.mp4.part", "a.mp4.crdownload", "._a.mp4", ".DS_Store", "~$a.mp4", "a.mp4~", "Thumbs.db", "A.MP4.PART", "x.tmp"],
)
def test_temporary_names_are_left_alone(inbox: Inbox, name: str) -> None:
    put(inbox, name)
    assert is_temporary(name)
    assert names(inbox, INBOX) == []


def test_folders_below_the_inbox_are_courses(inbox: Inbox) -> None:
    for name in ("a.mp4", "algebra/b.mp4", "maths/analysis 1/c.mp4", ".hidden/d.mp4"):
        put(inbox, name)
    assert {e.path.name: e.course for e in inbox.files(INBOX)} == {
        "a.mp4": "",
        "b.mp4": "algebra",
        "c.mp4": "maths/analysis 1",
    }
    assert inbox.move(entry(inbox, "c.mp4"), DONE) == inbox.folder / "done/maths/analysis 1/c.mp4"


def test_links_are_not_followed(inbox: Inbox, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "a.mp4").write_text("elsewhere")
    (inbox.folder / INBOX / "link").symlink_to(secret)
    (inbox.folder / INBOX / "b.mp4").symlink_to(secret / "a.mp4")
    assert names(inbox, INBOX) == []


def test_what_belongs_to_a_recording_travels_with_it(inbox: Inbox) -> None:
    for name in (
        "lecture.mp4",
        "lecture.vtt",
        "lecture.en.srt",
        "lecture-chat.txt",
        "lecture.sbv",
        "lecture 2.vtt",
        "other/lecture.txt",
    ):
        put(inbox, name)
    recording = entry(inbox, "lecture.mp4")
    inbox.move(recording, WORKING, inbox.sidecars(recording, list(inbox.files(INBOX))))
    assert names(inbox, WORKING) == ["lecture-chat.txt", "lecture.en.srt", "lecture.mp4", "lecture.sbv", "lecture.vtt"]
    assert names(inbox, INBOX) == ["lecture 2.vtt", "other/lecture.txt"]


def test_no_file_takes_the_place_of_another(inbox: Inbox) -> None:
    for content in ("first", "second", "third"):
        put(inbox, "a.mp4", content)
        put(inbox, "a.vtt", content)
        recording = entry(inbox, "a.mp4")
        inbox.move(recording, DONE, inbox.sidecars(recording, list(inbox.files(INBOX))))
    assert {p.name: p.read_text() for p in (inbox.folder / DONE).iterdir()} == {
        "a.mp4": "first",
        "a.vtt": "first",
        "a (2).mp4": "second",
        "a (2).vtt": "second",
        "a (3).mp4": "third",
        "a (3).vtt": "third",
    }


def test_of_two_who_take_a_file_one_gets_it_and_nothing_is_left_of_the_other(inbox: Inbox) -> None:
    put(inbox, "a.mp4")
    recording = entry(inbox, "a.mp4")
    assert inbox.move(recording, WORKING) is not None
    assert inbox.move(recording, WORKING) is None
    assert [path.name for path in (inbox.folder / WORKING).iterdir()] == ["a.mp4"]


@pytest.mark.parametrize("name", ["x" * 251 + ".mp4", "ñ" * 125 + ".mp4", "two\nlines.mp4", "-rf.mp4", " .mp4"])
def test_any_name_can_be_moved_noted_and_ticketed(inbox: Inbox, name: str) -> None:
    for _ in range(2):
        put(inbox, name)
        target = inbox.move(entry(inbox, name), WORKING)
        assert target is not None
        inbox.write_ticket(target, Ticket("0123456789abcdef", "run", "server"))
        assert inbox.ticket(target) == Ticket("0123456789abcdef", "run", "server")
        inbox.note(target, FAILED, "why")
    assert len(list(inbox.files(WORKING))) == 4


def test_a_name_that_is_no_text_becomes_one(inbox: Inbox) -> None:
    put(inbox, os.fsdecode(b"latin-\xe9.mp4"))
    [found] = inbox.files(INBOX)
    assert inbox.move(found, WORKING) == inbox.folder / WORKING / "latin-\ufffd.mp4"


def test_new_folders_are_their_owners_and_old_ones_keep_their_rights(tmp_path: Path) -> None:
    (tmp_path / INBOX).mkdir()
    (tmp_path / INBOX).chmod(0o777)
    Inbox(tmp_path).create()
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in (INBOX, WORKING, DONE, FAILED)}
    assert modes == {INBOX: 0o777, WORKING: 0o700, DONE: 0o700, FAILED: 0o700}


def settled(inbox: Inbox, settling: Settling, now_s: float) -> list[str]:
    found = settling.look(inbox.files(INBOX), inbox.temporary(INBOX), now_s)
    return [e.path.name for e, _ in found]


def test_a_file_is_whole_once_it_stood_still(inbox: Inbox) -> None:
    settling = Settling(10)
    path = put(inbox, "a.mp4")
    assert settled(inbox, settling, 0) == []
    assert settled(inbox, settling, 9) == []
    path.write_text("it has grown")
    assert settled(inbox, settling, 10) == []
    assert settled(inbox, settling, 19) == []
    assert settled(inbox, settling, 20) == ["a.mp4"]


def test_one_that_changes_without_growing_is_not_whole(inbox: Inbox) -> None:
    settling = Settling(10)
    path = put(inbox, "a.mp4")
    for now_s in range(0, 40, 5):
        os.utime(path, ns=(0, now_s * 10**9))
        assert settled(inbox, settling, now_s) == []


def test_one_that_vanishes_begins_anew(inbox: Inbox) -> None:
    settling = Settling(10)
    path = put(inbox, "a.mp4")
    settled(inbox, settling, 0)
    path.unlink()
    settled(inbox, settling, 5)
    put(inbox, "a.mp4")
    assert settled(inbox, settling, 12) == []
    assert settled(inbox, settling, 22) == ["a.mp4"]


def test_a_download_that_is_renamed_into_place_is_whole_at_once(inbox: Inbox) -> None:
    settling = Settling(10)
    path = put(inbox, "a.mp4.part")
    settled(inbox, settling, 0)
    path.rename(path.with_suffix(""))
    assert settled(inbox, settling, 1) == ["a.mp4"]


def test_what_lies_there_at_the_start_gets_the_same_checks(inbox: Inbox) -> None:
    path = put(inbox, "a.mp4")
    os.utime(path, (0, 0))
    assert settled(inbox, Settling(10), 1000) == []


@given(st.lists(st.sampled_from(["a.mp4", "b.mp4", "a (2).mp4", "a.vtt"]), min_size=1, max_size=8))
def test_whatever_is_moved_in_whatever_order_nothing_is_lost(
    tmp_path_factory: pytest.TempPathFactory, given_names: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("moved")
    (folder / "to").mkdir()
    for number, name in enumerate(given_names):
        source = folder / name
        source.write_text(str(number))
        move(source, folder / "to" / name)
    kept = sorted(int(path.read_text()) for path in (folder / "to").iterdir())
    assert kept == list(range(len(given_names)))
