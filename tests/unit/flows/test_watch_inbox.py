"""The watcher, with a real folder and a server that is a dictionary."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from emorec.settings import Settings
from emorec.store import Store, session_id
from flows.inbox import DONE, FAILED, INBOX, WORKING, Inbox
from flows.runs import Run
from flows.watch_inbox import Checked, Watcher, server_name
from tests.clips import write_clip


@dataclass
class Server:
    """Takes recordings as Prefect's server does; ``runs`` by id, ``sent`` the parameters of each."""

    runs: dict[str, Run] = field(default_factory=dict)
    sent: list[dict[str, object]] = field(default_factory=list)
    _of: dict[str, str] = field(default_factory=dict)

    def get(self, ids: Iterable[str]) -> dict[str, Run]:
        return {run: self.runs[run] for run in ids if run in self.runs}

    def send(self, session: str, parameters: dict[str, object]) -> Run:
        known = self._of.get(session)
        if known in self.runs and not self.runs[known].ended:
            return self.runs[known]
        run = Run(f"run {len(self.runs)}", "RUNNING", "")
        self.runs[run.id], self._of[session] = run, run.id
        self.sent.append(parameters)
        return run

    def end(self, state: str, message: str = "") -> None:
        self.runs = {run: Run(run, state, message) for run in self.runs}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def settings(site: Path) -> Settings:
    return Settings.load(
        store=str(site / "store"), operations={"folder": site, "settle_s": 10, "patience_s": 60, "poll_s": 1}
    )


@pytest.fixture
def inbox(settings: Settings) -> Inbox:
    inbox = Inbox(settings.operations.folder)
    inbox.create()
    return inbox


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", container_options={"movflags": "faststart"})


def below(inbox: Inbox, state: str) -> list[str]:
    return sorted(p.name for p in (inbox.folder / state).rglob("*") if p.is_file() and not p.name.startswith("."))


def commit(settings: Settings, clip: Path) -> str:
    import hashlib

    session = session_id(hashlib.sha256(clip.read_bytes()).hexdigest())
    metadata = {"session": session, "privacy": {"mode": "participant"}}
    Store(settings.store).commit({}, metadata).write_report("<html>")
    return session


def test_a_recording_goes_through_working_to_done(settings: Settings, inbox: Inbox, clip: Path) -> None:
    server, watcher = Server(), Watcher(inbox, settings, "here")
    (inbox.folder / INBOX / "algebra").mkdir()
    shutil.copy(clip, inbox.folder / INBOX / "algebra" / "lecture.mp4")
    (inbox.folder / INBOX / "algebra" / "lecture.vtt").write_text("WEBVTT")
    for now_s in (0, 10, 11):
        watcher.look(server, now_s)
    working = inbox.folder / WORKING / "algebra" / "lecture.mp4"
    assert server.sent == [{"recording": str(working), "course": "algebra"}]
    assert below(inbox, WORKING) == ["lecture.mp4", "lecture.vtt"]

    session = commit(settings, clip)
    server.end("COMPLETED")
    watcher.look(server, 12)

    assert below(inbox, DONE) == ["lecture.mp4", "lecture.mp4.done.txt", "lecture.vtt"]
    note = (inbox.folder / DONE / "algebra" / "lecture.mp4.done.txt").read_text()
    assert session in note
    assert "report.html" in note
    assert (inbox.folder / DONE / "algebra" / "lecture.mp4").read_bytes() == clip.read_bytes()
    assert list((inbox.folder / WORKING).rglob("*.json")) == []


def test_dropped_again_with_a_transcript_its_session_is_to_get_that(
    settings: Settings, inbox: Inbox, clip: Path
) -> None:
    server, watcher = Server(), Watcher(inbox, settings, "here")
    commit(settings, clip)
    shutil.copy(clip, inbox.folder / INBOX / "lecture.mp4")
    for now_s in (0, 10):
        watcher.look(server, now_s)
    assert server.sent == []
    for path in (inbox.folder / DONE).iterdir():
        path.rename(inbox.folder / INBOX / path.name)
    (inbox.folder / INBOX / "lecture-transcript.vtt").write_text("WEBVTT\n\n00:00.000 --> 00:01.000\nAna: hello\n")
    for now_s in (20, 31):
        watcher.look(server, now_s)
    assert server.sent == [{"recording": str(inbox.folder / WORKING / "lecture.mp4"), "course": "general"}]
    assert below(inbox, WORKING) == ["lecture-transcript.vtt", "lecture.mp4"]


