"""Each optimisation off against on: how often it fires, what it saves in CPU seconds, what it changes in the result.

    python -m bench.optimisations [--people 25] [--seconds 24] [--still 5] [--seed 2] [--only WORDS]

The table of ``make bench``, of a call composed for it, or those of its rows whose names contain some words. What it
says of times wants an idle machine, the rest does not.
"""

from __future__ import annotations

import argparse
import contextlib
import pkgutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
import pandas as pd

from bench.agreement import Apart, compare
from bench.meetings import Meeting, compose
from emorec import pipeline, recording
from emorec.observe import close_idle
from emorec.settings import Settings

if TYPE_CHECKING:
    from model.runtime import Logits

__all__ = ["Counter", "Watch", "lines", "watched"]


@dataclass(frozen=True)
class Watch:
    """How to see that an optimisation fires.

    ``target``: the dotted name of the function that decides, or does it; ``count``: of its result and arguments, how
    often it fired and out of how many; ``unit``: of what.
    """

    target: str
    count: Callable[[Any, tuple[Any, ...]], tuple[int, int]]
    unit: str


@dataclass
class Counter:
    """How often an optimisation fired in a run, out of how many."""

    unit: str
    fired: int = 0
    of: int = 0

    def __str__(self) -> str:
        return f"{self.fired:,} of {self.of:,} {self.unit}"


@dataclass(frozen=True)
class Optimisation:
    """``off``: settings, and patches of the code, without it; ``watch``: None for what works all the time."""

    name: str
    settings: dict[str, Any]
    off: Callable[[], contextlib.AbstractContextManager[Any]] = contextlib.nullcontext
    watch: Watch | None = None


def _patched(target: str, value: Any) -> Callable[[], contextlib.AbstractContextManager[Any]]:
    return lambda: mock.patch(target, value)


@contextlib.contextmanager
def _inline(items: Any, _in_hand: int) -> Iterator[Any]:
    yield iter(items)


@contextlib.contextmanager
def _at_once(work: Any, _in_hand: int) -> Iterator[Any]:
    yield work


@contextlib.contextmanager
def _one_after_another() -> Iterator[None]:
    with mock.patch("emorec.observe.read_ahead", _inline), mock.patch("emorec.observe.hand_on", _at_once):
        yield


@contextlib.contextmanager
def _in_float() -> Iterator[None]:
    """The emotion model as it was trained, by Keras on the CPU; opened before, so that its start is not measured."""
    from model.architectures import Architecture
    from model.export import load_network
    from model.registry import load_release
    from model.runtime import BATCHES, KerasNetwork

    opened: dict[Path, Logits] = {}

    def network(file: Path) -> Logits:
        if file not in opened:
            release = load_release(file.parent.name, file.parents[1])
            whole = load_network(Architecture(**release.card["architecture"]), release.weights)
            opened[file] = KerasNetwork(whole, batch=BATCHES[0])
            opened[file](np.zeros((1, 48, 48), np.uint8))
        return opened[file]

    network(load_release().litert)
    with mock.patch("emorec.emotion.LiteRtNetwork", network):
        yield


OPTIMISATIONS = (
    Optimisation(
        "known faces are followed, not searched",
        {"faces": {"search_every_s": 0.01}},
        watch=Watch("emorec.faces.find.FaceFinder.find", lambda found, _: (not found.searched, 1), "samples"),
    ),
    Optimisation(
        "the smallest tiles are looked through in every third search only",
        {},
        _patched("emorec.faces.find.SMALLEST_EVERY", 1),
        Watch(
            "emorec.faces.find.FaceFinder._plan", lambda plan, _: (plan[0] and plan[1] == "large", plan[0]), "searches"
        ),
    ),
    Optimisation(
        "an area that was just searched is not searched again",
        {},
        _patched("emorec.faces.find.AREA_REST_S", 0.0),
        Watch(
            "emorec.faces.find.FaceFinder._awake",
            lambda awake, given: (len(given[3]) - len(awake[0]), len(given[3])),
            "areas",
        ),
    ),
    Optimisation(
        "faces that stand still are not read again",
        {},
        _patched("emorec.faces.change.STILL_MAX", -1),
        Watch("emorec.faces.find.unchanged", lambda still, _: (still, 1), "faces"),
    ),
    Optimisation(
        "faces of a crowd are read in turn",
        {"landmarks": {"in_turn_from_faces": 10_000}},
        watch=Watch(
            "emorec.faces.find.FaceFinder._kept_rows",
            lambda kept, _: (int((kept >= 0).sum()), len(kept)),
            "faces",
        ),
    ),
    Optimisation(
        "eyes that look the same are not read again",
        {"landmarks": {"eyes_changed_from": 0.0}},
        watch=Watch("emorec.landmarks.EyeMemory.recall", lambda points, _: (points is not None, 1), "eyes"),
    ),
    Optimisation(
        "pictures that nobody needs are not decoded",
        {},
        _patched("emorec.recording.samples.SampleReader._may_be_sampled", lambda *_: True),
        Watch(
            "emorec.recording.samples.SampleReader._may_be_sampled",
            lambda sampled, _: (not sampled, 1),
            "pictures, if no other needs them",
        ),
    ),
    Optimisation("stages overlap", {}, _one_after_another),
)
EIGHT_BITS = Optimisation(
    "emotions are classified in 8 bits",
    {},
    _in_float,
    Watch("emorec.emotion.LiteRtNetwork.__call__", lambda logits, _: (len(logits), len(logits)), "faces"),
)
ON_A_GPU = Optimisation(
    "emotions are classified on the GPU, not on the CPU",
    {"emotion": {"device": "cpu"}},
    watch=Watch("model.runtime.KerasNetwork.__call__", lambda logits, _: (len(logits), len(logits)), "faces"),
)
NO_SWITCH = (
    "Not in this table, since nothing switches them off: identities in 8 bits (the float network is not kept), one "
    "embedding for several decisions, the process that decodes being started ahead and loading less, memory of "
    "pictures that is kept, the detection network without MediaPipe's framework, and threads and batches of each "
    "library."
)


