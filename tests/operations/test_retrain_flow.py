"""The flow ``retrain`` from one end to the other, and who is told of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect_processes import Prefect

from flows.mail import Mail
from flows.retrain import retrain
from model.registry import champion
from model.retrain import Request
from tests.post_office import post_office
from tests.retrainings import add_champion, put_candidate, write, write_splits
from tests.unit.model.conftest import draw_faces


@pytest.fixture(autouse=True)
def in_this_process(prefect: Prefect) -> Iterator[None]:
    """The flow runs here, and its server is that of all tests."""
    with temporary_settings({PREFECT_API_URL: prefect.api}):
        yield


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """The mail that the flow sends."""
    with post_office() as (port, letters):
        mail = Mail(host="127.0.0.1", port=port, security="none", sender="emorec@localhost", to=["a@localhost"])
        mail.save("retraining", overwrite=True)
        monkeypatch.setenv("EMOREC_OPERATIONS__NOTIFY", "emorec-mail/retraining")
        monkeypatch.setenv("EMOREC_STORE", str(tmp_path / "store"))
        yield letters


@pytest.fixture
def request_(tmp_path: Path) -> Request:
    """What the flow makes of these pictures and this store; nothing of it is trained yet."""
    write_splits(tmp_path / "data")
    write(tmp_path / "new", draw_faces(35, 4, side_px=48), "new")
    (tmp_path / "store").mkdir()
    return Request(tmp_path / "data", tmp_path / "store" / "models", (tmp_path / "new",), tmp_path / "store" / "labels")


def test_a_promotion_is_told_once(request_: Request, letters: list[str]) -> None:
    put_candidate(request_, better=True)
    for _ in range(2):
        state = retrain(str(request_.data), str(request_.new[0]), return_state=True)
        assert state.is_completed()
    assert champion(request_.registry) == "retrained-1"
    [letter] = letters
    assert "Subject: emorec: retrained-1 is the emotion model now" in letter
    assert "because of figures" in letter


def test_a_failure_is_told_and_says_what_is_wrong(request_: Request, letters: list[str], tmp_path: Path) -> None:
    state = retrain(str(tmp_path / "nowhere"), str(request_.new[0]), return_state=True)
    assert state.is_failed()
    assert "no such folder or zip" in str(state.message)
    [letter] = letters
    assert "Subject: emorec: a retraining failed" in letter
    assert "nowhere" in letter


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras with NumPy 2
def test_new_pictures_end_in_a_version(request_: Request, letters: list[str], tmp_path: Path) -> None:
    add_champion(request_.registry, tmp_path)
    # A version that somebody damaged is in nobody's way.
    (request_.registry / "retrained-1").mkdir()
    (request_.registry / "retrained-1" / "card.json").write_text("")
    state = retrain(str(request_.data), str(request_.new[0]), epochs=1, return_state=True)
    assert state.is_completed(), state.message
    assert "retrained-2 is" in str(state.message)
    assert (request_.registry / "retrained-2" / "card.html").is_file()
    assert len(letters) == (champion(request_.registry) == "retrained-2")
