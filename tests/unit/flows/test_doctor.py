"""What the doctor finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.doctor import Finding, examine


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, models: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return tmp_path


def found(state: str) -> list[Finding]:
    return [finding for finding in examine() if finding.state == state]


def test_a_fresh_installation_is_well() -> None:
    assert [finding.what for finding in found("failure")] == []
    assert {"settings", "libraries", "model files", "store", "prefect", "privacy"} <= {f.what for f in examine()}


def test_a_setting_that_is_wrong_is_all_that_can_be_said(site: Path) -> None:
    (site / "emorec.toml").write_text("[recording]\nrate_hz = 0\n")
    [finding] = examine()
    assert (finding.what, finding.state) == ("settings", "failure")
    assert "recording.rate_hz" in finding.text


def test_it_says_where_settings_come_from_and_which_differ(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def said() -> str:
        return next(finding.text for finding in examine() if finding.what == "settings")

    assert said() == f"no emorec.toml in {site}; all as by default"
    (site / "emorec.toml").write_text("[operations]\nport = 4300\n")
    monkeypatch.setenv("EMOREC_STORE", "elsewhere")
    assert said() == f"{site / 'emorec.toml'}; not as by default: store, operations.port"


def test_recordings_of_the_watched_folder_are_counted_and_not_what_lies_beside_them(site: Path) -> None:
    for name in ("inbox/a.mp4", "inbox/a.vtt", "failed/b.mp4", "failed/b.mp4.failed.txt"):
        path = site / "recordings" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    [text] = [finding.text for finding in examine() if finding.what == "watched folder"]
    assert text.startswith("1 recording in the inbox, 0 at work, 1 failed, below ")


def test_model_files_that_are_missing_are_a_failure_and_the_rest_is_looked_at(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMOREC_ASSETS", str(site / "none"))
    [failure] = found("failure")
    assert failure.what == "model files"
    assert failure.text.startswith("the model file")
    assert "emorec assets" in failure.text
    assert len(list(examine())) > 5


def test_a_store_that_others_may_look_into_and_work_that_was_left_are_warnings(site: Path) -> None:
    (site / "emorec-store" / "work" / ("ab" * 32)).mkdir(parents=True)
    (site / "emorec-store").chmod(0o755)
    warnings = {finding.what: finding.text for finding in found("warning")}
    assert "chmod 700" in warnings["store"]
    assert "of 1 recording," in warnings["unfinished work"]


def test_a_server_that_does_not_answer_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv("PREFECT_CLIENT_MAX_RETRIES", "0")
    [failure] = found("failure")
    assert failure.what == "prefect"


def test_servers_that_listen_beyond_this_machine_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOREC_OPERATIONS__HOST", "0.0.0.0")
    assert any("no password" in finding.text for finding in found("warning"))
