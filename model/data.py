"""Labelled pictures of faces as people have them: a folder or a zip, `[images/]<split>/<class>/*.png|jpg|webp`.

Pictures may be grey or in colour and of any size. `ferplus.csv` beside them (the ten votes of FER+ per row) is joined
by the number that is the file's name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from model.errors import ModelError
from model.preprocess import CROP_PX, as_crop
from model.sources import Source, open_source
from model.votes import VOTES_FILE, Ballot, join, read_ballots

CLASSES: Final = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
"""The classes in the one order of the project."""

OTHER_NAMES: Final = {
    "anger": "angry", "disgusted": "disgust", "fearful": "fear", "afraid": "fear", "happiness": "happy", "joy": "happy",
    "sadness": "sad", "scared": "fear", "suprise": "surprise", "suprised": "surprise", "surprised": "surprise",
}  # fmt: skip
"""What folders are also called."""

SPLITS: Final = {
    "train": "train", "training": "train", "validation": "validation", "val": "validation", "valid": "validation",
    "dev": "validation", "publictest": "validation", "test": "test", "testing": "test", "privatetest": "test",
}  # fmt: skip
"""Names of splits in the wild, and what they mean."""

MOST_SHARED: Final = 0.5
"""Share of a held-out set that may have copies in training: those are dropped there. FER2013 has 8 %; where it is most
of the set, two folders hold the same data."""

HELD_OUT_SHARE: Final = 0.1
HELD_OUT_SEED: Final = 1
"""What is held out of the training images where there is no validation split, and the seed by which it is drawn."""

PICTURES: Final = frozenset(
    {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".pgm", ".gif", ".heic", ".avif"}
)
"""Kinds of files that count as pictures; one that OpenCV cannot read here is counted as unreadable."""


@dataclass(frozen=True)
class LabelledImages:
    """Faces and what they are said to show.

    images: uint8 [n, 48, 48]. labels: int64 [n], index into CLASSES. votes: float32 [n, 7], FER+ votes per class, all 0
    where there are none; other_votes: float32 [n], those for contempt, unknown and not a face. not_a_face: float32 [n],
    share of the votes, 0 where there are none. names: path inside the source, per image. dropped: how many pictures
    were left out, by reason.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    votes: npt.NDArray[np.float32]
    other_votes: npt.NDArray[np.float32]
    not_a_face: npt.NDArray[np.float32]
    names: tuple[str, ...]
    dropped: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.images)

    def take(self, keep: npt.NDArray[np.bool_]) -> LabelledImages:
        """Return the images where `keep` (bool [n]) is true."""
        return replace(
            self,
            images=self.images[keep],
            labels=self.labels[keep],
            votes=self.votes[keep],
            other_votes=self.other_votes[keep],
            not_a_face=self.not_a_face[keep],
            names=tuple(n for n, k in zip(self.names, keep, strict=True) if k),
        )

    def drop(self, drop: npt.NDArray[np.bool_], reason: str) -> LabelledImages:
        """Return the images where `drop` (bool [n]) is false, with the others counted under `reason`."""
        return replace(self.take(~drop), dropped=self.dropped | {reason: self.dropped.get(reason, 0) + int(drop.sum())})

    def hashes(self) -> npt.NDArray[np.str_]:
        """Return a hash of each image's pixels."""
        return np.array([hashlib.blake2b(image.tobytes(), digest_size=12).hexdigest() for image in self.images], "U24")

    def fingerprint(self) -> str:
        """Return a hash that changes with any pixel, label or vote, but not with the order or the files' names."""
        rows = zip(self.hashes(), self.labels, self.votes, strict=True)
        lines = sorted(f"{image} {label} {vote.tolist()}" for image, label, vote in rows)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def load_images(source: Path, split: str | None = None, filled_over_time: bool = False) -> LabelledImages:
    """Read the labelled pictures of a folder or a zip; links in a folder are followed.

    split: "train", "validation", "test" or a name that means one of them; None for pictures without splits,
    `<class>/*`, or for those of all splits. A picture that cannot be read is left out and counted ("unreadable"), and
    so is one that lies above the class folders ("outside_the_classes"). Files of other kinds, hidden files and what
    macOS adds to a zip are passed over. filled_over_time: a class may have no pictures yet. Raises ModelError where
    there is no such source or split, a zip is encrypted, a class is unknown, a class folder is empty or beside splits
    and in none, or votes and pictures do not belong together.
    """
    if split is not None and split.lower() not in SPLITS:
        raise ModelError(f"unknown split {split!r}; use train, validation or test")
    wanted = SPLITS[split.lower()] if split else None
    opened = open_source(source)
    everything, outside = _pictures(opened)
    found = sorted(p for p in everything if wanted is None or p.split == wanted)
    if not found:
        place = f" in the split {split}" if split else ""
        raise ModelError(f"{source}: no pictures{place}; expected images/<split>/<class>/*.png, .jpg or .webp")
    if not filled_over_time:
        _refuse_empty_classes(source, opened.folders, found, wanted)
    dropped = {"outside_the_classes": sum(wanted in (None, s) or s is None for s in outside), "unreadable": 0}
    images, kept = [], []
    for picture in found:
        image = _decode(opened.read(picture.name))
        if image is None:
            dropped["unreadable"] += 1
            continue
        images.append(image)
        kept.append(picture)
    labels = np.array([p.label for p in kept], np.int64)
    emptied = sorted({p.label for p in found} - set(labels.tolist()))
    if emptied and (not filled_over_time or not images):
        raise ModelError(f"{source}: no readable picture of the class {CLASSES[emptied[0]]}")
    ballots = _ballots(opened, everything)
    votes = join([p.row for p in kept], ballots)
    names = tuple(p.name for p in kept)
    return LabelledImages(np.stack(images), labels, *votes, names, {reason: n for reason, n in dropped.items() if n})


