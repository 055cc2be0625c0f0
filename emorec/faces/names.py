"""From labels read here and there to a name per participant: votes over time, and a roster that corrects spelling."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from emorec.errors import InputError
from emorec.types import Float64, Identities, Int64, Observations

__all__ = ["Names", "name_people", "read_roster"]

SAME_TEXT = 0.8
"""Two readings of which so large a share of letters agrees are of one label."""
SAME_NAME, CLEAR_MARGIN = 0.72, 0.06
"""A reading is an entry of the roster if they agree so far, and with the next entry clearly less."""
LEAST_SHARE = 0.5
"""Share of the votes on a participant that their name must have."""
JOINED_VOTES, JOINED_SHARE = 2.0, 0.7
"""Votes, and share of them, by which each of two participants must have a name to be one person for it."""
TITLES = ("name", "full name", "full_name", "participant", "student", "label", "nombre", "nombre completo", "alumno")
PARTS = (
    ("first_name", "last_name"),
    ("first name", "last name"),
    ("given name", "family name"),
    ("nombre", "apellidos"),
)


@dataclass(frozen=True)
class Names:
    """``identities``: with participants that one name joined; ``label`` per participant, "" where nothing was read;
    ``of_tile``: the participant that the label of a tile without a face names, by tile."""

    identities: Identities
    label: tuple[str, ...]
    of_tile: dict[int, int]


def read_roster(path: Path) -> tuple[str, ...]:
    """The names of a CSV file: of its column of names, of its columns of first and last names, or of its first column.

    Raises:
        InputError: the file cannot be read, or holds no name.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        text = path.read_text(encoding="cp1252")
    except OSError as error:
        raise InputError(f"{path}: the roster cannot be read ({error.strerror}); give a CSV file of names") from error
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    rows = [row for row in csv.reader(text.splitlines(), delimiter=delimiter) if any(cell.strip() for cell in row)]
    heads = [cell.strip().lower() for cell in rows[0]] if rows else []
    columns, body = [0], rows
    for pair in PARTS:
        if set(pair) <= set(heads):
            columns, body = [heads.index(part) for part in pair], rows[1:]
            break
    else:
        titled = [heads.index(title) for title in TITLES if title in heads]
        if titled:
            columns, body = titled[:1], rows[1:]
    joined = (" ".join(row[k].strip() for k in columns if k < len(row)) for row in body)
    names = tuple(dict.fromkeys(name for name in joined if name.strip()))
    if not names:
        raise InputError(f"{path}: no name is in the roster; give a CSV file with a column `name`")
    return names


def name_people(observations: Observations, identities: Identities, roster: Sequence[str] = ()) -> Names:
    """Give participants the name that the labels of their tiles say, each name to one of them.

    Two participants who were never seen together, and whose labels clearly say the same, are one.

    Args:
        observations: of the whole recording, labels read.
        identities: its participants.
        roster: names as they are spelled; without it, as they were read most often.
    """
    voter, text, of_row, rows = _readings(observations, identities)
    spelled, name = _spellings(text, roster)
    votes = np.zeros((identities.people, len(spelled)))
    seen = voter >= 0
    np.add.at(votes, (voter[seen], name[seen]), 1.0)
    identities, votes = _joined(observations, identities, votes)
    label = [""] * identities.people
    owner: dict[int, int] = {}
    share = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1)
    worth = np.where(share >= LEAST_SHARE, votes * share, 0.0)
    for person, choice in zip(*linear_sum_assignment(-worth), strict=True):
        if worth[person, choice] > 0:
            label[int(person)], owner[int(choice)] = spelled[int(choice)], int(person)
    of_tile = {
        int(observations.tiles.tile[rows[k]]): owner[int(name[k])]
        for k in range(len(rows))
        if voter[k] < 0 and not of_row[k] and int(name[k]) in owner
    }
    return Names(identities, tuple(label), of_tile)


def _readings(observations: Observations, identities: Identities) -> tuple[Int64, list[str], Int64, Int64]:
    """Each label read: the participant in its tile at that time (the larger of several; −1: nobody), its text, how many
    faces the tile had, and its row of Tiles."""
    tiles, faces, samples = observations.tiles, observations.faces, observations.samples
    rows = np.flatnonzero(tiles.plate != "")
    person, row = identities.of_faces(faces), samples.rows_at(faces.t_s)
    of_tile: dict[tuple[int, int], list[int]] = {}
    for k in np.flatnonzero(faces.tile >= 0).tolist():
        of_tile.setdefault((int(row[k]), int(faces.tile[k])), []).append(k)
    voter, count = np.full(len(rows), -1, np.int64), np.zeros(len(rows), np.int64)
    at = samples.rows_at(tiles.t_s[rows])
    for n, k in enumerate(rows.tolist()):
        inside = of_tile.get((int(at[n]), int(tiles.tile[k])), [])
        count[n] = len(inside)
        known = [face for face in inside if person[face] >= 0]
        if known:
            voter[n] = person[max(known, key=lambda face: float(faces.box_px[face, 2]))]
    return voter, [_cleaned(str(tiles.plate[k])) for k in rows], count, rows


