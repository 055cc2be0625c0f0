"""What retrainings have taken in, and what is to be deleted for it.

    REGISTRY/taken-in.json               images that count as new no more, labelled faces that were tried in vain,
                                         and retrainings that are over
    REGISTRY/.retraining/clean-up.json   what the one that ended last has still to remember and to delete

A kill costs nothing: the journal is written first, whoever comes next works it off, and each of its steps may be done
twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from model.files import read_json, write_whole
from model.labels import contents_of, delete_labelling
from model.removing import remove, sweep

WORK: Final = ".retraining"
"""Where a registry keeps what a retraining has not finished."""


@dataclass(frozen=True)
class Journal:
    """What a retraining that is over leaves to be done.

    version: that came of it. images: hashes of those that count as new no more. faces: folders of labelled faces that
    are to be deleted, and what each held when it was read: other faces or labels may have come to lie there. tried:
    hashes of labelled faces that it was made of and that are kept, since it was not promoted.
    """

    version: str
    images: list[str]
    faces: dict[str, str]
    tried: list[str] = field(default_factory=list)

    @staticmethod
    def of(version: str, images: Iterable[str], folders: Mapping[Path, str], tried: Iterable[str] = ()) -> Journal:
        """A journal of a version, the images and the folders that were used up for it, and the faces that were not.

        folders: and what they held when they were read (`labels.contents_of`).
        """
        faces = {str(folder.resolve()): contents for folder, contents in folders.items()}
        return Journal(version, sorted(set(images)), faces, sorted(set(tried)))


def known_images(registry: Path) -> set[str]:
    """Return the hashes of the images that count as new no more."""
    return set(_taken_in(registry)["images"])


def tried_images(registry: Path) -> set[str]:
    """Return the hashes of the labelled faces that a retraining was made of without being promoted."""
    return set(_taken_in(registry)["tried"])


def is_over(registry: Path, version: str) -> bool:
    """Return whether the retraining that a version came of is over, with all that was to be cleaned up."""
    return version in _taken_in(registry)["over"]


def clean_up(registry: Path, journal: Journal) -> None:
    """Remember and delete what a retraining used up, and its run."""
    write_json(registry / WORK / "clean-up.json", asdict(journal))
    work_off(registry)


def work_off(registry: Path) -> None:
    """Do what a clean-up that was cut off left undone; nothing, where there is none."""
    path = registry / WORK / "clean-up.json"
    if not path.is_file():
        return
    journal = Journal(**read_json(path))
    for name, contents in journal.faces.items():
        if contents_of(Path(name)) == contents:
            delete_labelling(Path(name))
        sweep(Path(name).parent)
    for run in runs(registry):
        remove(run)
    taken = _taken_in(registry)
    added = {"images": journal.images, "tried": journal.tried, "over": [journal.version]}
    write_json(registry / "taken-in.json", {name: sorted({*taken[name], *more}) for name, more in added.items()})
    path.unlink()


def runs(registry: Path) -> list[Path]:
    """Return the folders of unfinished runs, and of those whose removal was cut off."""
    return [path for path in (registry / WORK).iterdir() if path.is_dir()]


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(content) + "\n")


def _taken_in(registry: Path) -> dict[str, list[str]]:
    path = registry / "taken-in.json"
    found = read_json(path) if path.is_file() else {}
    return {"images": [], "tried": [], "over": [], **found}
