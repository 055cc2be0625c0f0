"""Model files: verified where they lie, brought whole or not at all, and missed in words that help."""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from emorec import assets
from emorec.assets import known_answer
from emorec.assets.fetch import extract
from emorec.assets.pins import MEDIAPIPE, Member
from emorec.errors import AssetError

CONTENT = b"weights" * 1000


def test_a_missing_file_is_named_with_the_place_and_the_command(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"face_landmark\.tflite is missing in .*emorec assets") as caught:
        assets.locate("face_landmark.tflite", tmp_path)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("name", assets.NAMES)
def test_a_file_that_is_not_the_pinned_one_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(CONTENT)
    with pytest.raises(AssetError, match="not the pinned model file"):
        assets.locate(name, tmp_path)
    assert name in assets.missing(tmp_path)


def test_an_unknown_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="known are"):
        assets.locate("../secrets", tmp_path)


def test_a_file_that_changes_after_it_was_verified_is_refused(models: Path, tmp_path: Path) -> None:
    name = "face_detection_short_range.tflite"
    copy = tmp_path / name
    copy.write_bytes((models / name).read_bytes())
    assert assets.locate(name, tmp_path) == copy
    copy.write_bytes(CONTENT)
    with pytest.raises(AssetError, match="not the pinned model file"):
        assets.locate(name, tmp_path)


def test_with_all_files_there_nothing_is_brought_and_pip_is_not_asked(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/nonexistent/python")
    assert assets.ensure(models) == []


def test_without_an_index_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = tmp_path / "no-packages"
    empty.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(empty))
    said: list[str] = []
    cache = tmp_path / "cache"
    with pytest.raises(AssetError, match=r"pip could not download mediapipe==0\.10\.21: "):
        assets.ensure(cache, said.append)
    assert said
    assert {path.name for path in cache.iterdir()} <= {".lock"}


def test_each_file_that_is_opened_has_an_identity_that_does_not_depend_on_the_machine(models: Path) -> None:
    identities = assets.hashes(models)
    assert set(identities) == set(assets.OPENED) < set(assets.NAMES)
    built = hashlib.sha256((models / assets.EMBEDDER).read_bytes()).hexdigest()
    assert built not in identities.values()


def test_the_embedder_gives_the_answers_of_dlib(models: Path) -> None:
    distances = known_answer.distances(models / assets.EMBEDDER)
    assert distances.max() <= known_answer.MAX_DISTANCE


def test_the_known_answers_are_further_apart_than_what_is_allowed() -> None:
    answers = known_answer.expected()
    apart = np.linalg.norm(answers[:, None] - answers[None], axis=-1)[~np.eye(len(answers), dtype=bool)]
    assert len(answers) == len(known_answer.chips())
    assert apart.min() > 4 * known_answer.MAX_DISTANCE


def _wheel(path: Path, name: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, CONTENT)


def _source_archive(path: Path, name: str) -> None:
    source = path.with_suffix(".content")
    source.write_bytes(CONTENT)
    with tarfile.open(path, "w:gz") as archive:
        archive.add(source, f"package-1.0/{name}")


@pytest.mark.parametrize("archive_of", [_wheel, _source_archive], ids=["wheel", "source archive"])
class TestExtract:
    def member(self, sha256: str) -> Member:
        return Member(MEDIAPIPE, "models/one.dat", sha256)

    def test_a_pinned_member_is_written(self, tmp_path: Path, archive_of: Callable[[Path, str], None]) -> None:
        archive_of(tmp_path / "archive", "models/one.dat")
        extract(self.member(hashlib.sha256(CONTENT).hexdigest()), tmp_path / "archive", tmp_path / "out")
        assert (tmp_path / "out").read_bytes() == CONTENT

    def test_another_content_leaves_what_was_there(
        self, tmp_path: Path, archive_of: Callable[[Path, str], None]
    ) -> None:
        (tmp_path / "out").write_bytes(b"before")
        archive_of(tmp_path / "archive", "models/one.dat")
        with pytest.raises(AssetError, match="not the pinned file"):
            extract(self.member("0" * 64), tmp_path / "archive", tmp_path / "out")
        assert (tmp_path / "out").read_bytes() == b"before"
        assert not list(tmp_path.glob("*.part"))

    def test_an_archive_without_it_is_refused(self, tmp_path: Path, archive_of: Callable[[Path, str], None]) -> None:
        archive_of(tmp_path / "archive", "models/two.dat")
        with pytest.raises(AssetError, match="cannot be taken out"):
            extract(self.member("0" * 64), tmp_path / "archive", tmp_path / "out")
        assert not (tmp_path / "out").exists()
