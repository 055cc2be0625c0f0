"""What is lost where eyes that look the same are not read again: how far lids and pupils would have moved.

    python -m bench.eyes_held [--people 25] [--seconds 24] [--seeds N…] [--changed-from X]

Composes calls, analyses them without emotions, and reads every pair of eyes once more without its memory, which the
analysis never sees. Nothing is timed, so other work on the machine changes nothing. How attention differs with and
without, ``bench.optimisations`` tells. Results and what they mean: docs/validity.md.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import numpy as np

from bench.meetings import Meeting, compose
from emorec import pipeline, recording
from emorec.attention import signals
from emorec.landmarks import EyeMemory, LandmarkReader
from emorec.settings import Settings
from emorec.types import Bool, Float64, Landmarks, UInt8

__all__ = ["Moved", "moved", "watching"]

SIGNALS = ("eyes_open", "gaze_x", "gaze_y")
WHAT = ("lids, widths of the eye", "pupils, across", "pupils, up")


class _Remembering(EyeMemory):
    """Knows whether it was asked, and whether it answered."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[bool] = []
        self.asked_before = False

    def recall(self, eye: int, crop: UInt8, changed_from: float) -> Float64 | None:
        """As of :class:`EyeMemory`."""
        points = super().recall(eye, crop, changed_from)
        self.answers.append(points is not None)
        return points


class Moved:
    """Of pairs of eyes that had been read before: how many, and the differences of those that were not read again."""

    def __init__(self) -> None:
        self.pairs = 0
        self.differences: list[Float64] = []

    def table(self) -> Float64:
        """Read anew less held, [n, 3]: lids, pupils across and up."""
        return np.array(self.differences, float).reshape(-1, len(SIGNALS))


@contextmanager
def watching(told: Moved) -> Iterator[None]:
    """Reads every pair of eyes twice within the block, and tells how the second reading differs from what was held."""
    read_eyes = LandmarkReader.read_eyes

    def twice(
        reader: LandmarkReader,
        rgb: UInt8,
        landmarks: Landmarks,
        wanted: Bool,
        memories: Sequence[_Remembering] | None = None,
    ) -> Landmarks:
        held = read_eyes(reader, rgb, landmarks, wanted, memories)
        rows = []
        for row, memory in enumerate(memories or ()):
            told.pairs += bool(memory.answers) and memory.asked_before
            if memory.answers and all(memory.answers):
                rows.append(row)
            memory.asked_before |= bool(memory.answers)
            memory.answers.clear()
        if rows:
            chosen = np.isin(np.arange(len(wanted)), rows)
            anew = signals(read_eyes(reader, rgb, landmarks, chosen))
            was = signals(held)
            told.differences += [
                np.array([getattr(anew, name)[row] - getattr(was, name)[row] for name in SIGNALS], float)
                for row in rows
            ]
        return held

    with (
        mock.patch("emorec.readings.EyeMemory", _Remembering),
        mock.patch.object(LandmarkReader, "read_eyes", twice),
    ):
        yield


def moved(media: Path, changed_from: float | None, told: Moved) -> None:
    """Analyse a recording, and add to what is told."""
    eyes = {} if changed_from is None else {"eyes_changed_from": changed_from}
    settings = Settings.load(landmarks=eyes, privacy={"emotions": False})
    with tempfile.TemporaryDirectory() as store, watching(told):
        plan = pipeline.plan(recording.probe(media, settings.recording), store, settings)
        pipeline.observe_missing(plan, range(len(plan.chunks)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=25)
    parser.add_argument("--seconds", type=float, default=24)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2], metavar="N")
    parser.add_argument("--changed-from", type=float)
    arguments = parser.parse_args()
    size_px = (1920, 1080) if arguments.people > 9 else (1280, 720)
    told = Moved()
    with tempfile.TemporaryDirectory() as folder:
        for seed in arguments.seeds:
            meeting = Meeting(arguments.people, size_px, arguments.seconds, seed)
            moved(compose(meeting, Path(folder)), arguments.changed_from, told)
    table = np.abs(told.table())
    print(
        f"{told.pairs:,} readings of pairs of eyes after the first, {len(table) / max(1, told.pairs):.1%} look the same"
    )
    for name, column in zip(WHAT, table[np.isfinite(table).all(axis=1)].T, strict=True):
        root, high = np.sqrt((column**2).mean()), np.quantile(column, 0.99)
        print(f"  {name}: {root:.3f} (root mean square), 99 % below {high:.3f}, most {column.max():.3f}")


if __name__ == "__main__":
    main()
