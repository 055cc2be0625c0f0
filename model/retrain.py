"""Retraining: new labelled images → checks → training → a frozen test set → promotion, or a candidate with the reason.

It may be killed at any moment and started again: training goes on from its last checkpoint, and what was finished is
not done twice. A new version enters the registry whole, and is the champion only if it is better than the present one
by more than chance; nobody who loads a model sees anything in between.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from model import registry as models
from model.architectures import Architecture
from model.compare import Comparison, compare
from model.data import CLASSES, PICTURES, LabelledImages, clean, copies, hold_out, load_images, splits_of
from model.errors import ChampionChangedError, ModelError
from model.files import read_json
from model.labels import contents_of, labelled_folders, read_labelled
from model.registry import Release
from model.removing import remove
from model.sources import open_source
from model.taken_in import WORK, Journal, clean_up, is_over, known_images, runs, tried_images, work_off, write_json

if TYPE_CHECKING:
    from model.plan import Plan

T = TypeVar("T")

CHANCE: Final = 0.05
"""A difference is more than chance where McNemar's two-sided p is below this."""

FINE_TUNING_RATE: Final = 0.01
"""Peak learning rate from the champion's weights: a tenth of a fresh run's, so that they are not shaken loose."""

EPOCHS: Final = {"champion": 6, "scratch": 30}
"""Length of a run by where it begins: fresh weights have all to learn."""

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

    data: folder or zip with train, and with test unless `test` is given; without validation a tenth of train is held
    out for it. registry: one's own models. new: folders or zips of new labelled images, `<class>/*`. labels: folder of
    labelling folders (`model.labels`). test: the frozen test set, a folder or zip; of several splits, its test. start:
    from the champion's weights, or from scratch. epochs: length of the run; by default as `EPOCHS` says. least_new:
    fewer images that count as new wait for more: those in folders that no retraining has taken in, and labelled faces
    until a promoted version was made of them; after a try in vain, so many that it did not have. code_version: for the
    card.
    """

    data: Path
    registry: Path
    new: tuple[Path, ...] = ()
    labels: Path | None = None
    test: Path | None = None
    start: Literal["champion", "scratch"] = "champion"
    epochs: int | None = None
    batch: int = 256
    least_new: int = 30
    code_version: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came out: the version that was made, if any, whether it is the champion, and the reason, as a phrase."""

    version: str | None
    promoted: bool
    reason: str


@dataclass(frozen=True)
class _Gathered:
    """All images, checked.

    in_folders, in_faces: hashes of all new images, those of folders and those labelled of recordings, before any was
    left out. taken: folders of labelled faces, and what they held. test_copies: bool [n], test images with a copy in
    train. key: the same for the same images and settings.
    """

    training: LabelledImages
    validation: LabelledImages
    test: LabelledImages
    new: LabelledImages
    held_back: LabelledImages
    taken: dict[Path, str]
    in_folders: frozenset[str]
    in_faces: frozenset[str]
    test_copies: npt.NDArray[np.bool_]
    key: str
    overlap: dict[str, int] = field(default_factory=dict)


def retrain(request: Request, step: Step = call, tell: Callable[[str], None] = lambda line: None) -> Outcome:
    """Retrain, or go on with a retraining that was killed.

    step: runs each coarse step; a flow makes them its tasks. tell: told what is going on, a line at a time. Raises
    ModelError where data cannot be used, the frozen test set has changed, or another retraining is running.
    """
    from filelock import FileLock, Timeout

    work = request.registry / WORK
    lock = FileLock(work / "lock", blocking=False)
    try:
        work.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise ModelError(f"{request.registry}: another retraining is running") from None
    except OSError as error:
        raise ModelError(f"{request.registry}: models cannot be written here ({error}); name another folder") from error
    try:
        return _retrain(request, work, step, tell)
    finally:
        lock.release()


