"""`emorec delete` leaves no byte of a session, and the recording alone."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pytest
from up_process import Up

from emorec.store import Store, session_id
from model.labels import CONSENT, write_labelling
from tests.clips import write_clip
from tests.commands import run_emorec

NAME = "Vergängliche Sitzung 4711"


def places(up: Up, *terms: str) -> dict[str, list[str]]:
    """The files below an operator's folder that hold one of the words, in their bytes or their names."""
    found = {}
    for path in sorted(up.site.rglob("*")):
        if not path.is_file() or path.suffix == ".mp4":
            continue
        content = path.read_bytes() + str(path.relative_to(up.site)).encode()
        hits = [term for term in terms if term.encode() in content]
        if hits:
            found[str(path.relative_to(up.site))] = hits
    return found


def test_deletion_leaves_no_byte_of_a_session(up: Up, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", seconds=3)
    up.drop(clip, f"{NAME}.mp4")
    state, note = up.outcome(f"{NAME}.mp4")
    assert state == "done", note
    session = next(s for s in Store(up.store).sessions() if s.id in note)
    sha256 = session.metadata["recording"]["sha256"]
    # What a killed analysis of the same recording would have left.
    (up.store / "work" / sha256 / "chunk-00000").mkdir(parents=True)
    (up.store / "work" / sha256 / "chunk-00000" / "tracks.parquet").write_text(sha256)
    before = places(up, session.id, NAME)
    assert {"emorec-home/logs/watcher.log", "emorec-home/logs/runs.log"} <= set(before)
    # What was written last is still in SQLite's write-ahead log, prefect.db-wal.
    assert any(name.startswith("emorec-home/prefect/prefect.db") for name in before)
    assert any(name.startswith("emorec-store/sessions") for name in before)

    done = run_emorec("delete", session.id, cwd=up.site, env=up.prefect.env)

    assert done.code == 0, done.err
    assert "1 sessions deleted, with 1 of Prefect's runs" in done.out
    assert places(up, session.id, sha256, NAME) == {}
    assert (up.folder("done") / f"{NAME}.mp4").read_bytes() == clip.read_bytes()
    assert run_emorec("delete", session.id, cwd=up.site, env=up.prefect.env).code == 1


def test_the_retention_flow_deletes_what_is_old_and_leaves_the_rest(up: Up) -> None:
    store = Store(up.store)
    kept, old = "00000000000000aa", "00000000000000bb"
    for session, age in ((kept, 10), (old, 400)):
        date = (dt.date.today() - dt.timedelta(days=age)).isoformat()
        metadata = {
            "session": session,
            "date": date,
            "course": "c",
            "title": "t",
            "recording": {"path": f"/x/{session}"},
        }
        store.commit({}, metadata)
    faces = up.store / "labels" / ("c" * 16)
    write_labelling(faces, faces.name, np.zeros((1, 48, 48), np.uint8), "all")
    consent = json.loads((faces / CONSENT).read_text())
    (faces / CONSENT).write_text(json.dumps(consent | {"at": "2020-01-01T00:00:00+00:00"}))
    (up.site / "emorec.toml").write_text((up.site / "emorec.toml").read_text() + "[retention]\nkeep_days = 365\n")
    run = up.prefect.run("retention/local")
    assert run["state"]["type"] == "COMPLETED", up.prefect.logs(run["id"])
    assert "deleted 1 sessions" in run["state"]["message"]
    assert "faces to be labelled of 1," in run["state"]["message"]
    assert not faces.exists()
    assert store.exists(kept)
    assert not store.exists(old)
    assert places(up, old) == {}


@pytest.mark.parametrize("age", ["old", "-1d", "1 h"])
def test_an_age_that_is_none_is_wrong_usage(tmp_path: Path, age: str) -> None:
    done = run_emorec("delete", f"--older-than={age}", "--yes", cwd=tmp_path)
    assert done.code == 2
    assert "is no age" in done.err


def test_without_a_server_the_store_is_cleaned_all_the_same(tmp_path: Path) -> None:
    store = Store(tmp_path / "emorec-store")
    for number, date in enumerate(("2020-01-01", "2020-06-01", "2999-01-01")):
        session = session_id(f"{number:064x}"[::-1])
        metadata = {"session": session, "date": date, "course": "c", "title": f"T{number}", "recording": {"path": "/x"}}
        store.commit({}, metadata).write_report("<html>")
    env = {"PREFECT_API_URL": "", "PREFECT_HOME": str(tmp_path / "none")}

    listed = run_emorec("delete", "--older-than", "1y", "--dry-run", cwd=tmp_path, env=env)
    assert "2 sessions would be deleted" in listed.out
    assert len(store.ids()) == 3
    assert run_emorec("delete", "--older-than", "1y", cwd=tmp_path, env=env).code == 2

    done = run_emorec("delete", "--older-than", "1y", "--yes", cwd=tmp_path, env=env)
    assert done.code == 0, done.err
    assert [s.metadata["title"] for s in store.sessions()] == ["T2"]