def main() -> int:
    """Compose, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, usual in (("people", 25), ("seconds", 24), ("still", 5), ("seed", 2)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    size_px = (1920, 1080) if given.people > 9 else (1280, 720)
    with tempfile.TemporaryDirectory() as folder:
        meeting = Meeting(given.people, size_px, given.seconds, given.seed, given.still)
        print("\n".join(lines(compose(meeting, Path(folder)), given.only)))
    return 0


def lines(media: Path, only: str = "") -> list[str]:
    """A table of all of them, or of those whose names contain ``only``, measured on a recording."""
    device = Settings.load().emotion.device
    everything = (*OPTIMISATIONS, ON_A_GPU if device == "gpu" else EIGHT_BITS)
    listed = [each for each in everything if only in each.name]
    # The first one imports everything, and is watched; the others only analyse.
    with watched([each.watch for each in listed]) as counters:
        _analysed(media, {})
    on = _analysed(media, {})
    rows = []
    for each, counter in zip(listed, counters, strict=True):
        print(f"bench: without “{each.name}”", file=sys.stderr)
        with each.off():
            off = _analysed(media, each.settings)
        same = compare(off.timeline, on.timeline)
        rows.append(
            f"| {each.name} | {counter or 'always'} | {off.cpu_s / on.cpu_s:.2f} | {off.wall_s / on.wall_s:.2f} "
            f"| {same.faces:.4f} | {same.idf1:.4f} | {_told(same.emotions)} | {_told(same.attention)} "
            f"| {_told(same.lids)} |"
        )
    return [
        "",
        "## Optimisations",
        "",
        f"{media.name}, in one process, without the report. Fired: how often it spared something. Faces: share of "
        "those found without it that are found with it, in the same place. IDF1: participants without it as the truth. "
        "Emotions, attention, lids (eye widths): difference of probabilities and values in the mean / 99 % below.",
        "",
        "| optimisation | fired | CPU without / with | wall without / with | faces | IDF1 | emotions | attention "
        "| lids |",
        "|---" * 9 + "|",
        *rows,
        "",
        NO_SWITCH,
    ]


@contextlib.contextmanager
def watched(watches: Sequence[Watch | None]) -> Iterator[list[Counter | None]]:
    """Counts, for each of the watches, how often what it looks at fires within the block."""
    lock = threading.Lock()

    def counting(watch: Watch, counter: Counter) -> Callable[..., Any]:
        original = pkgutil.resolve_name(watch.target)

        def call(*given: Any, **named: Any) -> Any:
            result = original(*given, **named)
            fired, of = watch.count(result, given)
            with lock:
                counter.fired += int(fired)
                counter.of += int(of)
            return result

        return call

    counters = [None if watch is None else Counter(watch.unit) for watch in watches]
    with contextlib.ExitStack() as stack:
        for watch, counter in zip(watches, counters, strict=True):
            if watch is not None and counter is not None:
                stack.enter_context(mock.patch(watch.target, counting(watch, counter)))
        yield counters


def _told(apart: Apart) -> str:
    return f"{apart.mean:.4f} / {apart.high:.3f}"


@dataclass(frozen=True)
class _Analysis:
    timeline: pd.DataFrame
    cpu_s: float
    wall_s: float


def _analysed(media: Path, changes: dict[str, Any]) -> _Analysis:
    settings = Settings.load(**changes)
    # Each run loads its models itself: those of the run before may be others.
    close_idle()
    with tempfile.TemporaryDirectory() as store:
        started, cpu = time.perf_counter(), time.process_time()
        plan = pipeline.plan(recording.probe(media, settings.recording), store, settings)
        pipeline.observe_missing(plan, range(len(plan.chunks)))
        resolution, records = pipeline.resolve_recording(plan)
        spent_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu
        session = pipeline.commit(plan, resolution, records, course="bench", title=None, started_s=started)
        timeline = pd.read_parquet(Path(session.folder) / "timeline.parquet").reset_index(drop=True)
    return _Analysis(timeline, cpu_s, spent_s)


if __name__ == "__main__":
    sys.exit(main())
