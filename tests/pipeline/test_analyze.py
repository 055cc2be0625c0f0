"""A recording in, a session out: what was seen agrees with what the demo recording is known to show."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import emorec
from emorec.schemas import SCHEMAS
from emorec.store import Session
from tests.commands import EMOREC, Done, run_emorec

SHORT_CHUNKS = {"EMOREC_RECORDING__CHUNK_S": "10"}
# Ends every process of the command that connects beyond processes of one machine, or imports TensorFlow.
NO_NETWORK = """
import os, sys
def refuse(event, args):
    if event in ("socket.connect", "socket.getaddrinfo") and not isinstance(args[-1], (str, bytes)):
        # Not sys.exit: that would end no more than the thread that connects.
        os.write(2, f"{event} {args}\\n".encode())
        os._exit(3)
    if event == "import" and args[0] == "tensorflow":
        os.write(2, b"imports tensorflow")
        os._exit(4)
sys.addaudithook(refuse)
"""


def overlap(a: pd.Series, b: pd.DataFrame) -> pd.Series:
    """Intersection over union of one box with many."""
    w = (pd.concat([b.x + b.w], axis=1).min(axis=1).clip(upper=a.x + a.w) - b.x.clip(lower=a.x)).clip(lower=0)
    h = ((b.y + b.h).clip(upper=a.y + a.h) - b.y.clip(lower=a.y)).clip(lower=0)
    return w * h / (a.w * a.h + b.w * b.h - w * h)


def matches(truth: pd.DataFrame, timeline: pd.DataFrame) -> pd.DataFrame:
    """Each true face with the participant that was found there, or none."""
    rows = []
    for _, face in truth.iterrows():
        found = timeline[(timeline.t - face.t).abs() < 0.1]
        best = overlap(face, found).sort_values(ascending=False)
        hit = len(best) > 0 and best.iloc[0] >= 0.3
        rows.append({"person": face["name"], "participant": found.participant[best.index[0]] if hit else None})
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def truth(demo: Any) -> pd.DataFrame:
    return pd.read_csv(demo.truth)


@pytest.fixture(scope="module")
def faces(truth: pd.DataFrame) -> pd.DataFrame:
    return truth[(truth.state == "visible") & (truth.primary == 1) & truth.x.notna()]


def test_every_face_is_found_and_nothing_else(session: Session, faces: pd.DataFrame, truth: pd.DataFrame) -> None:
    seen = session.timeline[session.timeline.state == "visible"]
    found = matches(faces, seen)
    assert found.participant.notna().mean() >= 0.98
    shown = truth[(truth.state == "visible") & truth.x.notna()]
    at_truth_times = seen[seen.t.isin(truth.t.unique())]
    assert len(at_truth_times) <= len(shown) * 1.02


def test_a_person_is_one_participant_through_every_change_of_layout(session: Session, faces: pd.DataFrame) -> None:
    found = matches(faces, session.timeline[session.timeline.state == "visible"]).dropna()
    shares = found.groupby("person").participant.agg(lambda who: who.value_counts(normalize=True).iloc[0])
    assert (shares >= 0.98).all(), shares
    assert found.groupby("person").participant.agg(lambda who: who.mode()[0]).is_unique


def test_times_of_presence_agree_with_the_truth(session: Session, faces: pd.DataFrame) -> None:
    found = matches(faces, session.timeline[session.timeline.state == "visible"])
    for person, rows in found.groupby("person"):
        participant = session.participants.set_index("participant").loc[rows.participant.mode()[0]]
        visible_s = 0.5 * (faces["name"] == person).sum()
        assert participant.visible_s == pytest.approx(visible_s, abs=1.5), person


def test_every_table_has_its_schema_and_its_session(session: Session) -> None:
    for name in ("timeline", "windows", "group", "group_windows", "participants", "left_out", "moments"):
        table = session.table(name)
        assert table.schema.equals(SCHEMAS[name]), name
        assert set(table.column("session").to_pylist()) <= {session.id}


def test_what_was_read_is_in_its_range(session: Session) -> None:
    seen = session.timeline[session.timeline.state == "visible"]
    emotions = seen[["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]].dropna()
    assert len(emotions) > 0.9 * len(seen)
    assert emotions.sum(axis=1).between(0.99, 1.01).all()
    assert seen.attention.dropna().between(0, 1).all()
    assert seen.yaw.abs().median() < 40
    assert session.timeline[session.timeline.state != "visible"].attention.isna().all()


def test_session_json_says_what_ran(session: Session) -> None:
    about = session.metadata
    assert about["recording"]["read_until_s"] == pytest.approx(about["recording"]["duration_s"], abs=0.6)
    assert about["counts"]["participants"] == len(session.participants)
    assert about["course"] == "demo"
    assert all(re.match(r"[0-9a-f]{64}\b", digest) for digest in about["models"].values())
    assert about["peak_memory_mb"] < 1500
    assert about["stages"]["resolve"]["wall_s"] > 0


def test_no_embedding_outlives_the_analysis(analyzed: Done) -> None:
    folder = Path(analyzed.result["folder"])
    work = folder.parents[1] / "work"
    assert not work.exists() or list(work.iterdir()) == []
    assert sorted(path.suffix for path in folder.iterdir()) == [".html", ".json", *[".parquet"] * 8]


def test_the_same_recording_is_not_analysed_twice_whatever_its_name(analyzed: Done, demo: Any, tmp_path: Path) -> None:
    folder = Path(analyzed.result["folder"])
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    copy = shutil.copy(demo.recording, tmp_path / "-other name é.mkv")
    done = run_emorec("analyze", "--store", folder.parents[1], "--json", "--", copy)
    assert done.code == 0, done.err
    assert done.result["session"] == analyzed.result["session"]
    assert "analysed before" in done.err
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_a_session_that_differs_from_what_is_asked_for_says_so(analyzed: Done, demo: Any) -> None:
    store = Path(analyzed.result["folder"]).parents[1]
    done = run_emorec("analyze", demo.recording, "--store", store, "--no-emotions")
    assert "analysed before with emotions" in done.err


def test_embeddings_that_a_killed_run_left_go_when_its_session_is_there(analyzed: Done, demo: Any) -> None:
    folder = Path(analyzed.result["folder"])
    left = folder.parents[1] / "work" / emorec.load(folder).metadata["recording"]["sha256"] / "chunk-00000"
    left.mkdir(parents=True)
    assert run_emorec("analyze", demo.recording, "--store", folder.parents[1], "--quiet").code == 0
    assert not left.parent.exists()


def test_an_analysis_opens_no_connection_and_never_imports_tensorflow(demo: Any, tmp_path: Path) -> None:
    guarded = tmp_path / "guarded"
    (tmp_path / "sitecustomize.py").write_text(NO_NETWORK + f"open({str(guarded)!r}, 'a').write('one more\\n')\n")
    store = tmp_path / "store"
    env = {"PYTHONPATH": str(tmp_path)}
    done = run_emorec("analyze", demo.recording, "--store", store, "--json", "--quiet", env=env)
    assert done.code == 0, done.err
    assert re.fullmatch(r"[0-9a-f]{16}", done.result["session"])
    # The command's own process, and the one that reads the recording.
    assert len(guarded.read_text().splitlines()) >= 2


def test_a_killed_analysis_goes_on_where_it_was_and_gives_the_same_tables(demo: Any, tmp_path: Path) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = subprocess.Popen(
        [EMOREC, "analyze", str(demo.recording), "--store", str(killed), "--quiet"], env={**os.environ, **SHORT_CHUNKS}
    )
    first = wait_for_chunk(killed, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = first.stat().st_ino
    assert emorec.store.Store(killed).ids() == []

    followed = subprocess.Popen(
        [EMOREC, "analyze", str(demo.recording), "--store", str(killed), "--quiet"], env={**os.environ, **SHORT_CHUNKS}
    )
    wait_for_chunk(killed, followed, at_least=2)
    assert first.stat().st_ino == kept, "the first chunk was observed again"
    assert followed.wait(timeout=300) == 0
    assert run_emorec("analyze", demo.recording, "--store", whole, "--quiet", env=SHORT_CHUNKS).code == 0
    for path in whole.glob("sessions/*/*.parquet"):
        assert path.read_bytes() == (killed / path.relative_to(whole)).read_bytes(), path.name


def wait_for_chunk(store: Path, process: subprocess.Popen[bytes], at_least: int = 1) -> Path:
    """The first chunk's folder, as soon as the store holds so many chunks."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        chunks = sorted(store.glob("work/*/chunk-*"))
        if len(chunks) >= at_least:
            return chunks[0]
        assert process.poll() is None, "the analysis ended before it could be looked at"
        time.sleep(0.02)
    raise AssertionError("no chunk was finished in time")