def splits_of(source: Path) -> set[str]:
    """Return which of train, validation and test a folder or zip has. Raises ModelError as `load_images` does."""
    return {p.split for p in _pictures(open_source(source))[0] if p.split}


@dataclass(frozen=True, order=True)
class _Picture:
    name: str
    split: str | None
    label: int

    @property
    def class_folder(self) -> PurePosixPath:
        return PurePosixPath(self.name).parent

    @property
    def row(self) -> int | None:
        """The number that is its name, if it is one."""
        stem = PurePosixPath(self.name).stem
        return int(stem) if stem.isdecimal() else None


def _pictures(source: Source) -> tuple[list[_Picture], list[str | None]]:
    """Understand the paths, [images/][<split>/]<class>/<file>.

    Returns the pictures, and the splits of those that lie above the class folders, such as a cover. Raises ModelError
    for a picture in a folder of its own that has the name of no class, and for a class folder beside splits, or in a
    folder beside them that is none: a misspelt one would be missing from what is measured, and its copies would stay in
    training.
    """
    paths = {name: PurePosixPath(name) for name in source.files}
    paths = {name: path for name, path in paths.items() if path.suffix.lower() in PICTURES}
    above = {up for path in paths.values() if _label_of(path.parent.name) is not None for up in path.parent.parents}
    pictures, outside = [], []
    for name, path in paths.items():
        label = _label_of(path.parent.name)
        if label is not None:
            pictures.append(_Picture(name, _split_of(path.parent), label))
        elif path.parent in above or not path.parent.name:
            outside.append(SPLITS.get(path.parent.name.lower()))
        else:
            raise ModelError(f"{name}: unknown class {path.parent.name!r}; the classes are {', '.join(CLASSES)}")
    holders = {p.class_folder.parent.parent for p in pictures if p.split}
    beside = next((p for p in pictures if not p.split and holders & {*p.class_folder.parents[:2]}), None)
    if beside:
        raise ModelError(
            f"{beside.name}: in none of the splits train, validation and test, while other pictures are; rename the "
            "folder above its class, or take it out"
        )
    return pictures, outside


def _label_of(folder: str) -> int | None:
    name = folder.strip().lower()
    name = OTHER_NAMES.get(name, name)
    return CLASSES.index(name) if name in CLASSES else None


def _split_of(class_folder: PurePosixPath) -> str | None:
    return SPLITS.get(class_folder.parts[-2].strip().lower()) if len(class_folder.parts) > 1 else None


def _refuse_empty_classes(source: Path, folders: frozenset[str], found: Sequence[_Picture], split: str | None) -> None:
    """Raise ModelError where a folder is named after a class and has no picture in it."""
    filled = {str(PurePosixPath(p.name).parent) for p in found}
    for folder in sorted(folders - filled):
        path = PurePosixPath(folder)
        if path.parts and _label_of(path.name) is not None and (split is None or _split_of(path) == split):
            raise ModelError(f"{source}: the class folder {folder} has no picture; fill it or remove it")


def _decode(data: bytes) -> npt.NDArray[np.uint8] | None:
    if not data:
        return None
    try:
        image: npt.NDArray[Any] | None = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error:  # larger than what OpenCV is ready to take into memory
        return None
    return None if image is None else as_crop(image, CROP_PX)


