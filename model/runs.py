"""What a run's folder says besides its plan: what it was begun with, how far it is, and what its epochs came to."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Final

from model.data import LabelledImages
from model.errors import ModelError
from model.files import read_json, write_whole

RECORD: Final = "begun.json"
HISTORY: Final = "history.jsonl"
MERGED: Final = "merged.json"
AVERAGE: Final = "average.npz"
"""In a checkpoint: the averaged weights of both heads."""

Epoch = dict[str, float]


def begin(folder: Path, data: dict[str, LabelledImages], code_version: str) -> None:
    """Record what a run is begun with, or, where it has a checkpoint, raise ModelError if it was other data.

    data: by name, train and validation. code_version: of the caller; the commit of a checkout is added here.
    """
    if last_checkpoint(folder):
        check_data(folder, data)
        return
    write_whole(
        folder / RECORD,
        json.dumps({"code_version": code_version, "commit": _commit(), "data": describe(data)}, indent=1),
    )


def record_of(folder: Path) -> dict[str, Any] | None:
    """Return what was recorded when a run began: code_version, commit, data; None for runs older than the record."""
    path = folder / RECORD
    return dict(read_json(path)) if path.exists() else None


def check_data(folder: Path, data: dict[str, LabelledImages]) -> None:
    """Raise ModelError where data are not those that a run was begun with, as far as that was recorded."""
    record = record_of(folder)
    if record is None:
        return
    for name, images in data.items():
        before = record["data"][name]
        if before["fingerprint"] != images.fingerprint():
            raise ModelError(
                f"{folder} was begun with other {name} images ({before['images']} then, {len(images)} now); name the "
                "data that it was begun with, or start in another folder"
            )


def describe(data: dict[str, LabelledImages]) -> dict[str, Any]:
    """Return what a card says of data, by name: how many images, their fingerprint, and what was left out."""
    return {n: {"images": len(d), "fingerprint": d.fingerprint(), "dropped": d.dropped} for n, d in data.items()}


def last_checkpoint(folder: Path) -> Path | None:
    """Return the folder of all state after the last epoch that was finished, if one was."""
    return max(folder.glob("checkpoint-[0-9]*"), default=None)


def history_of(folder: Path) -> list[Epoch]:
    """Return the figures of a run's epochs: of its last checkpoint, or, where that was deleted, of its history."""
    last, history = last_checkpoint(folder), folder / HISTORY
    if last:
        return list(read_json(last / "history.json"))
    return [json.loads(line) for line in history.read_text("utf-8").splitlines()] if history.exists() else []


def write_history(folder: Path, history: list[Epoch]) -> None:
    """Write the figures of a run's epochs for people and pages, one line per epoch."""
    write_whole(folder / HISTORY, "".join(json.dumps(epoch) + "\n" for epoch in history))


def merged(folder: Path) -> dict[str, Any]:
    """Return what a person chose of a run's merging, if anybody did."""
    path = folder / MERGED
    return dict(read_json(path)) if path.exists() else {}


def _commit() -> str | None:
    """The commit of the checkout that this code lies in, ending in -dirty where files were changed; None outside."""
    root = Path(__file__).parents[1]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
