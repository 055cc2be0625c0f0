"""The votes of FER+: a table beside FER2013's pictures (Barsoum et al. 2016, arXiv 1608.01041), joined by row."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from model.errors import ModelError

VOTES_FILE: Final = "ferplus.csv"
VOTE_COLUMNS: Final = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
"""FER+'s names of the classes, in the order of CLASSES; contempt and unknown have no class here."""

OTHER_COLUMNS: Final = ("contempt", "unknown", "nf")
"""What else a vote may be for; nf: not a face."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Ballot:
    """The votes of a row, those for the classes first, and what the table says of its split, if it says anything."""

    counts: tuple[int, ...]
    usage: str


def read_ballots(table: bytes) -> dict[int, Ballot]:
    """Read the table. Raises ModelError where columns are missing or are no numbers."""
    columns = (*VOTE_COLUMNS, *OTHER_COLUMNS)
    try:
        rows = csv.DictReader(io.StringIO(table.decode("utf-8-sig")))
        ballots = {
            int(row["row"]): Ballot(tuple(int(row[c]) for c in columns), (row.get("usage") or "").strip())
            for row in rows
        }
    except (KeyError, TypeError, ValueError) as error:
        needed = ", ".join(("row", *columns))
        raise ModelError(f"{VOTES_FILE}: needs the columns {needed}, with whole numbers ({error!r})") from error
    if not ballots:
        raise ModelError(f"{VOTES_FILE}: has no row, or cannot be read; mend it or remove it")
    return ballots


def join(rows: Sequence[int | None], ballots: Mapping[int, Ballot]) -> tuple[Floats, Floats, Floats]:
    """Return the votes for the classes [n, 7], for anything else [n], and the share of those that see no face [n].

    rows: row numbers of pictures, None where they have none. A single vote counts as a slip, as in FER+'s own code, and
    is left out of the first two.
    """
    votes = np.zeros((len(rows), len(VOTE_COLUMNS)), np.float32)
    other_votes, not_a_face = np.zeros((2, len(rows)), np.float32)
    for i, row in enumerate(rows):
        ballot = ballots.get(row) if row is not None else None
        if ballot is not None:
            said = np.array(ballot.counts)
            counts = np.where(said > 1, said, 0)
            votes[i], other_votes[i] = counts[: len(VOTE_COLUMNS)], counts[len(VOTE_COLUMNS) :].sum()
            not_a_face[i] = said[-1] / max(said.sum(), 1)
    return votes, other_votes, not_a_face
