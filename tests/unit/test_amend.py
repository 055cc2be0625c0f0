"""What is added to a stored session: from files beside the recording, without the recording."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import emorec
from emorec.amend import Additions, amend, find_new
from emorec.errors import InputError, StoreError
from emorec.schemas import SCHEMAS
from emorec.settings.sidecars import SidecarsSettings
from emorec.store import Session
from tests.builders import write_session

KEEP = SidecarsSettings(keep_text=True, keep_names=True)
PLAIN = SidecarsSettings()

TRANSCRIPT = """WEBVTT

1
00:00:02.000 --> 00:00:06.000
Ana Lima: Good morning. Can you hear me?

2
00:00:07.000 --> 00:00:09.500
Tom Roe: Yes, we can.

3
02:00:00.000 --> 02:00:01.000
Tom Roe: Long after the end.
"""
CHAT = "nonsense\n00:00:14\t Tom Roe:\tWhich page is it?\n00:00:20\t Eve Moss:\t👍\n"
ATTENDANCE = """Name,Join Time,Leave Time,Role
Ana Lima,10:00:00,10:20:00,Organizer
Tom Roe,10:00:00,10:20:00,
Cyd Noe,10:05:00,10:10:00,
Cyd Noe,10:12:00,10:15:00,
"""
CHAPTERS = "0:00 Welcome\n5:00 What a sample is\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes a file; gives where it is."""

    def written(name: str, text: str) -> Path:
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return written


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """Two people whose faces were seen all of the 20 minutes."""
    return write_session(tmp_path / "store", participants=2, minutes=20)


def test_a_transcript_becomes_speech_with_its_speakers(session: Session, write: Callable[..., Path]) -> None:
    added = amend(
        session,
        Additions(files={"transcript": write("t.vtt", TRANSCRIPT)}, labels={"P01": "Lima, Ana"}),
        KEEP,
    )
    assert added.table("speech").schema.equals(SCHEMAS["speech"])
    speech = added.speech
    assert speech.participant.isna().tolist() == [False, True]
    assert speech.participant[0] == "P01"
    assert speech.speaker.tolist() == ["Ana Lima", "Tom Roe"]
    assert speech.words.tolist() == [6, 3]
    assert speech.question.tolist() == [True, False]
    assert speech.text[0] == "Good morning. Can you hear me?"
    assert added.participants.label.tolist()[0] == "Lima, Ana"
    account = added.metadata["sidecars"]["transcript"]
    assert (account["rows"], account["outside"], account["bad_lines"]) == (3, 1, 0)
    assert "t.vtt: 1 of 3 entries lie outside the recording" in added.metadata["warnings"]


def test_neither_text_nor_names_are_kept_unless_asked_for(session: Session, write: Callable[..., Path]) -> None:
    files: Any = {
        "transcript": write("t.vtt", TRANSCRIPT),
        "chat": write("c.txt", CHAT),
        "attendance": write("a.csv", ATTENDANCE),
    }
    added = amend(session, Additions(files=files), PLAIN)
    assert added.speech.text.isna().all()
    assert added.chat.text.isna().all()
    assert added.speech.speaker.tolist() == ["S01", "S02"]
    assert added.chat.author.tolist() == ["A01", "A02"]
    everything = b"".join(path.read_bytes() for path in Path(added.folder).iterdir())
    for name in (b"Ana Lima", b"Tom Roe", b"Cyd Noe", b"Eve Moss", b"Which page"):
        assert name not in everything


def test_a_chat_keeps_times_lengths_questions_and_reactions(session: Session, write: Callable[..., Path]) -> None:
    added = amend(session, Additions(files={"chat": write("c.txt", CHAT)}), PLAIN)
    chat = added.chat
    assert chat.t.tolist() == [14, 20]
    assert chat.question.tolist() == [True, False]
    assert chat.reaction.tolist() == [False, True]
    assert chat.length[0] == len("Which page is it?")
    assert "c.txt: 1 of 3 lines could not be used (1)" in added.metadata["warnings"]


