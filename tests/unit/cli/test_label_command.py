"""`emorec label` from the outside, without a recording."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from emorec.cli import app
from emorec.errors import StoreError
from emorec.store import Session, Store
from model.labels import CONSENT, collection_of, write_labelling

SESSION = "0123456789abcdef"


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A session with faces to be labelled, in a store that is not the one of the settings."""
    monkeypatch.setenv("EMOREC_STORE", str(tmp_path / "usual"))
    for store in ("usual", "other"):
        write_labelling(tmp_path / store / "labels" / SESSION, SESSION, np.zeros((2, 48, 48), np.uint8), "all")
    return Store(tmp_path / "other").commit({}, {"session": SESSION})


def test_a_session_that_is_given_as_a_folder_has_its_faces_in_its_own_store(session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "other" / "labels" / SESSION
    saved = tmp_path / "saved.json"
    saved.write_text(json.dumps({"session": SESSION, "collection": collection_of(folder), "labels": {"0001": "happy"}}))
    taken = CliRunner().invoke(app, ["label", session.folder, "--take", str(saved)])
    assert taken.exit_code == 0, taken.output
    assert (folder / "labels-1.json").exists()
    assert CliRunner().invoke(app, ["label", f"{session.folder}/", "--delete"]).exit_code == 0
    assert not folder.exists()
    assert (tmp_path / "usual" / "labels" / SESSION).exists()


def test_faces_of_a_session_that_is_gone_can_be_deleted(session: Session, tmp_path: Path) -> None:
    (Path(session.folder) / "session.json").unlink()
    assert CliRunner().invoke(app, ["label", session.folder, "--delete"]).exit_code == 0
    assert not (tmp_path / "other" / "labels" / SESSION).exists()
    assert CliRunner().invoke(app, ["label", SESSION, "--delete"]).exit_code == 0
    assert not (tmp_path / "usual" / "labels" / SESSION).exists()


@pytest.mark.parametrize("name", ["..", "labels", "."])
def test_what_is_no_session_is_refused(session: Session, tmp_path: Path, name: str) -> None:
    result = CliRunner().invoke(app, ["label", name, "--delete"])
    assert isinstance(result.exception, StoreError)
    assert (tmp_path / "usual" / "labels" / SESSION).exists()


def test_faces_that_were_kept_for_long_go_with_any_call(session: Session, tmp_path: Path) -> None:
    old = write_labelling(tmp_path / "other" / "labels" / ("a" * 16), "a" * 16, np.zeros((1, 48, 48), np.uint8), "all")
    consent = json.loads((old.parent / CONSENT).read_text())
    consent["at"] = (datetime.now(UTC) - timedelta(days=31)).isoformat()
    (old.parent / CONSENT).write_text(json.dumps(consent))
    result = CliRunner().invoke(app, ["label", session.folder, "--delete"])
    assert not old.parent.exists()
    assert "nobody labelled in 30 days" in result.output
