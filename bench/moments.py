"""How often chance alone makes a moment, and how often one that is there is found.

    python -m bench.moments [--sessions N] [--minutes M] [--people P] [--timeline FOLDER…] [--strangers FOLDER…]

Flat sessions: everybody's attention and smiles wander by themselves, slowly, around their own mean. Shuffled sessions:
the tables of real sessions, each participant shifted in a circle by a time of their own. Strangers: participants of
several sessions, who never shared anything, drawn into groups; each one's own course is repeated for as long as the
session lasts. Where folders are given, these alone are measured; else also sessions in which so many drop together by
so much for half a minute. Results and what they mean: docs/validity.md.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from emorec.analysis import find_moments, windows
from emorec.analysis.windows import grid
from emorec.settings import Settings
from emorec.types import EMOTIONS, STATES, Float32, Float64, Samples, Timeline

Floats = NDArray[np.floating]
STEP_S = 0.5
MEMORY_S = 15.0
"""How long a departure from one's mean lasts, s."""
DROP_S = 30.0
HAPPY, NEUTRAL = EMOTIONS.index("happy"), EMOTIONS.index("neutral")


def wandering(rng: np.random.Generator, people: int, n: int) -> Floats:
    """Noise [people, n] of mean 0 and deviation 1 that forgets itself over MEMORY_S."""
    kept = np.exp(-STEP_S / MEMORY_S)
    steps = rng.normal(size=(people, 3 * n))
    return np.asarray(lfilter([np.sqrt(1 - kept**2)], [1, -kept], steps, axis=1)[:, -n:])


def flat(rng: np.random.Generator, people: int, n: int) -> tuple[Floats, Floats]:
    """Attention and probabilities of happy [people, n] of people who share nothing."""
    mean = rng.uniform(0.5, 0.9, (people, 1))
    attention = np.clip(mean + 0.2 * wandering(rng, people, n), 0, 1)
    happy = np.clip(0.9 / (1 + np.exp(-3 * (wandering(rng, people, n) - 1.5))), 0, 1)
    return attention, happy


def session(attention: Floats, happy: Floats) -> tuple[Timeline, Samples]:
    """The timeline of people who are visible wherever something of them is known."""
    people, n = attention.shape
    t_s: Float64 = np.arange(n, dtype=np.float64) * STEP_S
    emotions = np.full((people * n, len(EMOTIONS)), 0.0, np.float32)
    emotions[:, HAPPY], emotions[:, NEUTRAL] = happy.ravel(), 1 - happy.ravel()
    rest = np.full(people * n, 0.27, np.float32)
    no, yes = np.zeros(n, bool), np.ones(n, bool)
    seen = (np.isfinite(attention) | np.isfinite(happy)).ravel()
    return Timeline(
        np.repeat(np.arange(people), n).astype(np.int32),
        np.tile(np.arange(n), people).astype(np.int32),
        np.tile(t_s, people),
        np.where(seen, STATES.index("visible"), STATES.index("camera_off")).astype(np.int8),
        np.where(seen, np.arange(people * n), -1).astype(np.int32),
        emotions,
        rest,
        0 * rest,
        attention.ravel().astype(np.float32),
    ), Samples(t_s, no, np.zeros(n, np.float32), no, yes, np.full(n, -1, np.int32))


def found(attention: Floats, happy: Floats) -> list[tuple[str, float, float]]:
    """Kind, start and end of every moment."""
    settings = Settings.load().analysis
    timeline, samples = session(attention, happy)
    cells = grid(samples, len(samples) * STEP_S, settings.window_s)
    drowsy: Float32 = np.full(len(timeline), np.nan, np.float32)
    rows = windows(timeline, cells, drowsy, settings)
    return [(m.kind, m.t0_s, m.t1_s) for m in find_moments(timeline, samples, rows, cells, settings.moments)]


def rate(name: str, sessions: Sequence[tuple[Floats, Floats]]) -> None:
    """Print how many of some sessions have a moment, and of which kinds."""
    each = [found(*values) for values in sessions]
    kinds = Counter(kind for moments in each for kind, _, _ in moments)
    hours = sum(attention.shape[1] for attention, _ in sessions) * STEP_S / 3600
    print(
        f"{name}: {len(each)} sessions, {hours:.1f} h: {sum(map(len, each))} moments "
        f"({sum(map(len, each)) / hours:.2f} an hour), {sum(map(bool, each)) / len(each):.1%} of sessions have one; "
        f"{dict(kinds)}",
        flush=True,
    )


