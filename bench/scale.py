"""A day of a university, simulated: how long reports take with so many workers, at the costs that were measured.

    python -m bench.scale [--lectures 500] [--days 5] [--workers N…] [--seed N]

Lectures end at the full hour, and their recordings arrive some minutes later. Each waits for a free worker in the order
of arrival. A worker is one process on one core; a recording costs CPU seconds per minute of it, by people
and resolution, as measured by ``make bench`` (docs/scale.md).
"""

from __future__ import annotations

import argparse
import heapq
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Day", "Kind", "simulate"]


@dataclass(frozen=True)
class Kind:
    """A kind of recording: its share of all, CPU seconds per minute, memory of a worker, size."""

    name: str
    share: float
    cpu_s_per_min: float
    peak_mb: float
    gb_per_hour: float


# CPU seconds and memory: docs/scale.md says which are measured. Shares and sizes are assumptions.
KINDS = (
    Kind("one speaker, 720p", 0.55, 3.7, 360, 0.3),
    Kind("9 people, 720p", 0.25, 9.3, 380, 0.4),
    Kind("25 people, 1080p", 0.15, 17.3, 450, 0.9),
    Kind("49 people, 1080p", 0.05, 27.8, 450, 1.1),
)
PER_RECORDING_S = 2.5
"""CPU seconds of start-up, identities, tables and report, whatever the length."""
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


def simulate(lectures: int, workers: int, days: int, seed: int) -> Day:
    """Let so many workers take what arrives in the order of arrival.

    Args:
        lectures: a day.
        workers: processes, each on a core of its own.
        days: of teaching, one after another; what is left of one is done in the next.
        seed: of all chance.
    """
    rng = random.Random(seed)
    jobs = sorted(_arrivals(lectures, days, rng))
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


def _arrivals(lectures: int, days: int, rng: random.Random) -> list[tuple[float, float]]:
    """When each recording arrives, h, and how long a core works on it, h."""
    middle = (HOURS[0] + HOURS[-1]) / 2
    weights = [2 - abs(hour - middle) / (middle - HOURS[0]) for hour in HOURS]
    jobs = []
    for day in range(days):
        for _ in range(lectures):
            kind = rng.choices(KINDS, [k.share for k in KINDS])[0]
            hour = rng.choices(HOURS, weights)[0]
            cost_s = rng.choice(LENGTHS_MIN) * kind.cpu_s_per_min * rng.uniform(0.8, 1.25) + PER_RECORDING_S
            jobs.append((24 * day + hour + rng.uniform(*UPLOAD_MIN) / 60, cost_s / 3600))
    return jobs


def report(lectures: int, days: int, workers: Sequence[int], seed: int) -> str:
    """A table, a row per number of workers."""
    lines = [
        f"{lectures} lectures a day, {days} days, seed {seed}:",
        "",
        "| workers (cores) | CPU h a day | busy | median h to report | 95 % within h | longest queue | by 8 next day |",
        "|---" * 7 + "|",
    ]
    for number in workers:
        day = simulate(lectures, number, days, seed)
        lines.append(
            f"| {number} | {day.cpu_hours:.1f} | {day.busy:.0%} | {np.median(day.hours_to_report):.1f} "
            f"| {np.quantile(day.hours_to_report, 0.95):.1f} | {day.longest_queue} | {day.done_by_morning:.1%} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lectures", type=int, default=500)
    parser.add_argument("--days", type=int, default=5)
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 4, 8, 12, 16, 32])
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    print(report(args.lectures, args.days, args.workers, args.seed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
