"""Faces that a person labels: a folder of crops with an offline page, and what comes back from it.

    FOLDER/consent.json      of which session, who agreed, when, and a random name of this collection of faces
    FOLDER/crops/0001.png    a face, 48×48, grey: as little as the network needs
    FOLDER/label.html        the page; it shows the crops and saves the labels
    FOLDER/labels*.json      what was saved, by one person or by several

Besides a debug video that somebody asked for, this is the only place where faces are stored; a folder is for its owner
alone, and is deleted when a promoted version was made of its labels or it is too old.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from model.data import CLASSES, LabelledImages
from model.errors import ModelError
from model.files import write_whole
from model.pages import render_page
from model.removing import part_of, remove_every_trace, sweep

NOT_A_FACE: Final = "not_a_face"
UNSURE: Final = "unsure"
CHOICES: Final = (*CLASSES, NOT_A_FACE, UNSURE)
"""What a crop may be called."""

PAGE: Final = "label.html"
CONSENT: Final = "consent.json"
SAVED: Final = "labels*.json"


def write_labelling(folder: Path, session: str, crops: npt.NDArray[np.uint8], consent: str) -> Path:
    """Write crops and the page to label them into a new folder, whole or not at all; return where the page is.

    crops: uint8 [n, side, side]. consent: who agreed and when, in words. Raises ModelError where there are no crops or
    the folder exists.
    """
    if not len(crops):
        raise ModelError("there is no face to label")
    if folder.exists():
        raise ModelError(f"{folder} is there already; label those faces first, or delete them")
    _make_private(folder.parent)
    part = part_of(folder)
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700)
    try:
        (part / "crops").mkdir()
        names = [f"{i:04d}" for i in range(1, len(crops) + 1)]
        for name, crop in zip(names, crops, strict=True):
            if not cv2.imwrite(str(part / "crops" / f"{name}.png"), crop):
                raise ModelError(f"{part / 'crops'}: cannot be written")
        now = datetime.now(UTC).isoformat(timespec="seconds")
        collection = token_hex(8)
        agreed = {"session": session, "collection": collection, "consent": consent, "at": now}
        (part / CONSENT).write_text(json.dumps(agreed, indent=1), "utf-8")
        page = render_page(PAGE, session=session, collection=collection, names=names, choices=CHOICES)
        (part / PAGE).write_text(page, "utf-8")
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return folder / PAGE


def take_saved(folder: Path, saved: Path) -> int:
    """Put a file that the page saved into its folder, after checking it; return how many crops it labels.

    Raises ModelError where it belongs to another session or to other faces of it, or says what no crop can be.
    """
    content = _read_saved(saved, folder)
    if saved.resolve().parent != folder.resolve():
        path = next(p for n in count(1) if not (p := folder / f"labels-{n}.json").exists())
        write_whole(path, json.dumps(content))
    return len(content["labels"])


def collection_of(folder: Path) -> str | None:
    """Return the name of the collection of faces in a folder; None where there is none."""
    try:
        return str(json.loads((folder / CONSENT).read_text("utf-8")).get("collection", ""))
    except FileNotFoundError:
        return None


def contents_of(folder: Path) -> str:
    """Return what changes when other faces come to lie in a folder, or other labels of them are saved."""
    labels = b"".join(path.read_bytes() for path in sorted(folder.glob(SAVED)))
    return f"{collection_of(folder)} {hashlib.sha256(labels).hexdigest()}"


def labelled_folders(root: Path) -> list[Path]:
    """Return the folders below `root` whose labels were saved."""
    return [folder for folder in _folders(root) if any(folder.glob(SAVED))]


def read_labelled(folder: Path) -> LabelledImages:
    """Read what was labelled in a folder.

    Of several people's labels for a crop the most frequent one counts; of one person's files, the one saved last. Left
    out and counted: not_a_face, unsure, and disagreed (no single favourite). Raises ModelError where a saved file does
    not fit the folder.
    """
    said: dict[str, Counter[str]] = {}
    for saved in _latest_of_each(_read_saved(path, folder) for path in sorted(folder.glob(SAVED))):
        for name, choice in saved["labels"].items():
            said.setdefault(name, Counter())[choice] += 1
    images, labels, names, dropped = [], [], [], Counter[str]()
    for name, counts in sorted(said.items()):
        (choice, most), *others = counts.most_common()
        if others and others[0][1] == most:
            dropped["disagreed"] += 1
        elif choice in (NOT_A_FACE, UNSURE):
            dropped[choice] += 1
        else:
            image = cv2.imread(str(_crop(folder, name)), cv2.IMREAD_GRAYSCALE)
            if image is None:
                raise ModelError(f"{_crop(folder, name)} cannot be read; delete {folder} and label anew")
            images.append(image)
            labels.append(CLASSES.index(choice))
            names.append(f"{folder.name}/{name}")
    return _labelled(images, labels, names, dict(dropped))


def delete_labelling(folder: Path) -> None:
    """Delete a folder of crops, with what a kill left of it. Raises ModelError where there is none."""
    if folder.is_dir() and not (folder / CONSENT).is_file():
        raise ModelError(f"{folder} holds no faces to label")
    if not remove_every_trace(folder):
        raise ModelError(f"{folder} holds no faces to label")


@dataclass(frozen=True)
class Expired:
    """A folder of faces that was deleted because of its age, and whether somebody had labelled them."""

    folder: Path
    labelled: bool


def delete_expired(root: Path, days: float) -> list[Expired]:
    """Delete the folders below `root` that are older than so many days, labelled or not; return them.

    What kills left there of faces goes too.
    """
    sweep(root)
    gone = []
    for folder in _folders(root):
        if _age_s(folder / CONSENT) > days * 86400:
            gone.append(Expired(folder, any(folder.glob(SAVED))))
            delete_labelling(folder)
    return gone


def _age_s(consent: Path) -> float:
    """Return the age of a collection; of one whose file was damaged, that of the file."""
    try:
        made = datetime.fromisoformat(json.loads(consent.read_text("utf-8"))["at"])
        return (datetime.now(UTC) - made).total_seconds()
    except (ValueError, KeyError, TypeError):
        return time.time() - consent.stat().st_mtime


def _folders(root: Path) -> list[Path]:
    """Return the folders of faces below `root`; hidden ones are being written or deleted."""
    return sorted(f.parent for f in root.glob(f"*/{CONSENT}") if not f.parent.name.startswith("."))


def _latest_of_each(files: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the file that each person saved last; where none is named, files that say the same are one person's."""
    latest: dict[str, dict[str, Any]] = {}
    for content in files:
        person = str(content.get("labeller") or json.dumps(content["labels"], sort_keys=True))
        before = latest.get(person, {})
        # The page writes times in UTC, all in one form, so that they sort as text.
        if str(content.get("saved", "")) >= str(before.get("saved", "")):
            latest[person] = content
    return list(latest.values())


