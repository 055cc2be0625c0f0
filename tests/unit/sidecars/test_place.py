"""Which files belong to a recording, and when what they say happened in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from emorec.errors import InputError
from emorec.sidecars import Message, Stay, parse
from emorec.sidecars.find import beside
from emorec.sidecars.people import Known, attendees, match
from emorec.sidecars.place import given_start, place, start_of_name

FIXTURES = Path(__file__).parents[2] / "fixtures" / "sidecars"


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """A folder with copies of fixtures under other names, and a recording; gives the recording."""

    def made(recording: str, **files: str) -> Path:
        (tmp_path / recording).write_bytes(b"\0")
        for fixture, name in files.items():
            (source,) = FIXTURES.glob(f"{fixture.replace('_', '-')}.*")
            shutil.copy(source, tmp_path / name)
        return tmp_path / recording

    return made


def test_files_with_the_recordings_name_belong_to_it(folder: Callable[..., Path]) -> None:
    recording = folder(
        "lecture.mp4",
        zoom_transcript="lecture.en.vtt",
        zoom_chat_local="lecture_chat.txt",
        zoom_participants="Lecture participants.csv",
        slides="lecture-slides.txt",
        youtube_captions="other.srt",
        teams_chat="lecture2.txt",
    )
    assert {kind: path.name for kind, path in beside(recording).items()} == {
        "transcript": "lecture.en.vtt",
        "chat": "lecture_chat.txt",
        "attendance": "Lecture participants.csv",
        "chapters": "lecture-slides.txt",
    }


def test_zooms_own_names_belong_to_their_recording_whatever_its_view(folder: Callable[..., Path]) -> None:
    recording = folder(
        "GMT20240105-100003_Recording_gallery_1920x1080.mp4",
        zoom_transcript="GMT20240105-100003_Recording.transcript.vtt",
        zoom_chat_cloud="GMT20240105-100003_RecordingnewChat.txt",
    )
    assert set(beside(recording)) == {"transcript", "chat"}


def test_common_names_count_only_beside_a_single_recording(folder: Callable[..., Path]) -> None:
    recording = folder("video1.mp4", zoom_chat_local="chat.txt")
    assert set(beside(recording)) == {"chat"}
    folder("video2.mp4")
    assert beside(recording) == {}


def test_a_file_of_a_longer_name_belongs_to_the_recording_of_that_name(folder: Callable[..., Path]) -> None:
    recording = folder("week 7.mp4", zoom_transcript="week 7 part 2.vtt")
    assert set(beside(recording)) == {"transcript"}
    other = folder("week 7 part 2.mp4")
    assert beside(recording) == {}
    assert set(beside(other)) == {"transcript"}


@pytest.mark.parametrize(
    ("name", "seconds", "utc"),
    [
        ("GMT20240105-100003_Recording_1920x1080.mp4", 1704448803, True),
        ("2024-01-05 10.00.03 Statistics/video.mp4", 1704448803, False),
        ("2024-01-05 10-00-03.mkv", 1704448803, False),
        ("Statistics-20240105_100003UTC-Meeting Recording.mp4", 1704448803, True),
        ("Statistics (2024-01-05 10:00 GMT+1).mp4", 1704448800, True),
    ],
)
def test_a_recordings_name_says_when_it_began(name: str, seconds: float, utc: bool) -> None:
    start = start_of_name(name)
    assert start is not None
    assert (start.seconds, start.utc) == (seconds, utc)


@pytest.mark.parametrize("name", ["lecture.mp4", "20249999-999999.mp4", "1920x1080 2024.mp4"])
def test_a_name_without_a_time_says_nothing(name: str) -> None:
    assert start_of_name(name) is None


def chat_times(start: str) -> tuple[list[float], str]:
    sidecar = parse((FIXTURES / "zoom-chat-local.txt").read_bytes())
    assert sidecar is not None
    placed = place(sidecar, 3600, start_of_name(start) if "GMT" in start else given_start(start))
    return [row.t_s for row in placed.rows if isinstance(row, Message)], placed.how


def test_a_given_start_brings_a_chat_to_the_recordings_time() -> None:
    assert chat_times("10:00:00") == ([131, 220, 242], "as given")
    assert chat_times("2024-01-05 10:00:00")[0] == [131, 220, 242]


def test_the_time_zone_between_zooms_name_and_the_chat_is_found() -> None:
    times, how = chat_times("GMT20240105-080000_Recording.mp4")
    assert times == [131, 220, 242]
    assert how == "as the recording's name says"


def test_without_a_start_the_meetings_own_is_taken_and_said() -> None:
    sidecar = parse((FIXTURES / "teams-report.csv").read_bytes())
    assert sidecar is not None
    placed = place(sidecar, 5400, None)
    assert next((row.t0_s, row.t1_s) for row in placed.rows if isinstance(row, Stay)) == (0, 5400)
    assert "when the meeting began, as the file says" in placed.notes[0]


def test_what_lies_outside_the_recording_is_counted_and_said() -> None:
    sidecar = parse((FIXTURES / "zoom-transcript.vtt").read_bytes())
    assert sidecar is not None
    placed = place(sidecar, 7.0, None)
    assert (len(placed.rows), placed.outside) == (2, 3)
    assert placed.notes == ("3 of 5 entries lie outside the recording",)
    nothing = place(sidecar, 7.0, None, shift_s=1000)
    assert "may be of another one" in nothing.notes[0]
    assert place(sidecar, 60, None, shift_s=2.5).rows[0].t0_s == pytest.approx(4.81)  # type: ignore[union-attr]


def test_a_start_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="is no time of day"):
        given_start("at ten")


def stay(name: str, t0_s: float, t1_s: float, role: str = "") -> Stay:
    return Stay(name, t0_s, t1_s, role)


def test_who_joins_twice_is_one_attendee() -> None:
    people = attendees([stay("Tom O'Neil", 700, 900), stay("O'Neil, Tom", 10, 600, "Organizer")], 1000)
    (tom,) = people
    assert (tom.stays_s, tom.host, tom.first_s, tom.last_s) == (((10, 600), (700, 900)), True, 10, 900)


def test_faces_are_matched_by_name_and_the_rest_by_when_they_were_there() -> None:
    people = attendees([stay("Ana", 0, 1000), stay("Ana Lima", 0, 1000), stay("Tom Roe", 400, 1000)], 1000)
    known = [Known("P01", "Lima, Ana", 5, 990), Known("P02", "", 2, 995)]
    matched = match(people, known, edge_s=60)
    assert matched.faces["P01"].name == "Ana Lima"
    # P02 was seen from the start, so they cannot be Tom, who came later: Tom has no face, for certain.
    assert [(who.name, sure) for who, sure in matched.without] == [("Tom Roe", True)]
    assert matched.open_faces == 1


def test_without_names_it_is_not_certain_who_of_two_alike_has_no_face() -> None:
    people = attendees([stay("Ana Lima", 0, 1000), stay("Tom Roe", 0, 1000)], 1000)
    matched = match(people, [Known("P01", "", 5, 990)], edge_s=60)
    assert [sure for _, sure in matched.without] == [False]
