"""Releases: whole, unchanged, and what the code expects."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from model import preprocess
from model.data import CLASSES
from model.errors import ChampionChangedError, ModelError
from model.registry import (
    CARD,
    INSTALLED,
    LITERT,
    WEIGHTS,
    add_release,
    champion,
    entries,
    load_release,
    promote,
    roll_back,
    was_champion,
)


def add(registry: Path, version: str) -> None:
    card = {"classes": list(CLASSES), "temperature": 1.5, "preprocessing": preprocess.describe(), "created": version}
    add_release(registry, version, card, registry.parent / "w", registry.parent / "l")


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """A registry with one release, whose files are short texts: the registry does not look inside."""
    (tmp_path / "w").write_bytes(b"weights")
    (tmp_path / "l").write_bytes(b"litert")
    add(tmp_path / "registry", "tiny-1")
    promote(tmp_path / "registry", "tiny-1")
    return tmp_path / "registry"


def test_the_champion_loads_with_its_card(registry):
    release = load_release(registry=registry)
    assert release.version == champion(registry) == "tiny-1"
    assert release.classes == CLASSES
    assert release.temperature == 1.5
    assert release.weights.read_bytes() == b"weights"
    assert set(release.sha256()) == {WEIGHTS, LITERT}


@pytest.mark.parametrize("name", [WEIGHTS, LITERT])
def test_one_changed_byte_is_refused(registry, name):
    path = registry / "tiny-1" / name
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match="not the file that its card describes"):
        load_release(registry=registry)


@pytest.mark.parametrize("name", [WEIGHTS, LITERT, CARD])
def test_a_missing_file_is_named(registry, name):
    (registry / "tiny-1" / name).unlink()
    with pytest.raises(ModelError, match=name):
        load_release(registry=registry)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": sorted(CLASSES, reverse=True)}, "has the classes"),
        ({"preprocessing": preprocess.describe() | {"crop_px": 64}}, "another preprocessing"),
        ({"temperature": None}, "not a complete model card"),
    ],
    ids=["order of classes", "preprocessing", "temperature"],
)
def test_a_card_that_does_not_fit_the_code_is_refused(registry, change, message):
    path = registry / "tiny-1" / CARD
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ModelError, match=message):
        load_release(registry=registry, classes=CLASSES)


def test_a_release_does_not_change(registry, tmp_path):
    with pytest.raises(ModelError, match="releases do not change"):
        add_release(registry, "tiny-1", {}, tmp_path / "w", tmp_path / "l")


def test_a_release_that_does_not_load_is_not_promoted(registry):
    with pytest.raises(ModelError, match="no such model"):
        promote(registry, "tiny-2")
    assert champion(registry) == "tiny-1"


@pytest.mark.parametrize("version", ["champion", "../up", "Upper", ""])
def test_a_version_has_a_plain_name(registry, tmp_path, version):
    with pytest.raises(ModelError, match="no name for a version"):
        add_release(registry, version, {}, tmp_path / "w", tmp_path / "l")


def test_a_registry_may_lie_where_nothing_else_can_be_written(registry):
    lock = registry.with_name(f".{registry.name}.lock")
    lock.unlink()
    lock.mkdir()  # stands for a folder above that is another's
    roll_back(registry)
    assert not (registry / "champion.json").exists()


def test_a_failed_release_leaves_nothing_behind(registry, tmp_path):
    with pytest.raises(FileNotFoundError):
        add_release(registry, "tiny-2", {}, tmp_path / "w", tmp_path / "nothing")
    assert sorted(p.name for p in registry.iterdir()) == ["champion.json", "tiny-1"]


def test_a_rollback_goes_back_champion_by_champion_and_then_to_the_shipped_one(registry):
    add(registry, "tiny-2")
    promote(registry, "tiny-2", "better by more than chance")
    promote(registry, champion())
    assert champion(registry) == champion()
    assert [roll_back(registry), roll_back(registry), roll_back(registry)] == ["tiny-2", "tiny-1", champion()]
    with pytest.raises(ModelError, match="nothing to roll back to"):
        roll_back(registry)


def test_promoting_the_champion_again_changes_nothing(registry):
    before = (registry / "champion.json").read_text()
    promote(registry, "tiny-1")
    assert (registry / "champion.json").read_text() == before


def test_shipped_models_are_found_behind_ones_own(registry):
    assert load_release(champion(), registry).litert.parent.parent == INSTALLED
    listed = {entry.version: entry for entry in entries(registry)}
    assert listed["tiny-1"].champion
    assert not listed["tiny-1"].shipped
    assert listed[champion()].shipped
    assert not listed[champion()].champion


def test_a_folder_without_models_uses_the_shipped_champion(tmp_path):
    assert champion(tmp_path / "none") == champion()
    assert load_release(registry=tmp_path / "none").version == champion()


def test_a_shipped_version_cannot_be_made_again(registry, tmp_path):
    with pytest.raises(ModelError, match="releases do not change"):
        add(registry, champion())


def test_a_version_being_written_is_not_listed_and_not_loaded(registry):
    (registry / "tiny-1").rename(registry / ".part-x")
    assert [e.version for e in entries(registry)] == [champion()]


def test_a_registry_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ModelError, match=r"file/models: models cannot be written here"):
        promote(tmp_path / "file" / "models", champion())


def test_shipped_cards_have_a_page_for_people():
    for entry in entries():
        assert f"Emotion model {entry.version}" in (entry.folder / "card.html").read_text()


def test_a_version_with_another_order_of_classes_is_not_promoted(registry, tmp_path):
    card = {"classes": list(reversed(CLASSES)), "temperature": 1.0, "preprocessing": preprocess.describe()}
    add_release(registry, "reversed-1", card, tmp_path / "w", tmp_path / "l")
    with pytest.raises(ModelError, match="reversed-1 has the classes"):
        promote(registry, "reversed-1")
    assert champion(registry) == "tiny-1"


def test_a_promotion_in_the_place_of_a_champion_that_is_none_any_more_is_refused(registry):
    add(registry, "tiny-2")
    add(registry, "tiny-3")
    promote(registry, "tiny-2", expected="tiny-1")
    with pytest.raises(ChampionChangedError, match="the champion is tiny-2, not tiny-1"):
        promote(registry, "tiny-3", expected="tiny-1")
    assert champion(registry) == "tiny-2"


def test_what_was_the_champion_once_is_known_after_a_rollback_and_after_a_promotion(registry):
    add(registry, "tiny-2")
    assert not was_champion(registry, "tiny-2")
    promote(registry, "tiny-2")
    promote(registry, champion())
    assert was_champion(registry, "tiny-2")
    for _ in range(3):
        roll_back(registry)
    assert [was_champion(registry, v) for v in ("tiny-1", "tiny-2", champion(), "tiny-3")] == [True, True, True, False]


def test_who_asks_for_the_champion_during_a_rollback_gets_the_shipped_one(registry, monkeypatch):
    read = Path.read_text

    def rolled_back_first(path: Path, *arguments: str) -> str:
        if path == registry / "champion.json":
            path.unlink()
        return read(path, *arguments)

    monkeypatch.setattr(Path, "read_text", rolled_back_first)
    assert champion(registry) == champion()


def test_a_version_whose_card_cannot_be_read_is_left_out_of_the_list(registry, caplog):
    add(registry, "tiny-2")
    (registry / "tiny-2" / CARD).write_text("")
    assert [e.version for e in entries(registry) if not e.shipped] == ["tiny-1"]
    assert "tiny-2/card.json cannot be read" in caplog.text