def power(rng: np.random.Generator, people: int, n: int, sessions: int) -> None:
    """Print how often a drop that is there is found."""
    for share in (0.25, 0.5, 1.0):
        for depth in (0.2, 0.4):
            hits = extra = 0
            for _ in range(sessions):
                attention, happy = flat(rng, people, n)
                first = int(rng.integers(n // 4, 3 * n // 4))
                dropped = rng.permutation(people)[: round(share * people)]
                attention[dropped, first : first + round(DROP_S / STEP_S)] -= depth
                moments = found(np.clip(attention, 0, 1), happy)
                near = [
                    kind.endswith("_drop") and t0 < first * STEP_S + DROP_S and t1 > first * STEP_S
                    for kind, t0, t1 in moments
                ]
                hits += any(near)
                extra += len(moments) - sum(near)
            print(f"drop of {depth:g} by {share:.0%}: found in {hits / sessions:.0%}, {extra} others", flush=True)


def courses(folder: Path) -> tuple[Floats, Floats]:
    """Attention and probabilities of happy [people, n] of a real session's participants, NaN where not seen."""
    import pandas as pd

    timeline = pd.read_parquet(folder / "timeline.parquet")
    step = (timeline.t / STEP_S).round().astype(int)
    index = range(int(step.max()) + 1)
    attention, happy = (
        timeline.assign(step=step).pivot_table(name, "participant", "step", dropna=False).reindex(columns=index)
        for name in ("attention", "happy")
    )
    return attention.to_numpy(float), happy.reindex(attention.index).to_numpy(float)


def shuffled(folder: Path, rng: np.random.Generator, times: int) -> list[tuple[Floats, Floats]]:
    """A real session's signals, each participant's shifted in a circle, so many times."""
    tables = courses(folder)
    made = []
    for _ in range(times):
        shifts = rng.integers(0, tables[0].shape[1], len(tables[0]))
        both = [np.stack([np.roll(row, shift) for row, shift in zip(table, shifts, strict=True)]) for table in tables]
        made.append((both[0], both[1]))
    return made


def strangers(
    folders: Sequence[Path], rng: np.random.Generator, people: int, n: int, times: int
) -> list[tuple[Floats, Floats]]:
    """Groups of people of different sessions, one of each, so many times: each one's course begins at a random time,
    and begins anew where it ends."""
    known = []
    for folder in folders:
        attention, happy = courses(folder)
        # Of several participants the one who is seen most.
        most = int(np.isfinite(attention).sum(axis=1).argmax())
        known.append((attention[most], happy[most]))
    made = []
    for _ in range(times):
        chosen = rng.permutation(len(known))[:people]
        index = [(rng.integers(len(known[who][0])) + np.arange(n)) % len(known[who][0]) for who in chosen]
        both = [np.stack([known[who][k][at] for who, at in zip(chosen, index, strict=True)]) for k in range(2)]
        made.append((both[0], both[1]))
    return made


def main() -> None:
    """Print all rates."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--people", type=int, default=8)
    parser.add_argument("--timeline", type=Path, nargs="*", default=[], help="folders of real sessions to shuffle")
    parser.add_argument("--strangers", type=Path, nargs="*", default=[], help="folders of sessions to draw people from")
    arguments = parser.parse_args()
    rng = np.random.default_rng(7)
    n = round(60 * arguments.minutes / STEP_S)
    for folder in arguments.timeline:
        rate(f"shuffled {folder.name}", shuffled(folder, rng, arguments.sessions))
    if arguments.strangers:
        groups = strangers(arguments.strangers, rng, arguments.people, n, arguments.sessions)
        rate(f"strangers of {len(arguments.strangers)} sessions", groups)
    if not arguments.timeline and not arguments.strangers:
        rate("flat", [flat(rng, arguments.people, n) for _ in range(arguments.sessions)])
        power(rng, arguments.people, n, max(1, arguments.sessions // 10))


if __name__ == "__main__":
    main()