def test_what_fails_says_why_beside_it(settings: Settings, inbox: Inbox, clip: Path) -> None:
    server, watcher = Server(), Watcher(inbox, settings, "here")
    shutil.copy(clip, inbox.folder / INBOX / "lecture.mp4")
    for now_s in (0, 10):
        watcher.look(server, now_s)
    server.end("FAILED", f"{inbox.folder / WORKING / 'lecture.mp4'}: changed while it was analysed")
    watcher.look(server, 11)
    assert below(inbox, FAILED) == ["lecture.mp4", "lecture.mp4.failed.txt"]
    note = (inbox.folder / FAILED / "lecture.mp4.failed.txt").read_text()
    assert note.startswith("lecture.mp4: changed while it was analysed\n")


def test_a_file_that_failed_and_is_put_back_is_tried_again(settings: Settings, inbox: Inbox, clip: Path) -> None:
    server, watcher = Server(), Watcher(inbox, settings, "here")
    shutil.copy(clip, inbox.folder / INBOX / "lecture.mp4")
    for now_s in (0, 10):
        watcher.look(server, now_s)
    server.end("FAILED", "no more")
    watcher.look(server, 11)
    for path in (inbox.folder / FAILED).iterdir():
        path.rename(inbox.folder / INBOX / path.name)
    for now_s in (20, 31):
        watcher.look(server, now_s)
    assert len(server.sent) == 2
    assert below(inbox, INBOX) == []


def test_what_is_no_recording_fails_without_a_run_but_not_before_patience_ends(
    settings: Settings, inbox: Inbox
) -> None:
    told: list[str] = []
    server, watcher = Server(), Watcher(inbox, settings, "here", tell=lambda subject, body: told.append(subject))
    (inbox.folder / INBOX / "empty.mp4").touch()
    (inbox.folder / INBOX / "notes.mp4").write_text("minutes of the meeting")
    for now_s in (0, 10, 69):
        watcher.look(server, now_s)
    assert below(inbox, INBOX) == ["empty.mp4", "notes.mp4"]
    watcher.look(server, 70)
    assert below(inbox, FAILED) == ["empty.mp4", "empty.mp4.failed.txt", "notes.mp4", "notes.mp4.failed.txt"]
    assert "is text, not a recording" in (inbox.folder / FAILED / "notes.mp4.failed.txt").read_text()
    assert server.sent == []
    assert told == ["emorec: empty.mp4 failed", "emorec: notes.mp4 failed"]


def test_a_copy_that_stands_still_half_way_is_waited_for(settings: Settings, inbox: Inbox, clip: Path) -> None:
    server, watcher = Server(), Watcher(inbox, settings, "here")
    path, content = inbox.folder / INBOX / "lecture.mp4", clip.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    for now_s in (0, 10, 40):
        watcher.look(server, now_s)
    assert below(inbox, INBOX) == ["lecture.mp4"]
    path.write_bytes(content)
    for now_s in (50, 60, 61):
        watcher.look(server, now_s)
    assert len(server.sent) == 1


