"""The demo's transcript, chat, attendance and chapters, beside its recording."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

import emorec
from emorec.amend import Additions, amend
from emorec.demo import INSTRUCTOR, STARTED, Demo, names_by_truth, write_beside
from emorec.settings.sidecars import SidecarsSettings
from emorec.sidecars import read
from emorec.store import Session, Store
from tests.commands import run_emorec
from tests.unit.reports.prose import prose


def test_they_are_read_whole(tmp_path: Path) -> None:
    for kind, path in write_beside(tmp_path / "demo.mp4").items():
        sidecar = read(path)
        assert sidecar.kind == kind
        assert sidecar.rows
        assert sidecar.bad == ()


def test_they_join_what_was_seen_with_who_was_there_and_what_was_said(
    session: Session, demo: Demo, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    shutil.copytree(Path(session.folder).parents[1], store)
    seen = emorec.load(session.id, store)
    labels = names_by_truth(seen.timeline, pd.read_csv(demo.truth))
    assert set(labels.values()) == {"Grace Hopper", "Eileen Collins"}

    files = write_beside(tmp_path / "demo.mp4")
    additions = Additions(files=files, started=STARTED, labels=labels, instructor=INSTRUCTOR)
    added = amend(seen, additions, SidecarsSettings(keep_text=True, keep_names=True))

    people = added.participants.set_index("label")
    assert set(people.index) == {"Grace Hopper", "Sam Rivera", "Eileen Collins", "Zoé Martin"}
    # Two whose camera was never on, with presence only; times are those of the scenario.
    assert (people.loc["Sam Rivera", ["first_seen", "last_seen", "visible_s"]] == [0, 54, 0]).all()
    assert (people.loc["Zoé Martin", ["first_seen", "last_seen", "visible_s"]] == [18, 60, 0]).all()
    assert people.attention.isna().to_dict()["Sam Rivera"]
    assert people.visible_s["Grace Hopper"] > 40
    assert added.speech.participant.notna().all()
    assert added.chat.participant.notna().all()
    assert added.metadata["instructor"] == people.participant["Grace Hopper"]
    assert len(added.chapters) == 5
    assert not [text for text in added.metadata["warnings"] if "could not" in text]


@pytest.mark.slow
def test_the_demos_report_names_the_chapter_and_the_question_at_its_strongest_moment(tmp_path: Path) -> None:
    done = run_emorec("demo", tmp_path / "demo")
    assert done.code == 0, done.err
    (session,) = Store(tmp_path / "demo" / "store").sessions()
    assert session.folder == done.out.strip()
    assert len(session.moments)
    text = prose(Path(session.report).read_text())
    assert "It lies in “A question to all”." in text
    assert "Grace Hopper had asked at 0:47: “So how long is the wire of a microsecond?”" in text
    assert "Grace Hopper, who leads, spoke" in text