def _spellings(texts: Sequence[str], roster: Sequence[str]) -> tuple[list[str], Int64]:
    """Names, and for each text the number of its name."""
    counts: dict[str, int] = {}
    for text in texts:
        counts[text] = counts.get(text, 0) + 1
    spelled: list[str] = []
    number: dict[str, int] = {}
    # Of readings seen as often the one of fewer parts: a gap is seen in a name more often than overlooked.
    for text in sorted(counts, key=lambda one: (-counts[one], len(one.split()), one)):
        entry = _entry(text, roster)
        likeness = [_likeness(text, other) for other in spelled]
        if entry is not None:
            if entry not in spelled:
                spelled.append(entry)
            number[text] = spelled.index(entry)
        elif likeness and max(likeness) >= SAME_TEXT:
            number[text] = int(np.argmax(likeness))
        else:
            number[text] = len(spelled)
            spelled.append(text)
    return spelled, np.array([number[text] for text in texts], np.int64)


def _entry(text: str, roster: Sequence[str]) -> str | None:
    """The entry of the roster that a text is a reading of; None where that is not clear."""
    if not roster:
        return None
    likeness = np.array([_likeness(text, entry) for entry in roster])
    best = int(likeness.argmax())
    next_best = float(np.delete(likeness, best).max(initial=0.0))
    clear = likeness[best] == 1.0 or likeness[best] - next_best >= CLEAR_MARGIN
    return roster[best] if likeness[best] >= SAME_NAME and clear else None


def _likeness(text: str, name: str) -> float:
    """How far two names agree, 0–1, whatever their accents and the order of their parts; a cut one by what is there."""
    a, b = _folded(text), _folded(name)
    if not a or not b:
        return 0.0
    # "Ana" and "Mariana Sol…" are what some apps leave of a name.
    shorter, longer = sorted((a, b), key=len)
    if len(shorter) >= 3 and (longer.startswith(shorter + " ") or (text.endswith("…") and longer.startswith(shorter))):
        return 0.95
    ordered = SequenceMatcher(None, " ".join(sorted(a.split())), " ".join(sorted(b.split())), autojunk=False).ratio()
    return max(SequenceMatcher(None, a, b, autojunk=False).ratio(), ordered)


def _folded(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).casefold()
    return " ".join(re.sub(r"[^\w\s]|_", " ", "".join(c for c in plain if not unicodedata.combining(c))).split())


def _cleaned(text: str) -> str:
    """A label without what apps add to the name: "(Host)", "(You)", an icon read as a sign."""
    text = re.sub(r"\s*[(\[（].*$", "", text)
    text = re.sub(r"\.{2,}$", "…", text)
    text = re.sub(r"(?<=\w\w)\.$", "", text)
    return re.sub(r"^[^\w]+|[^\w.…]+$", "", text).strip()


def _joined(observations: Observations, identities: Identities, votes: Float64) -> tuple[Identities, Float64]:
    """Identities and votes with those made one who bear one name and were never seen together."""
    n, total = len(votes), votes.sum(axis=1)
    if not votes.size:
        return identities, votes
    best = votes.argmax(axis=1)
    sure = (votes.max(axis=1) >= JOINED_VOTES) & (votes.max(axis=1) >= JOINED_SHARE * np.maximum(total, 1))
    seen = np.zeros((n, len(observations.samples)), bool)
    person, row = identities.of_faces(observations.faces), observations.samples.rows_at(observations.faces.t_s)
    seen[person[person >= 0], row[person >= 0]] = True
    target = np.arange(n)
    for name in np.unique(best[sure]):
        group = np.flatnonzero(sure & (best == name)).tolist()
        for k in group[1:]:
            first = int(target[group[0]])
            if not (seen[first] & seen[k]).any():
                target[k] = first
                seen[first] |= seen[k]
    kept, number = np.unique(target, return_inverse=True)
    merged = np.zeros((len(kept), votes.shape[1]))
    np.add.at(merged, number, votes)
    participant = np.where(identities.participant >= 0, number[identities.participant], -1).astype(np.int32)
    return replace(identities, participant=participant), merged
