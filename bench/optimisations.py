"""Each optimisation off against on: what it saves in CPU seconds, and what it changes in the result."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from emorec import pipeline, recording
from emorec.settings import Settings
from emorec.types import EMOTIONS

__all__ = ["compare", "idf1", "lines"]

SAME_FACE_IOU = 0.3


@dataclass(frozen=True)
class Optimisation:
    """``off``: settings, and patches of the code, without it."""

    name: str
    settings: dict[str, Any]
    off: Callable[[], contextlib.AbstractContextManager[Any]] = contextlib.nullcontext


@dataclass(frozen=True)
class Agreement:
    """How far two timelines agree; ``idf1`` takes the first one's participants for the truth."""

    faces: float
    idf1: float
    emotion_mean: float
    emotion_99: float


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


OPTIMISATIONS = (
    Optimisation("known faces are followed, not searched", {"faces": {"search_every_s": 0.01}}),
    Optimisation("faces that stand still are not read again", {}, _patched("emorec.faces.change.STILL_MAX", -1)),
    Optimisation("faces of a crowd are read in turn", {"landmarks": {"in_turn_from_faces": 10_000}}),
    Optimisation("eyes that look the same are not read again", {"landmarks": {"eyes_changed_from": 0.0}}),
    Optimisation(
        "pictures that nobody needs are not decoded",
        {},
        _patched("emorec.recording.samples.SampleReader._may_be_sampled", lambda *_: True),
    ),
    Optimisation("stages overlap", {}, _one_after_another),
)


def lines(media: Path) -> list[str]:
    """A table of all of them, measured on a recording."""
    # The first one imports everything; the others only analyse.
    _analysed(media, {})
    on = _analysed(media, {})
    rows = []
    for each in OPTIMISATIONS:
        print(f"bench: without “{each.name}”", file=sys.stderr)
        with each.off():
            off = _analysed(media, each.settings)
        same = compare(off.timeline, on.timeline)
        rows.append(
            f"| {each.name} | {off.cpu_s / on.cpu_s:.2f} | {off.wall_s / on.wall_s:.2f} | {same.faces:.4f} "
            f"| {same.idf1:.4f} | {same.emotion_mean:.4f} | {same.emotion_99:.3f} |"
        )
    return [
        "",
        "## Optimisations",
        "",
        f"{media.name}, in one process, without the report. Faces: share of those found without it that are found with "
        "it, in the same place. IDF1: participants without it as the truth. Emotions: difference of probabilities.",
        "",
        "| optimisation | CPU without / with | wall without / with | faces | IDF1 | emotions, mean | 99 % below |",
        "|---" * 7 + "|",
        *rows,
    ]


def compare(one: pd.DataFrame, other: pd.DataFrame) -> Agreement:
    """How far the visible faces of two timelines (as stored) agree."""
    keys = ["t", "participant", "x", "y", "w", "h", *EMOTIONS]
    a, b = (
        frame.loc[(frame["state"] == "visible") & frame["x"].notna(), keys].reset_index(drop=True)
        for frame in (one, other)
    )
    by_time = dict(list(b.groupby("t")))
    pairs = []
    for t_s, rows in a.groupby("t"):
        if t_s in by_time:
            pairs += _matched(rows, by_time[t_s])
    if not pairs:
        return Agreement(float(not len(a)), float(not len(a)), 0.0, 0.0)
    left, right = (np.array(side) for side in zip(*pairs, strict=True))
    names, who = a["participant"].to_numpy().astype(str), b["participant"].to_numpy().astype(str)
    same_people = idf1(names[left], who[right], len(a) + len(b))
    apart = np.abs(a[list(EMOTIONS)].to_numpy(float)[left] - b[list(EMOTIONS)].to_numpy(float)[right])
    known = apart[~np.isnan(apart).any(axis=1)]
    mean, high = (float(known.mean()), float(np.quantile(known, 0.99))) if len(known) else (0.0, 0.0)
    return Agreement(len(pairs) / max(1, len(a)), same_people, mean, high)


def idf1(people: NDArray[Any], participants: NDArray[Any], faces: int) -> float:
    """IDF1 (Ristani et al. 2016) of matched faces.

    Args:
        people: who each matched face [n] truly is.
        participants: for whom it was taken [n].
        faces: all of the truth and all that were found, matched or not.
    """
    together = pd.crosstab(people, participants).to_numpy()
    rows, columns = linear_sum_assignment(-together)
    return float(2 * together[rows, columns].sum() / faces)


@dataclass(frozen=True)
class _Analysis:
    timeline: pd.DataFrame
    cpu_s: float
    wall_s: float


def _analysed(media: Path, changes: dict[str, Any]) -> _Analysis:
    settings = Settings.load(**changes)
    with tempfile.TemporaryDirectory() as store:
        started, cpu = time.perf_counter(), time.process_time()
        plan = pipeline.plan(recording.probe(media, settings.recording), store, settings)
        pipeline.observe_missing(plan, range(len(plan.chunks)))
        resolution, records = pipeline.resolve_recording(plan)
        spent_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu
        session = pipeline.commit(plan, resolution, records, course="bench", title=None, started_s=started)
        timeline = pd.read_parquet(Path(session.folder) / "timeline.parquet").reset_index(drop=True)
    return _Analysis(timeline, cpu_s, spent_s)


def _matched(a: pd.DataFrame, b: pd.DataFrame) -> list[tuple[int, int]]:
    """Rows of both that show one face, one to one."""
    from emorec.faces.boxes import iou

    boxes = (frame[["x", "y", "w", "h"]].to_numpy(np.float32) for frame in (a, b))
    overlap = iou(*boxes)
    rows, columns = linear_sum_assignment(-overlap)
    hits = overlap[rows, columns] >= SAME_FACE_IOU
    return list(zip(a.index[rows[hits]].tolist(), b.index[columns[hits]].tolist(), strict=True))