def test_who_has_no_face_becomes_a_participant_with_presence_only(session: Session, write: Callable[..., Path]) -> None:
    before, windows_before = session.group.present.to_numpy(), session.group_windows.present.sum()
    added = amend(session, Additions(files={"attendance": write("a.csv", ATTENDANCE)}), KEEP)
    people = added.participants.set_index("participant")
    assert list(people.index) == ["P01", "P02", "P03"]
    cyd = people.loc["P03"]
    # Cyd came after both faces had been seen, so it is certain who has none.
    assert (cyd.label, cyd.first_seen, cyd.last_seen, cyd.visible_s) == ("Cyd Noe", 300, 900, 0)
    assert cyd.camera_off_s == pytest.approx(480, abs=2)
    assert cyd.absent_s == pytest.approx(120, abs=2)
    assert people.loc["P03"].drop(["session", "label", "first_seen", "last_seen"]).filter(like="at").isna().all()
    timeline = added.timeline[added.timeline.participant == "P03"]
    assert set(timeline.state) == {"camera_off", "absent"}
    assert timeline.attention.isna().all()
    more = added.group.present.to_numpy() - before
    t = added.group.t.to_numpy()
    assert (more == (((t >= 300) & (t <= 600)) | ((t >= 720) & (t <= 900)))).all()
    assert added.group_windows.present.sum() - windows_before == pytest.approx(48, abs=0.5)
    assert added.metadata["counts"]["participants"] == 3
    assert any("emorec set" in text for text in added.metadata["warnings"])


def test_attendance_corrects_when_a_known_person_came_and_left(session: Session, write: Callable[..., Path]) -> None:
    rows = "Name,Join Time,Leave Time\nAna Lima,10:00:00,10:19:59\nTom Roe,10:00:00,10:20:00\n"
    seen = session.participants.set_index("participant").loc["P02"]
    labels = {"P01": "Tom Roe", "P02": "Ana Lima"}
    added = amend(session, Additions(files={"attendance": write("a.csv", rows)}, labels=labels), PLAIN)
    ana = added.participants.set_index("participant").loc["P02"]
    assert (ana.first_seen, ana.last_seen) == (0, max(1199, seen.last_seen))
    assert ana.visible_s == seen.visible_s
    assert ana.absent_s == pytest.approx(ana.last_seen - ana.first_seen + 0.5 - ana.visible_s - ana.camera_off_s, abs=1)
    assert len(added.participants) == 2


def test_adding_the_same_again_changes_nothing_and_removing_gives_back_what_was(
    session: Session, write: Callable[..., Path]
) -> None:
    files: Any = {
        "transcript": write("t.vtt", TRANSCRIPT),
        "chat": write("c.txt", CHAT),
        "attendance": write("a.csv", ATTENDANCE),
        "chapters": write("s.txt", CHAPTERS),
    }
    once = amend(session, Additions(files=files), KEEP)
    first = {path.name: path.read_bytes() for path in Path(once.folder).iterdir()}
    twice = amend(once, Additions(files=files), KEEP)
    assert {path.name: path.read_bytes() for path in Path(twice.folder).iterdir()} == first
    without = amend(twice, Additions(remove=("transcript", "chat", "attendance", "chapters")), KEEP)
    assert not len(without.speech)
    assert not len(without.chat)
    for name in ("timeline", "group", "group_windows", "windows", "moments"):
        assert without.table(name).equals(session.table(name)), name
    assert without.participants.drop(columns=["absent_s"]).equals(session.participants.drop(columns=["absent_s"]))
    assert np.allclose(without.participants.absent_s, session.participants.absent_s, atol=1)
    assert without.metadata["warnings"] == session.metadata["warnings"]
    assert without.metadata["counts"] == session.metadata["counts"]


