"""A day of a university, simulated: how long reports take with so many workers, at the costs that were measured.

    python -m bench.scale [--costs PAGE] [--lectures 500] [--days 5] [--workers N…] [--seed N]

Lectures end at the full hour, and their recordings arrive some minutes later. Each waits for a free worker in the order
of arrival. A worker is one process on one core; a recording costs CPU seconds per minute of it, by people and
resolution, and some more whatever its length. Both are read from a page of ``make bench``, by default the latest in
bench/results/.
"""

from __future__ import annotations

import argparse
import heapq
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.pages import latest_page, table

__all__ = ["Costs", "Day", "simulate"]


@dataclass(frozen=True)
class Kind:
    """A kind of recording: the beginning of its name on a page of results, its share of all lectures, its size."""

    name: str
    share: float
    gb_per_hour: float


# Shares and sizes are assumptions.
KINDS = (
    Kind("1-people-720p", 0.55, 0.3),
    Kind("9-people-720p", 0.25, 0.4),
    Kind("25-people-1080p", 0.15, 0.9),
    Kind("49-people-1080p", 0.05, 1.1),
)


@dataclass(frozen=True)
class Costs:
    """CPU seconds: of each of ``KINDS`` per minute of it, and of a recording's start-up, identities, tables and report,
    whatever its length."""

    per_min_s: tuple[float, ...]
    per_recording_s: float

    @classmethod
    def read(cls, page: Path) -> Costs:
        """What a page of ``make bench`` says of the composed recordings.

        Raises:
            ValueError: it lacks one of them.
        """
        text = page.read_text("utf-8")
        wholes = {row["recording"]: row for row in table(text, "Speed")}
        observing = {row["recording"]: float(row["observe"].split("/")[0]) for row in table(text, "Stages")}
        names = [next((name for name in observing if name.startswith(f"{kind.name}-")), None) for kind in KINDS]
        missing = [kind.name for kind, name in zip(KINDS, names, strict=True) if name is None]
        if missing:
            raise ValueError(f"{page}: nothing of {', '.join(missing)}")
        once = [
            float(wholes[name]["CPU s"]) - observing[name] * float(wholes[name]["s"]) / 60
            for name in names
            if name is not None
        ]
        return cls(tuple(observing[name] for name in names if name is not None), float(np.mean(once)))


LENGTHS_MIN = (50, 50, 50, 80, 110)
HOURS = range(9, 20)
"""When lectures end, o'clock; the day's middle has twice as many as its ends."""
UPLOAD_MIN = (5, 40)
"""From a lecture's end until its recording is there."""


@dataclass(frozen=True)
class Day:
    """What came of it: hours from arrival to report, by recording; how busy the workers were; CPU hours per day."""

    hours_to_report: np.ndarray
    busy: float
    cpu_hours: float
    longest_queue: int
    done_by_morning: float


def simulate(costs: Costs, lectures: int, workers: int, days: int, seed: int) -> Day:
    """Let so many workers take what arrives in the order of arrival.

    Args:
        costs: of the recordings.
        lectures: a day.
        workers: processes, each on a core of its own.
        days: of teaching, one after another; what is left of one is done in the next.
        seed: of all chance.
    """
    rng = random.Random(seed)
    jobs = sorted(_arrivals(costs, lectures, days, rng))
    free_h = [0.0] * workers
    waits, work_h, starts = [], 0.0, []
    late = 0
    for arrival_h, cost_h in jobs:
        start = max(arrival_h, heapq.heappop(free_h))
        heapq.heappush(free_h, start + cost_h)
        waits.append(start + cost_h - arrival_h)
        starts.append(start)
        work_h += cost_h
        # The report is there when the next teaching day begins.
        late += start + cost_h > 24 * (arrival_h // 24 + 1) + 8
    arrivals = np.array([arrival for arrival, _ in jobs])
    queue = max(int((arrivals <= at).sum() - (np.array(starts) <= at).sum()) for at in arrivals)
    return Day(np.array(waits), work_h / (workers * 24 * days), work_h / days, queue, 1 - late / len(jobs))


def _arrivals(costs: Costs, lectures: int, days: int, rng: random.Random) -> list[tuple[float, float]]:
    """When each recording arrives, h, and how long a core works on it, h."""
    middle = (HOURS[0] + HOURS[-1]) / 2
    weights = [2 - abs(hour - middle) / (middle - HOURS[0]) for hour in HOURS]
    jobs = []
    for day in range(days):
        for _ in range(lectures):
            per_min_s = rng.choices(costs.per_min_s, [kind.share for kind in KINDS])[0]
            hour = rng.choices(HOURS, weights)[0]
            cost_s = rng.choice(LENGTHS_MIN) * per_min_s * rng.uniform(0.8, 1.25) + costs.per_recording_s
            jobs.append((24 * day + hour + rng.uniform(*UPLOAD_MIN) / 60, cost_s / 3600))
    return jobs


def report(costs: Costs, lectures: int, days: int, workers: Sequence[int], seed: int) -> str:
    """A table, a row per number of workers."""
    size_gb = lectures * sum(kind.share * kind.gb_per_hour for kind in KINDS) * float(np.mean(LENGTHS_MIN)) / 60
    told = ", ".join(f"{kind.name} {cost:g}" for kind, cost in zip(KINDS, costs.per_min_s, strict=True))
    lines = [
        f"CPU s per minute: {told}; per recording {costs.per_recording_s:.1f}. {lectures} lectures a day (some "
        f"{size_gb:.0f} GB), {days} days, seed {seed}:",
        "",
        "| workers (cores) | CPU h a day | busy | median h to report | 95 % within h | longest queue | by 8 next day |",
        "|---" * 7 + "|",
    ]
    for number in workers:
        day = simulate(costs, lectures, number, days, seed)
        lines.append(
            f"| {number} | {day.cpu_hours:.1f} | {day.busy:.0%} | {np.median(day.hours_to_report):.1f} "
            f"| {np.quantile(day.hours_to_report, 0.95):.1f} | {day.longest_queue} | {day.done_by_morning:.1%} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--costs", type=Path, default=latest_page("analyze-cpu"), metavar="PAGE")
    parser.add_argument("--lectures", type=int, default=500)
    parser.add_argument("--days", type=int, default=5)
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 4, 6, 8, 10, 12, 16, 24])
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    print(report(Costs.read(args.costs), args.lectures, args.days, args.workers, args.seed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