def _ballots(source: Source, pictures: Sequence[_Picture]) -> dict[int, Ballot]:
    """Read the votes beside the pictures, if there are any, by the row number that is a picture's name.

    Raises ModelError where the names are no row numbers after all: votes of other faces teach what is wrong.
    """
    tables = sorted((f for f in source.files if PurePosixPath(f).name == VOTES_FILE), key=lambda f: (f.count("/"), f))
    if not tables:
        return {}
    ballots = read_ballots(source.read(tables[0]))
    first: dict[int, _Picture] = {}
    for picture in sorted(pictures):
        if picture.row not in ballots:
            continue
        other = first.setdefault(picture.row, picture)
        if (other.split, other.label) != (picture.split, picture.label):
            raise ModelError(
                f"{tables[0]}: joined by the number that is a picture's name, and {other.name} and {picture.name} "
                "have the same; name the pictures by their rows in FER2013, or remove the table"
            )
        usage = ballots[picture.row].usage
        said = SPLITS.get(usage.lower())
        if said and picture.split and said != picture.split:
            raise ModelError(
                f"{tables[0]}: row {picture.row} is of {usage}, and {picture.name} is in {picture.split}; name the "
                "pictures by their rows in FER2013, or, where the splits are your own, remove the column usage"
            )
    return ballots


def copies(data: LabelledImages, of: LabelledImages) -> npt.NDArray[np.bool_]:
    """Return which images of `data` are pixel by pixel also in `of`: bool [n]."""
    return np.isin(data.hashes(), of.hashes())


def clean(train: LabelledImages, held_out: Sequence[LabelledImages], may_be_empty: bool = False) -> LabelledImages:
    """Leave out of the training images what would cheat or teach nothing; all of it is counted in `dropped`.

    Constant images, images that most FER+ votes call not a face, pixel-exact copies of held-out images (validation and
    test), and all but the first of copies among themselves. Raises ModelError where most of a held-out set is in the
    training images, so that the two are not separate sets, or, unless it may be empty, where no image is left.
    """
    for held in held_out:
        shared = int(copies(held, train).sum())
        if shared > len(held) * MOST_SHARED:
            raise ModelError(
                f"{shared} of {len(held)} held-out images are also training images; "
                "train, validation and test must be separate sets"
            )
    train = train.drop(train.images.min(axis=(1, 2)) == train.images.max(axis=(1, 2)), "constant")
    train = train.drop(train.not_a_face > 0.5, "not_a_face")
    held_out_hashes = np.concatenate([h.hashes() for h in held_out]) if held_out else np.zeros(0, "U24")
    train = train.drop(np.isin(train.hashes(), held_out_hashes), "copy_of_held_out")
    train = train.drop(repeated(train), "copy_in_train")
    if not len(train) and not may_be_empty:
        raise ModelError(f"no training image is left after cleaning: {train.dropped}")
    return train


def repeated(data: LabelledImages) -> npt.NDArray[np.bool_]:
    """Return which images are pixel by pixel an earlier one of the same set: bool [n]."""
    again = np.ones(len(data), bool)
    again[np.unique(data.hashes(), return_index=True)[1]] = False
    return again


def hold_out(train: LabelledImages) -> tuple[LabelledImages, LabelledImages]:
    """Split a tenth of each class off, drawn by a seed and the same whatever the order: (the others, the tenth).

    For data without a validation split. It is counted in `dropped` of the others. Raises ModelError where the images
    are so few that the tenth is empty.
    """
    order = np.argsort(train.hashes(), kind="stable")
    rng = np.random.default_rng(HELD_OUT_SEED)
    held = np.zeros(len(train), bool)
    for label in range(len(CLASSES)):
        of_class = order[train.labels[order] == label]
        held[rng.permutation(of_class)[: round(len(of_class) * HELD_OUT_SHARE)]] = True
    if not held.any():
        raise ModelError(f"{len(train)} training images are too few to hold a tenth of each class out for validation")
    return train.drop(held, "held_out_for_validation"), replace(train.take(held), dropped={})


def soft_targets(data: LabelledImages, vote_share: float) -> npt.NDArray[np.float32]:
    """Return what the network is to learn: (1 - vote_share) × label + vote_share × FER+ votes, float32 [n, 7].

    Where there are no votes, the label alone.
    """
    label = np.eye(len(CLASSES), dtype=np.float32)[data.labels]
    total = data.votes.sum(axis=1, keepdims=True)
    voted = np.divide(data.votes, total, out=label.copy(), where=total > 0)
    mixed: npt.NDArray[np.float32] = (1 - vote_share) * label + vote_share * voted
    return mixed
