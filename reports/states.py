"""Participants of a session as arrays: their names, when they were in which state, the windows that can be judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from emorec.types import STATES
from reports.facts import Facts
from reports.series import Bins, bins_for, runs

if TYPE_CHECKING:
    import pandas as pd

    from emorec.store import Session

__all__ = ["MOST_RUNS", "judged", "names_of", "states_of"]

MOST_RUNS: Final = 3000
"""Bars of the attendance chart that a browser draws at once without a pause."""
FINEST: Final = 480
COARSEST: Final = 30
"""Bins of the attendance chart, and those when faces come and go all the time."""
LEAST_COVERAGE: Final = 0.5
"""A window with a face for less than this share of it says too little, as for levels."""


def names_of(session: Session) -> list[str]:
    """The participants, by first appearance."""
    return [str(name) for name in session.participants["participant"]]


def judged(session: Session) -> pd.DataFrame:
    """The windows in which a face was seen for long enough to say something of them."""
    frame = session.windows
    return frame[frame["coverage"] >= LEAST_COVERAGE]


def states_of(session: Session, names: list[str], facts: Facts) -> tuple[NDArray[np.int64], Bins]:
    """The most frequent state of each participant and bin, [participants, count]; −1 before and after they were seen.

    Bins are as fine as :data:`MOST_RUNS` allows.
    """
    frame: pd.DataFrame = session.timeline
    rows = frame["participant"].map({name: i for i, name in enumerate(names)}).to_numpy()
    codes = frame["state"].map({state: i for i, state in enumerate(STATES)}).to_numpy()
    t_s = frame["t"].to_numpy(float)
    for most in (FINEST, FINEST // 2, FINEST // 4, COARSEST):
        bins = bins_for(facts.duration_s, most)
        flat = (rows * bins.count + bins.index(t_s)) * len(STATES) + codes
        counts = np.bincount(flat.astype(np.int64), minlength=len(names) * bins.count * len(STATES))
        counts = counts.reshape(len(names), bins.count, len(STATES))
        coded = np.where(counts.sum(axis=2) > 0, counts.argmax(axis=2), -1)
        if sum(len(runs(row)) for row in coded) <= MOST_RUNS:
            break
    return coded.astype(np.int64), bins
