"""Retraining: new labelled images → checks → training → a frozen test set → promotion, or a candidate with the reason.

It may be killed at any moment and started again: training goes on from its last checkpoint, and what was finished is
not done twice. A new version enters the registry whole, and is the champion only if it is better than the present one
by more than chance; nobody who loads a model sees anything in between.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Protocol, TypeVar

import numpy as np

from model import registry as models
from model.architectures import Architecture
from model.compare import Comparison, compare
from model.data import CLASSES, LabelledImages, clean, copies, load_images
from model.errors import ModelError
from model.labels import delete_forgotten, delete_labelling, labelled_folders, read_labelled
from model.registry import Release

T = TypeVar("T")

CHANCE: Final = 0.05
"""A difference is more than chance where McNemar's two-sided p is below this."""

FINE_TUNING_RATE: Final = 0.01
"""Peak learning rate from the champion's weights: a tenth of a fresh run's, so that they are not shaken loose."""

NEW_SHARE: Final = 0.1
MOST_REPEATS: Final = 10
"""New images are repeated until they are a tenth of the training images, but no image more often than this: enough to
be heard among tens of thousands, too few to be learnt by heart."""

HELD_BACK: Final = 5
"""Of new images, one in so many is kept out of training, to say how both models read them."""


class Step(Protocol):
    """Runs a named step and gives what it gives; it may run a failed one again."""

    def __call__(self, name: str, function: Callable[[], T], /) -> T: ...


def call(_name: str, function: Callable[[], T], /) -> T:
    """The plain way to run a step."""
    return function()