def _retrain(request: Request, work: Path, step: Step, tell: Callable[[str], None]) -> Outcome:
    work_off(request.registry)
    found = step("check", lambda: gather(request, tell))
    if isinstance(found, str):
        tell(found)
        return Outcome(None, False, found)
    made = _made_before(request.registry, found.key)
    if made is not None and is_over(request.registry, made.version):
        reason = f"nothing is new since {made.version}: {made.card['decision']['reason']}"
        tell(reason)
        return Outcome(None, False, reason)
    if made is None:
        plan = _plan(request, found)
        run = work / _name_of(found, plan)
        for other in runs(request.registry):
            if other != run:  # of images, a champion or settings that are no longer those to train with
                remove(other)
        step("train", lambda: _train(request, run, plan, found, tell))
        made = step("evaluate", lambda: _release(request, run, found))
    outcome = step("promote", lambda: _promote(request.registry, made))
    step("clean up", lambda: _clean_up(request, made, found))
    tell(outcome.reason)
    return outcome


def gather(request: Request, tell: Callable[[str], None] = lambda line: None) -> _Gathered | str:
    """Read and check all images. Returns a sentence instead where there is nothing to retrain for.

    Raises ModelError as `load_images` and `clean` do, and where the frozen test set is not the one it was.
    """
    # What they hold before they are read: labels that are saved from now on are not used up with these.
    taken = {f: contents_of(f) for f in labelled_folders(request.labels)} if request.labels else {}
    folders = [load_images(path, filled_over_time=True) for path in request.new if _holds_pictures(path)]
    faces = [read_labelled(folder) for folder in taken]
    if not sum(map(len, [*folders, *faces])):
        return "there are no new labelled images"
    raw = concatenate([*folders, *faces])
    in_folders, in_faces = (
        frozenset(h for part in parts for h in part.hashes().tolist()) for parts in (folders, faces)
    )
    unseen = (in_folders | in_faces) - known_images(request.registry)
    if len(unseen) < request.least_new:
        return f"{len(unseen)} new labelled images; retraining waits for {request.least_new}"
    # Each try reads the frozen test set, so that faces that one was made of do not call for the next.
    untried = len(unseen - tried_images(request.registry))
    if 0 < untried < request.least_new:
        return f"{untried} new labelled images since the last try; retraining waits for {request.least_new}"
    train, test = load_images(request.data, "train"), _test_set(request)
    _check_frozen(request.registry, test)
    if "validation" in splits_of(request.data):
        validation = load_images(request.data, "validation")
        training = clean(train, [validation, test])
    else:
        training, validation = hold_out(clean(train, [test]))
    new = clean(raw, [validation, test], may_be_empty=True)
    new = new.drop(copies(new, training), "copy_in_train")
    if not len(new):
        return f"all {len(raw)} new images are left out: {new.dropped}"
    left_out = ", ".join(f"{n} {reason.replace('_', ' ')}" for reason, n in new.dropped.items() if n) or "nothing"
    tell(f"{len(new)} new images; left out: {left_out}; {len(unseen)} count as new")
    back = np.array([int(h[:8], 16) % HELD_BACK == 0 for h in new.hashes()])
    sets = (training, validation, test, new)
    text = json.dumps(
        [*(d.fingerprint() for d in sets), request.start, request.epochs or EPOCHS[request.start], request.batch]
    )
    test_copies = copies(test, train)
    learnt = new.take(~back)
    # What was left out is counted once, however often the rest is repeated.
    again = [dataclasses.replace(learnt, dropped={})] * (_repeats(len(training), len(learnt)) - 1)
    return _Gathered(
        training=concatenate([training, learnt, *again]),
        validation=validation,
        test=test,
        new=new,
        held_back=new.take(back),
        taken=taken,
        in_folders=in_folders,
        in_faces=in_faces,
        test_copies=test_copies,
        key=hashlib.sha256(text.encode()).hexdigest()[:16],
        overlap={"test_images_in_train": int(test_copies.sum())},
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
    """Whether there is a picture in a folder that is meant to be filled over time; what is no folder is said later."""
    return not path.is_dir() or any(Path(name).suffix.lower() in PICTURES for name in open_source(path).files)


def _repeats(training: int, new: int) -> int:
    return min(max(round(NEW_SHARE * training / max(new, 1)), 1), MOST_REPEATS)


def _test_set(request: Request) -> LabelledImages:
    if request.test is None:
        return load_images(request.data, "test")
    return load_images(request.test, "test" if "test" in splits_of(request.test) else None)


def _check_frozen(registry: Path, test: LabelledImages) -> None:
    """Bind the registry to its test set: figures of different sets decide nothing."""
    path, fingerprint = registry / "frozen-test.json", test.fingerprint()
    if not path.is_file():
        write_json(path, {"images": len(test), "fingerprint": fingerprint})
    elif read_json(path).get("fingerprint") != fingerprint:
        raise ModelError(
            f"the test set is not the one that earlier models were compared on ({path}); name that one, "
            "or delete the file to begin anew"
        )


def _made_before(registry: Path, key: str) -> Release | None:
    """Return the version that was made of these images, if it was compared with the present champion or is it."""
    now = models.champion(registry)
    for entry in models.entries(registry):
        of_these = entry.card.get("retraining", {}).get("key") == key
        if of_these and now in (entry.version, entry.card["decision"]["champion"]):
            return models.load_release(entry.version, registry)
    return None


def _plan(request: Request, found: _Gathered) -> Plan:
    """Return the plan of the run; how quickly a number is computed is left to the machine."""
    from model.plan import Plan

    champion = models.load_release(registry=request.registry, classes=CLASSES)
    plan = dataclasses.replace(
        Plan(),
        architecture=Architecture(**champion.card["architecture"]),
        epochs=request.epochs or EPOCHS[request.start],
        batch=min(request.batch, len(found.training)),
    )
    if request.start == "champion":
        plan = dataclasses.replace(plan, learning_rate=FINE_TUNING_RATE, begun_with=champion.version)
    return plan


def _name_of(found: _Gathered, plan: Plan) -> str:
    """Return what the run's folder is called: another one for other images, another champion or other settings."""
    text = json.dumps([found.key, dataclasses.asdict(plan)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _train(request: Request, run: Path, plan: Plan, found: _Gathered, tell: Callable[[str], None]) -> None:
    from model.plan import plan_of
    from model.train import quickest_policy, train

    champion = models.load_release(registry=request.registry, classes=CLASSES)
    earlier = plan_of(run)
    # A run that another machine began goes on as it began.
    policy = earlier.dtype_policy if earlier else quickest_policy()
    train(
        run,
        dataclasses.replace(plan, dtype_policy=policy),
        found.training,
        found.validation,
        lambda e: tell(f"epoch {e['epoch']:.0f} of {plan.epochs}: validation accuracy {e['validation_accuracy']:.4f}"),
        begin_with=champion.weights if request.start == "champion" else None,
        code_version=request.code_version,
    )


def _release(request: Request, run: Path, found: _Gathered) -> Release:
    """Convert, calibrate, compare with the champion, and put the version into the registry with what was decided."""
    from model.card import render_card
    from model.release import Splits, prepare
    from model.runtime import LiteRtNetwork

    champion = models.load_release(registry=request.registry, classes=CLASSES)
    version = _next_version(request.registry)
    splits = Splits(found.training, found.validation, found.test, found.overlap, found.test_copies)
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
    numbers = [path.name.removeprefix("retrained-") for path in registry.glob("retrained-*")]
    return f"retrained-{max((int(n) for n in numbers if n.isdecimal()), default=0) + 1}"


def _promote(registry: Path, made: Release) -> Outcome:
    """Promote a version that is better, once: what a person did with it afterwards stays."""
    decision = made.card["decision"]
    now = models.champion(registry)
    if not decision["promoted"] or now == made.version:
        return Outcome(made.version, decision["promoted"], decision["reason"])
    if models.was_champion(registry, made.version):
        reason = f"{made.version} was the champion already and is not made it again; `emorec model promote` does"
        return Outcome(made.version, False, reason)
    try:
        models.promote(registry, made.version, decision["reason"], expected=decision["champion"])
    except ChampionChangedError as error:
        return Outcome(made.version, False, f"kept as a candidate: {error}")
    return Outcome(made.version, True, decision["reason"])


def _clean_up(request: Request, made: Release, found: _Gathered) -> None:
    """Remember the images; of labelled faces, only those that a promoted version was made of are used up."""
    used = models.was_champion(request.registry, made.version)
    images, tried = (found.in_folders | found.in_faces, ()) if used else (found.in_folders, found.in_faces)
    clean_up(request.registry, Journal.of(made.version, images, found.taken if used else {}, tried))