def test_chapters_come_from_a_file_else_from_changes_of_the_screen(
    session: Session, write: Callable[..., Path]
) -> None:
    shown = amend(session, Additions(title="Week 7"), PLAIN)
    changes = session.group.t[session.group.screen_change.astype(bool)].tolist()
    assert shown.chapters.source.unique().tolist() == ["screen"]
    assert shown.chapters.t0.tolist() == [0.0, *changes]
    assert shown.chapters.t1.tolist() == [*changes, 1200.0]
    assert shown.chapters.title.isna().all()
    assert shown.metadata["title"] == "Week 7"
    named = amend(shown, Additions(files={"chapters": write("s.txt", CHAPTERS)}), PLAIN)
    assert named.chapters.title.tolist() == ["Welcome", "What a sample is"]
    assert named.chapters.t1.tolist() == [300, 1200]
    assert amend(named, Additions(remove=("chapters",)), PLAIN).chapters.equals(shown.chapters)


def test_a_label_that_comes_later_joins_what_was_said(session: Session, write: Callable[..., Path]) -> None:
    added = amend(session, Additions(files={"transcript": write("t.vtt", TRANSCRIPT)}), KEEP)
    assert added.speech.participant.isna().all()
    labelled = amend(added, Additions(labels={"P02": "Tom Roe"}, instructor="Ana Lima"), KEEP)
    assert labelled.speech.participant.tolist()[1] == "P02"
    assert labelled.metadata["instructor"] == "Ana Lima"
    assert amend(labelled, Additions(instructor="tom roe"), KEEP).metadata["instructor"] == "P02"


def test_the_host_of_the_attendance_file_leads_if_it_is_known_who_it_is(
    session: Session, write: Callable[..., Path]
) -> None:
    files: Any = {"attendance": write("a.csv", ATTENDANCE)}
    assert "instructor" not in amend(session, Additions(files=files), KEEP).metadata
    known = amend(session, Additions(files=files, labels={"P02": "Ana Lima"}), KEEP)
    assert known.metadata["instructor"] == "P02"


def test_an_aggregate_session_takes_chapters_and_nothing_of_people(tmp_path: Path, write: Callable[..., Path]) -> None:
    session = write_session(tmp_path / "store", participants=12, mode="aggregate")
    added = amend(session, Additions(files={"chapters": write("s.txt", CHAPTERS)}, course="algebra"), PLAIN)
    assert len(added.chapters) == 2
    assert added.metadata["course"] == "algebra"
    with pytest.raises(StoreError, match=r"aggregate.*chat, names cannot be added"):
        amend(session, Additions(files={"chat": write("c.txt", CHAT)}, labels={"P01": "Ana"}), PLAIN)


@pytest.mark.parametrize(
    ("additions", "said"),
    [
        (Additions(labels={"P77": "Ana"}), "no participant P77; there are P01, P02"),
        (Additions(date="yesterday"), "is no date"),
        (Additions(started="soon", files={}), "is no time of day"),
        (Additions(files={"chat": Path("missing.txt")}), "no such file"),
    ],
)
def test_what_cannot_be_is_one_line_and_changes_nothing(session: Session, additions: Additions, said: str) -> None:
    before = {path.name: path.read_bytes() for path in Path(session.folder).iterdir()}
    with pytest.raises(InputError, match=said):
        amend(session, additions, PLAIN)
    assert {path.name: path.read_bytes() for path in Path(session.folder).iterdir()} == before


def test_only_what_is_new_beside_a_recording_is_found(session: Session, tmp_path: Path) -> None:
    recording = tmp_path / "lecture.mp4"
    recording.write_bytes(b"\0")
    (tmp_path / "lecture.vtt").write_text(TRANSCRIPT)
    found = find_new(session, recording)
    assert set(found) == {"transcript"}
    added = amend(session, Additions(files=found), PLAIN)
    assert find_new(added, recording) == {}
    (tmp_path / "lecture.vtt").write_text(TRANSCRIPT.replace("Yes", "No"))
    assert set(find_new(added, recording)) == {"transcript"}


def test_a_session_in_memory_behind_a_url_takes_files_too(write: Callable[..., Path]) -> None:
    session = write_session("memory://amended", participants=2, minutes=5)  # type: ignore[arg-type]
    added = amend(session, Additions(files={"chat": write("c.txt", CHAT)}), PLAIN)
    assert len(added.chat) == 2
    assert not len(amend(added, Additions(remove=("chat",)), PLAIN).chat)
    assert len(emorec.load(added.folder).timeline) == len(session.timeline)
