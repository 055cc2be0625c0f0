"""Who of a file is which participant, and who is there without a face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from emorec.sidecars.rows import Stay
from emorec.sidecars.text import name_key, names_alike

__all__ = ["Attendee", "Known", "attendees", "match", "participant_of"]

HOST_ROLES = ("organi", "host", "présentateur", "gastgeber", "anfitri", "veranstalter")


@dataclass(frozen=True, slots=True)
class Known:
    """A participant whose face was seen: from ``first_s`` to ``last_s``; ``label`` is "" where no name is known."""

    participant: str
    label: str
    first_s: float
    last_s: float


@dataclass(frozen=True)
class Attendee:
    """Somebody of an attendance file, with all their stays [n, 2] s."""

    name: str
    stays_s: tuple[tuple[float, float], ...]
    host: bool

    @property
    def first_s(self) -> float:
        """When they came."""
        return self.stays_s[0][0]

    @property
    def last_s(self) -> float:
        """When they left for good."""
        return max(end for _, end in self.stays_s)


@dataclass(frozen=True)
class Matched:
    """``faces``: who a participant with a face certainly is; ``without``: attendees without a face, by when
    they came, and whether that is certain of this very person; ``open_faces``: how many participants with a face could
    not be told apart by name."""

    faces: dict[str, Attendee] = field(default_factory=dict)
    without: list[tuple[Attendee, bool]] = field(default_factory=list)
    open_faces: int = 0


def attendees(stays: Sequence[Stay], duration_s: float) -> list[Attendee]:
    """The people of an attendance file, each once, by when they came."""
    by_name: dict[tuple[str, ...], list[Stay]] = {}
    for stay in stays:
        by_name.setdefault(name_key(stay.name) or (stay.name,), []).append(stay)
    found = []
    for own in by_name.values():
        times = sorted((stay.t0_s or 0.0, duration_s if stay.t1_s is None else stay.t1_s) for stay in own)
        host = any(stay.role.casefold().startswith(HOST_ROLES) or "(host" in stay.name.casefold() for stay in own)
        found.append(Attendee(own[0].name.strip(), tuple(times), host))
    return sorted(found, key=lambda who: (who.first_s, who.name))


def match(people: Sequence[Attendee], known: Sequence[Known], edge_s: float) -> Matched:
    """Tell attendees and participants with a face together: by name where both are known; the other faces belong to
    those of the other attendees whose stays agree best with when they were seen, so that the rest are without a face.

    Args:
        edge_s: how far a face may be seen before somebody came or after they left, s.
    """
    matched = Matched()
    left = list(people)
    open_faces: list[Known] = []
    for one in known:
        same = [who for who in left if one.label and names_alike(one.label, who.name)]
        if len(same) == 1:
            matched.faces[one.participant] = same[0]
            left.remove(same[0])
        else:
            open_faces.append(one)
    taken: set[int] = set()
    if open_faces and left:
        from scipy.optimize import linear_sum_assignment

        cost = np.array([[_disagreement(one, who) for who in left] for one in open_faces])
        _, columns = linear_sum_assignment(cost)
        taken = {int(column) for column in columns}
    for index, who in enumerate(left):
        if index not in taken:
            possible = any(_disagreement(one, who) <= edge_s for one in open_faces)
            matched.without.append((who, not possible))
    return Matched(matched.faces, matched.without, min(len(open_faces), len(left)))


def participant_of(name: str, labels: dict[str, str]) -> str | None:
    """The participant that a name means, among participants by label; None where none or several fit."""
    found = [participant for participant, label in labels.items() if names_alike(name, label)]
    return found[0] if len(found) == 1 else None


def _disagreement(one: Known, who: Attendee) -> float:
    """For how long a face was seen before they came and after they left, s; a smaller part: how much later it came."""
    outside = max(0.0, who.first_s - one.first_s) + max(0.0, one.last_s - who.last_s)
    unseen = max(0.0, one.first_s - who.first_s) + max(0.0, who.last_s - one.last_s)
    return outside + 1e-3 * unseen
