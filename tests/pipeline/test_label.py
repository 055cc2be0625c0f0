"""`emorec label` on the demo recording."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from emorec.cli import app
from emorec.emotion import EmotionClassifier
from emorec.errors import InputError
from emorec.labels import collect, least_certain
from emorec.settings import Settings
from emorec.store import Session
from model.labels import collection_of


@pytest.fixture(scope="module")
def page(demo: Any, session: Session, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labels") / session.id
    return collect(session, demo.recording, Settings(), folder, 6, "all")


def test_the_faces_are_those_that_the_session_read(page: Path, session: Session) -> None:
    """Classified again, the crops give the probabilities that the timeline has: same pictures, same boxes."""
    crops = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in sorted(page.parent.glob("crops/*.png"))]
    rows = least_certain(session.timeline, 6)
    assert len(crops) == len(rows) > 0
    with EmotionClassifier() as classifier:
        probabilities = classifier.classify(np.stack(crops))
        for row, p in zip(rows.itertuples(), probabilities, strict=True):
            expected = [getattr(row, name) for name in classifier.release.classes]
            assert p.tolist() == pytest.approx(expected, abs=0.02)


def test_another_recording_is_refused(session: Session, tmp_path: Path, demo: Any) -> None:
    other = tmp_path / "other.mp4"
    other.write_bytes(Path(demo.recording).read_bytes() + b"\0")
    with pytest.raises(InputError, match="is not the recording of session"):
        collect(session, other, Settings(), tmp_path / "labels", 6, "all")


def test_faces_are_kept_only_with_consent_and_go_when_they_are_deleted(
    session: Session, demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The faces go to the session's own store, not to that of the settings.
    monkeypatch.setenv("EMOREC_STORE", str(tmp_path / "store"))
    home = Path(session.folder).parents[1] / "labels"
    ask = ["label", session.folder, "--recording", str(demo.recording), "--count", "3"]
    refused = CliRunner().invoke(app, ask)
    assert refused.exit_code == 2
    assert "--consent" in refused.output
    assert not home.exists()
    kept = CliRunner().invoke(app, [*ask, "--consent", "all, today"])
    assert kept.exit_code == 0, kept.output
    folder = Path(kept.output.strip()).parent
    assert folder == home / session.id
    saved = tmp_path / "labels-x.json"
    content = {"session": session.id, "collection": collection_of(folder), "labels": {"0001": "happy"}}
    saved.write_text(json.dumps(content))
    taken = CliRunner().invoke(app, ["label", session.folder, "--take", str(saved)])
    assert "1 labels" in taken.output
    assert CliRunner().invoke(app, ["label", session.folder, "--delete"]).exit_code == 0
    assert not folder.exists()
    assert not (tmp_path / "store").exists()
