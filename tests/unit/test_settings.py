"""Settings: file, environment and arguments, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from emorec.errors import SettingsError
from emorec.settings import Settings


@pytest.fixture(autouse=True)
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_arguments_come_before_the_environment_and_that_before_the_file(
    working_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (working_folder / "emorec.toml").write_text('store = "from-file"\n[recording]\nrate_hz = 1\nchunk_s = 60\n')
    monkeypatch.setenv("EMOREC_RECORDING__RATE_HZ", "4")
    settings = Settings.load()
    assert (settings.store, settings.recording.rate_hz, settings.recording.chunk_s) == ("from-file", 4, 60)
    assert Settings.load(store="argument").store == "argument"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[recording]\nrate_hz = -1\n", "recording.rate_hz: .*greater than 0"),
        ("[recording]\nrate = 1\n", "recording.rate: extra inputs"),
        ("[privcy]\nemotions = false\n", "privcy: extra inputs"),
        ("[recording\n", "is not TOML"),
        ('[privacy]\nmode = "nobody"\n', "privacy.mode"),
    ],
    ids=["out of range", "misspelt", "misspelt area", "broken file", "unknown choice"],
)
def test_a_wrong_setting_is_named(working_folder: Path, text: str, message: str) -> None:
    (working_folder / "emorec.toml").write_text(text)
    with pytest.raises(SettingsError, match=message):
        Settings.load()


@pytest.mark.parametrize(
    ("overrides", "refused"),
    [
        ({"run": {"workers": 2}}, True),
        ({"run": {"workers": 1}}, False),
        ({"run": {"workers": 2}, "emotion": {"device": "cpu"}}, False),
        ({"run": {"workers": 2}, "privacy": {"emotions": False}}, False),
    ],
    ids=["two workers", "one worker", "on the CPU", "without emotions"],
)
def test_a_gpu_takes_one_worker(monkeypatch: pytest.MonkeyPatch, overrides: dict, refused: bool) -> None:
    monkeypatch.setenv("EMOREC_EMOTION__DEVICE", "gpu")
    if refused:
        with pytest.raises(SettingsError, match=r"takes one worker.*set run\.workers to 1 \(got 2\)"):
            Settings.load(**overrides)
    else:
        Settings.load(**overrides)


def test_the_store_may_be_a_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOREC_STORE", "s3://bucket/emorec")
    assert Settings.load().store == "s3://bucket/emorec"


def test_a_named_file_that_is_missing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOREC_CONFIG", "nowhere.toml")
    with pytest.raises(SettingsError, match=r"nowhere\.toml"):
        Settings.load()


def test_only_what_differs_from_the_defaults_is_kept() -> None:
    assert Settings.load().changed() == {}
    assert Settings.load(recording={"rate_hz": 1}).changed() == {"recording": {"rate_hz": 1.0}}


@pytest.mark.parametrize(
    ("overrides", "models", "same"),
    [
        ({"recording": {"rate_hz": 1}}, {"a": "1"}, False),
        ({"privacy": {"emotions": False}}, {"a": "1"}, False),
        ({}, {"a": "2"}, False),
        ({"store": "elsewhere", "privacy": {"mode": "aggregate"}}, {"a": "1"}, True),
    ],
    ids=["sampling", "emotions", "model", "what observe does not use"],
)
def test_the_fingerprint_changes_with_what_observe_depends_on(overrides: dict, models: dict, same: bool) -> None:
    assert (
        Settings.load(**overrides).observe_fingerprint(models) == Settings.load().observe_fingerprint({"a": "1"})
    ) is same


@pytest.mark.parametrize(
    ("store", "folder"),
    [("here/store", "here/store/models"), ("file:///here", "/here/models"), ("s3://bucket/emorec", "work/models")],
    ids=["folder", "file URL", "bucket"],
)
def test_models_of_ones_own_lie_in_the_store_or_where_unfinished_work_does(store: str, folder: str) -> None:
    settings = Settings.load(work=Path("work"))
    assert settings.models_folder(store) == Path(folder)
    assert Settings.load(emotion={"registry": "mine"}).models_folder(store) == Path("mine")


def test_folders_are_no_settings_of_a_session() -> None:
    assert Settings.load(emotion={"registry": "mine", "device": "gpu"}).changed() == {"emotion": {"device": "gpu"}}