@dataclass(frozen=True)
class Request:
    """What to retrain with.

    data: folder or zip with train and validation, and with test unless `test` is given. registry: one's own models.
    new: folders or zips of new labelled images, `<class>/*`. labels: folder of labelling folders (`model.labels`).
    test: the frozen test set, a folder or zip; of several splits, its test. start: from the champion's weights, or from
    scratch. epochs: length of the run. least_new: fewer images that were never seen wait for more. labels_days: faces
    that nobody labelled for so long are deleted. code_version: for the card.
    """

    data: Path
    registry: Path
    new: tuple[Path, ...] = ()
    labels: Path | None = None
    test: Path | None = None
    start: Literal["champion", "scratch"] = "champion"
    epochs: int = 6
    batch: int = 256
    least_new: int = 30
    labels_days: float = 30
    code_version: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came out: the version that was made, if any, whether it is the champion, and the reason, as a phrase."""

    version: str | None
    promoted: bool
    reason: str


@dataclass(frozen=True)
class _Gathered:
    """All images, checked; key: names this retraining, the same whenever it is started with the same images."""

    training: LabelledImages
    validation: LabelledImages
    test: LabelledImages
    new: LabelledImages
    held_back: LabelledImages
    taken: tuple[Path, ...]
    key: str
    overlap: dict[str, int] = field(default_factory=dict)


def retrain(request: Request, step: Step = call, tell: Callable[[str], None] = lambda line: None) -> Outcome:
    """Retrain, or go on with a retraining that was killed.

    step: runs each coarse step; a flow makes them its tasks. tell: told what is going on, a line at a time. Raises
    ModelError where data cannot be used, the frozen test set has changed, or another retraining is running.
    """
    from filelock import FileLock, Timeout

    work = request.registry / ".retraining"
    try:
        work.mkdir(parents=True, exist_ok=True)
        with FileLock(work / "lock", blocking=False):
            return _retrain(request, work, step, tell)
    except Timeout:
        raise ModelError(f"{request.registry}: another retraining is running") from None


def _retrain(request: Request, work: Path, step: Step, tell: Callable[[str], None]) -> Outcome:
    if request.labels:
        for gone in delete_forgotten(request.labels, request.labels_days):
            tell(f"{gone}: faces that nobody labelled in {request.labels_days:g} days are deleted")
    found = step("check", lambda: gather(request, tell))
    if isinstance(found, str):
        tell(found)
        return Outcome(None, False, found)
    made = _made_before(request.registry, found.key)
    if made is None:
        run = work / found.key
        for other in work.iterdir():
            if other.is_dir() and other != run:  # of images that are no longer those to train with
                shutil.rmtree(other)
        step("train", lambda: _train(request, run, found, tell))
        made = step("evaluate", lambda: _release(request, run, found))
    outcome = step("promote", lambda: _promote(request.registry, made))
    step("clean up", lambda: _clean_up(request, work, found))
    tell(outcome.reason)
    return outcome


def gather(request: Request, tell: Callable[[str], None] = lambda line: None) -> _Gathered | str:
    """Read and check all images. Returns a sentence instead where there is nothing to retrain for.

    Raises ModelError as `load_images` and `clean` do, and where the frozen test set is not the one it was.
    """
    taken = tuple(labelled_folders(request.labels)) if request.labels else ()
    parts = [*(load_images(path) for path in request.new if _holds_pictures(path)), *map(read_labelled, taken)]
    if not sum(map(len, parts)):
        return "there are no new labelled images"
    raw = concatenate(parts)
    known = set(_seen(request.registry))
    unseen = len(set(raw.hashes().tolist()) - known)
    if unseen < request.least_new:
        return f"{unseen} new labelled images; retraining waits for {request.least_new}"
    validation, train = (load_images(request.data, split) for split in ("validation", "train"))
    test = _test_set(request)
    _check_frozen(request.registry, test)
    held_out = [validation, test]
    training = clean(train, held_out)
    new = clean(raw, held_out)
    new = new.drop(copies(new, training), "copy_in_train")
    if not len(new):
        return f"all {len(raw)} new images are left out: {new.dropped}"
    left_out = ", ".join(f"{n} {reason.replace('_', ' ')}" for reason, n in new.dropped.items() if n) or "nothing"
    tell(f"{len(new)} new images, {unseen} of them never seen before; left out: {left_out}")
    back = np.array([int(h[:8], 16) % HELD_BACK == 0 for h in new.hashes()])
    sets = (training, validation, test, new)
    text = json.dumps([*(d.fingerprint() for d in sets), request.start, request.epochs, request.batch])
    return _Gathered(
        training=concatenate([training, *[new.take(~back)] * _repeats(len(training), int((~back).sum()))]),
        validation=validation,
        test=test,
        new=new,
        held_back=new.take(back),
        taken=taken,
        key=hashlib.sha256(text.encode()).hexdigest()[:16],
        overlap={"test_images_in_train": int(copies(test, train).sum())},
    )


def concatenate(parts: Sequence[LabelledImages]) -> LabelledImages:
    """Put sets of images together; what was left out of them is added up."""
    dropped: dict[str, int] = {}
    for part in parts:
        for reason, n in part.dropped.items():
            dropped[reason] = dropped.get(reason, 0) + n
    return LabelledImages(
        np.concatenate([p.images for p in parts]),
        np.concatenate([p.labels for p in parts]),
        np.concatenate([p.votes for p in parts]),
        np.concatenate([p.other_votes for p in parts]),
        np.concatenate([p.not_a_face for p in parts]),
        tuple(name for p in parts for name in p.names),
        dropped,
    )


def decide(compared: Comparison, candidate: str, champion: str) -> tuple[bool, str]:
    """Say whether the first of two compared models is to be promoted, and why."""
    difference = compared.only_first - compared.only_second
    figures = (
        f"of {compared.n} frozen test images, {compared.only_first} are read right by {candidate} alone and "
        f"{compared.only_second} by {champion} alone (McNemar p = {compared.p:.2g})"
    )
    if difference > 0 and compared.p < CHANCE:
        return True, f"{candidate} is better by more than chance: {figures}"
    verdict = "not better by more than chance" if difference > 0 else "not better"
    return False, f"{candidate} is {verdict}: {figures}"


def _holds_pictures(path: Path) -> bool:
    """Whether there is something in a folder that is meant to be filled over time; what is no folder is said later."""
    return not path.is_dir() or any(p.is_file() for p in path.rglob("*"))


def _repeats(training: int, new: int) -> int:
    return min(max(round(NEW_SHARE * training / max(new, 1)), 1), MOST_REPEATS)


def _test_set(request: Request) -> LabelledImages:
    from model.data import splits_of

    if request.test is None:
        return load_images(request.data, "test")
    return load_images(request.test, "test" if "test" in splits_of(request.test) else None)


def _check_frozen(registry: Path, test: LabelledImages) -> None:
    """Bind the registry to its test set: figures of different sets decide nothing."""
    path, fingerprint = registry / "frozen-test.json", test.fingerprint()
    if not path.is_file():
        _write_json(path, {"images": len(test), "fingerprint": fingerprint})
    elif json.loads(path.read_text("utf-8"))["fingerprint"] != fingerprint:
        raise ModelError(
            f"the test set is not the one that earlier models were compared on ({path}); name that one, "
            "or delete the file to begin anew"
        )


def _seen(registry: Path) -> list[str]:
    path = registry / "taken-in.json"
    return list(json.loads(path.read_text("utf-8"))["images"]) if path.is_file() else []


def _made_before(registry: Path, key: str) -> Release | None:
    for entry in models.entries(registry):
        if entry.card.get("retraining", {}).get("key") == key:
            return models.load_release(entry.version, registry)
    return None


def _train(request: Request, run: Path, found: _Gathered, tell: Callable[[str], None]) -> None:
    from model.train import Plan, quickest_policy, train

    champion = models.load_release(registry=request.registry, classes=CLASSES)
    plan = dataclasses.replace(
        Plan(),
        architecture=Architecture(**champion.card["architecture"]),
        epochs=request.epochs,
        batch=min(request.batch, len(found.training)),
        dtype_policy=quickest_policy(),
    )
    if request.start == "champion":
        plan = dataclasses.replace(plan, learning_rate=FINE_TUNING_RATE, begun_with=champion.version)
    train(
        run,
        plan,
        found.training,
        found.validation,
        lambda e: tell(f"epoch {e['epoch']:.0f} of {plan.epochs}: validation accuracy {e['validation_accuracy']:.4f}"),
        begin_with=champion.weights if request.start == "champion" else None,
    )


def _release(request: Request, run: Path, found: _Gathered) -> Release:
    """Convert, calibrate, compare with the champion, and put the version into the registry with what was decided."""
    from model.card import render_card
    from model.release import Splits, prepare
    from model.runtime import LiteRtNetwork

    champion = models.load_release(registry=request.registry, classes=CLASSES)
    version = _next_version(request.registry)
    splits = Splits(found.training, found.validation, found.test, found.overlap)
    with tempfile.TemporaryDirectory() as folder:
        made = prepare(run, Path(folder), splits, request.code_version)
        networks = LiteRtNetwork(made.litert), LiteRtNetwork(champion.litert)
        compared = compare(*networks, found.test)
        promoted, reason = decide(compared, version, champion.version)
        decision: dict[str, Any] = {
            "champion": champion.version,
            "promoted": promoted,
            "reason": reason,
            "test": compared.to_dict(),
        }
        if len(found.held_back):
            decision["held_back_new_images"] = compare(*networks, found.held_back).to_dict()
        new = {"images": len(found.new), "held_back": len(found.held_back), "dropped": found.new.dropped}
        retraining = {"key": found.key, "start": request.start, "new": new, "labelled": [f.name for f in found.taken]}
        card = made.card | {"decision": decision, "retraining": retraining}
        return models.add_release(request.registry, version, card, made.weights, made.litert, render_card)


def _next_version(registry: Path) -> str:
    numbers = [
        int(e.version.removeprefix("retrained-"))
        for e in models.entries(registry)
        if e.version.removeprefix("retrained-").isdecimal()
    ]
    return f"retrained-{max(numbers, default=0) + 1}"


def _promote(registry: Path, made: Release) -> Outcome:
    decision = made.card["decision"]
    now = models.champion(registry)
    if not decision["promoted"] or now == made.version:
        return Outcome(made.version, decision["promoted"], decision["reason"])
    if now != decision["champion"]:
        reason = f"kept as a candidate: {now} was promoted meanwhile, and {made.version} was compared with "
        return Outcome(made.version, False, reason + decision["champion"])
    models.promote(registry, made.version, decision["reason"])
    return Outcome(made.version, True, decision["reason"])


def _clean_up(request: Request, work: Path, found: _Gathered) -> None:
    """Remember which images were taken in, delete the faces that were labelled, and the run."""
    seen = sorted({*_seen(request.registry), *found.new.hashes().tolist()})
    _write_json(request.registry / "taken-in.json", {"images": seen})
    for folder in found.taken:
        delete_labelling(folder)
    shutil.rmtree(work / found.key, ignore_errors=True)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(content) + "\n", "utf-8")
    part.replace(path)