def test_one_that_stays_broken_off_is_analysed_as_far_as_it_goes(
    settings: Settings, inbox: Inbox, tmp_path: Path
) -> None:
    server, watcher = Server(), Watcher(inbox, settings, "here")
    whole = write_clip(tmp_path / "long.mkv", seconds=8)
    content = whole.read_bytes()
    (inbox.folder / INBOX / "lecture.mkv").write_bytes(content[: len(content) * 6 // 10])
    for now_s in (0, 10, 69):
        watcher.look(server, now_s)
    assert server.sent == []
    watcher.look(server, 70)
    assert len(server.sent) == 1


def test_the_same_content_under_two_names_is_one_run_and_both_are_done(
    settings: Settings, inbox: Inbox, clip: Path
) -> None:
    server, watcher = Server(), Watcher(inbox, settings, "here")
    for name in ("a.mp4", "b.mp4"):
        shutil.copy(clip, inbox.folder / INBOX / name)
    for now_s in (0, 10):
        watcher.look(server, now_s)
    commit(settings, clip)
    server.end("COMPLETED")
    watcher.look(server, 11)
    assert len(server.sent) == 1
    assert below(inbox, DONE) == ["a.mp4", "a.mp4.done.txt", "b.mp4", "b.mp4.done.txt"]


def test_each_recording_is_sent_before_the_next_is_looked_through(settings: Settings, inbox: Inbox, clip: Path) -> None:
    server, sent_before = Server(), []

    def look_through(path: Path, settings: Settings) -> Checked:
        sent_before.append(len(server.sent))
        return Checked(path.stem * 16, whole=True)

    watcher = Watcher(inbox, settings, "here", check=look_through)
    for name in ("a", "b", "c"):
        shutil.copy(clip, inbox.folder / INBOX / f"{name}.mp4")
    for now_s in (0, 10):
        watcher.look(server, now_s)
    assert sent_before == [0, 1, 2]
    assert len(server.sent) == 3


def test_what_was_analysed_before_is_done_without_a_run(settings: Settings, inbox: Inbox, clip: Path) -> None:
    server, watcher = Server(), Watcher(inbox, settings, "here")
    commit(settings, clip)
    shutil.copy(clip, inbox.folder / INBOX / "again.mp4")
    for now_s in (0, 10):
        watcher.look(server, now_s)
    assert server.sent == []
    assert "analysed before" in (inbox.folder / DONE / "again.mp4.done.txt").read_text()


def test_two_watchers_of_one_folder_send_it_once(settings: Settings, inbox: Inbox, clip: Path) -> None:
    server = Server()
    watchers = [Watcher(inbox, settings, "here") for _ in range(2)]
    shutil.copy(clip, inbox.folder / INBOX / "a.mp4")
    for now_s in (0, 10, 11):
        for watcher in watchers:
            watcher.look(server, now_s)
    assert len(server.sent) == 1
    commit(settings, clip)
    server.end("COMPLETED")
    for watcher in watchers:
        watcher.look(server, 12)
    assert below(inbox, DONE) == ["a.mp4", "a.mp4.done.txt"]


def test_a_watcher_that_was_killed_between_taking_and_sending_is_followed_by_one_that_sends(
    settings: Settings, inbox: Inbox, clip: Path
) -> None:
    shutil.copy(clip, inbox.folder / WORKING / "a.mp4")
    (inbox.folder / WORKING / "reserved.mp4").touch()
    server = Server()
    Watcher(inbox, settings, "here").look(server, 0)
    assert [Path(str(p["recording"])).name for p in server.sent] == ["a.mp4"]


def test_a_server_that_forgot_its_runs_is_sent_them_again(settings: Settings, inbox: Inbox, clip: Path) -> None:
    watcher = Watcher(inbox, settings, "here")
    shutil.copy(clip, inbox.folder / INBOX / "a.mp4")
    for now_s in (0, 10):
        watcher.look(Server(), now_s)
    anew = Server()
    watcher.look(anew, 11)
    assert len(anew.sent) == 1


def test_what_another_servers_watcher_sent_is_left_to_it(settings: Settings, inbox: Inbox, clip: Path) -> None:
    shutil.copy(clip, inbox.folder / INBOX / "a.mp4")
    theirs, ours = Server(), Server()
    there, here = Watcher(inbox, settings, "there"), Watcher(inbox, settings, "here")
    for now_s in (0, 10):
        there.look(theirs, now_s)
    for now_s in (11, 30):
        here.look(ours, now_s)
    assert (len(theirs.sent), len(ours.sent)) == (1, 0)


def test_a_server_on_loopback_is_one_of_this_machine() -> None:
    assert server_name("http://127.0.0.1:4200/api") != "http://127.0.0.1:4200/api"
    assert server_name("https://prefect.example/api") == "https://prefect.example/api"