def _read_saved(path: Path, folder: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
        session, labels = content["session"], content["labels"]
        collection = content.get("collection", "")
        choices = set(labels.values())
        expected = json.loads((folder / CONSENT).read_text("utf-8"))["session"]
    except FileNotFoundError as error:
        raise ModelError(f"{error.filename} is missing") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is not what the labelling page saves ({error!r})") from error
    if session != expected:
        raise ModelError(f"{path} has the labels of session {session}, and {folder} the faces of {expected}")
    if collection != collection_of(folder):
        raise ModelError(
            f"{path} labels other faces of session {session} than those in {folder}, which were collected anew; "
            "label these on their own page"
        )
    unknown = sorted(map(str, choices - set(CHOICES)))
    missing = sorted(name for name in labels if not _crop(folder, name).is_file())
    if unknown or missing:
        raise ModelError(f"{path}: unknown {', '.join(unknown or missing)}")
    return content


def _crop(folder: Path, name: str) -> Path:
    # A name from a file must not lead out of the folder.
    return folder / "crops" / f"{name if name.isalnum() else '-'}.png"


def _labelled(
    images: Sequence[npt.NDArray[Any]], labels: Sequence[int], names: Sequence[str], dropped: dict[str, int]
) -> LabelledImages:
    n = len(images)
    stacked = np.stack(images) if n else np.zeros((0, 48, 48), np.uint8)
    votes, other_votes, not_a_face = np.zeros((n, len(CLASSES)), np.float32), *np.zeros((2, n), np.float32)
    return LabelledImages(stacked, np.array(labels, np.int64), votes, other_votes, not_a_face, tuple(names), dropped)


def _make_private(folder: Path) -> None:
    for part in reversed([f for f in (folder, *folder.parents) if not f.exists()]):
        part.mkdir(mode=0o700, exist_ok=True)
