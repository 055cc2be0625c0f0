"""Participants of a stored session, corrected by an attendance file: who came and left when, and who has no face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from emorec.errors import InputError
from emorec.schemas import SCHEMAS
from emorec.sidecars.people import Attendee, Known, attendees, match
from emorec.sidecars.rows import Row, Stay

if TYPE_CHECKING:
    from emorec.settings.sidecars import SidecarsSettings
    from emorec.store import Session

__all__ = ["People"]


@dataclass(frozen=True)
class People:
    """The tables of a session that speak of people.

    ``account``: what session.json says of an attendance file's people: ``participants`` without a face that it brought,
    and those it ``corrected``; ``host``: the participant who hosts, where the file says it and who it is.
    """

    session: str
    timeline: pa.Table
    participants: pa.Table
    group: pa.Table
    group_windows: pa.Table
    count: int | None
    account: dict[str, list[str]] = field(default_factory=dict)
    host: str | None = None
    changed: bool = False

    @classmethod
    def of(cls, session: Session, account: Mapping[str, Any]) -> Self:
        """Those of a session; ``account``: what its session.json says of an earlier attendance file."""
        kept = {key: list(account.get(key, ())) for key in ("participants", "corrected")}
        return cls(
            session=session.id,
            timeline=session.table("timeline"),
            participants=session.table("participants"),
            group=session.table("group"),
            group_windows=session.table("group_windows"),
            count=session.metadata["counts"]["participants"],
            account=kept if any(kept.values()) else {},
        )

    def ids(self) -> list[str]:
        """Every participant."""
        ids: list[str] = self.participants["participant"].to_pylist()
        return ids

    def names(self) -> dict[str, str]:
        """Names by participant, where they are known."""
        rows = self.participants.select(["participant", "label"]).to_pylist()
        return {row["participant"]: row["label"] for row in rows if row["label"] not in {None, row["participant"]}}

    def tables(self) -> dict[str, pa.Table]:
        """What has changed, by name."""
        if not self.changed:
            return {}
        return {
            "timeline": self.timeline,
            "participants": self.participants,
            "group": self.group,
            "group_windows": self.group_windows,
        }

    def labelled(self, labels: Mapping[str, str]) -> Self:
        """With names for participants.

        Raises:
            InputError: there is no such participant.
        """
        ids = self.ids()
        for participant in labels:
            if participant not in ids:
                raise InputError(f"there is no participant {participant}; there are {', '.join(ids) or 'none'}")
        if not labels:
            return self
        known = self.participants["label"].to_pylist()
        new = [labels.get(who, label) or who for who, label in zip(ids, known, strict=True)]
        return replace(self, participants=_with(self.participants, "participants", label=new), changed=True)

    def without_attendance(self) -> Self:
        """As the recording alone shows them."""
        brought, corrected = (self.account.get(key, []) for key in ("participants", "corrected"))
        if not brought and not corrected:
            return self
        gone = pc.is_in(self.timeline["participant"], pa.array(brought, pa.string()))
        group, windows = self._present(self.timeline.filter(gone), -1)
        timeline = self.timeline.filter(pc.invert(gone))
        people = self.participants.filter(
            pc.invert(pc.is_in(self.participants["participant"], pa.array(brought, pa.string())))
        )
        who, t_s = np.array(timeline["participant"].to_pylist(), object), timeline["t"].to_numpy()
        for participant in corrected:
            own = t_s[who == participant]
            if len(own):
                people = self._seen(people, participant, float(own.min()), float(own.max()))
        return replace(
            self, timeline=timeline, participants=people, group=group, group_windows=windows,
            count=(self.count or 0) - len(brought), account={}, changed=True,
        )  # fmt: skip

    def attended(
        self, rows: Sequence[Row], duration_s: float, settings: SidecarsSettings
    ) -> tuple[Self, list[str], dict[str, str]]:
        """With what an attendance file says; also notes for a person, and names by participant as far as they are
        certain, whether or not they may be kept."""
        people = attendees([row for row in rows if isinstance(row, Stay)], duration_s)
        labels = self.names()
        known = [
            Known(row["participant"], labels.get(row["participant"], ""), row["first_seen"], row["last_seen"])
            for row in self.participants.to_pylist()
            if row["first_seen"] is not None
        ]
        matched = match(people, known, settings.edge_s)
        certain = {who: attendee.name for who, attendee in matched.faces.items()}
        table = self.participants
        for participant, attendee in matched.faces.items():
            own = next(one for one in known if one.participant == participant)
            first, last = min(own.first_s, attendee.first_s), max(own.last_s, attendee.last_s)
            table = self._seen(table, participant, first, last)
        number = max((int(who[1:]) for who in self.ids() if who[1:].isdecimal()), default=0)
        t_s = self.group["t"].to_numpy()
        new: list[pa.Table] = []
        brought: list[str] = []
        host = next((who for who, attendee in matched.faces.items() if attendee.host), None)
        for offset, (attendee, sure) in enumerate(matched.without, start=1):
            participant = f"P{number + offset:02d}"
            shown = attendee.name if sure and settings.keep_names else participant
            rows_of, row = self._without_face(participant, shown, attendee, t_s)
            new.append(rows_of)
            table = pa.concat_tables([table, row])
            brought.append(participant)
            if sure:
                certain[participant] = attendee.name
                host = host or (participant if attendee.host else None)
        added = pa.concat_tables(new) if new else self.timeline.slice(0, 0)
        group, windows = self._present(added, 1)
        notes = []
        if matched.open_faces:
            notes.append(
                f"{matched.open_faces} of {len(known)} participants with a face could not be told apart by name; "
                f"`emorec set {self.session} --label P01=Name` says who is who"
            )
        amended = replace(
            self, timeline=pa.concat_tables([self.timeline, added]), participants=table, group=group,
            group_windows=windows, count=(self.count or 0) + len(brought), host=host, changed=True,
            account={"participants": brought, "corrected": sorted(matched.faces)},
        )  # fmt: skip
        return amended, notes, {**labels, **certain}

    def _seen(self, table: pa.Table, participant: str, first_s: float, last_s: float) -> pa.Table:
        """The table of participants with other times for one; what is not seen in between is time away."""
        rows = table.to_pylist()
        for row in rows:
            if row["participant"] == participant:
                there = (row["visible_s"] or 0.0) + (row["camera_off_s"] or 0.0)
                row |= {
                    "first_seen": first_s,
                    "last_seen": last_s,
                    "absent_s": max(0.0, last_s - first_s + self._step_s() - there),
                }
        return pa.Table.from_pylist(rows, SCHEMAS["participants"])

    def _without_face(
        self, participant: str, label: str, attendee: Attendee, t_s: NDArray[np.float64]
    ) -> tuple[pa.Table, pa.Table]:
        """A participant's rows of the timeline, and of participants: presence and nothing else."""
        within = t_s[(t_s >= attendee.first_s) & (t_s <= attendee.last_s)]
        here = np.zeros(len(within), bool)
        for start, end in attendee.stays_s:
            here |= (within >= start) & (within <= end)
        n, step_s = len(within), self._step_s()
        columns: dict[str, Any] = {
            "session": [self.session] * n,
            "participant": [participant] * n,
            "t": within,
            "state": np.where(here, "camera_off", "absent").astype(object),
        }
        row = {
            "session": self.session,
            "participant": participant,
            "label": label,
            "first_seen": attendee.first_s,
            "last_seen": attendee.last_s,
            "visible_s": 0.0,
            "camera_off_s": float(here.sum() * step_s),
            "absent_s": float((~here).sum() * step_s),
        }
        return _table("timeline", n, columns), pa.Table.from_pylist([row], SCHEMAS["participants"])

    def _present(self, rows: pa.Table, sign: int) -> tuple[pa.Table, pa.Table]:
        """Group and its windows with those of these rows of the timeline counted in (1) or out (−1)."""
        there = rows.filter(pc.not_equal(rows["state"], "absent"))
        t_s = self.group["t"].to_numpy()
        if not len(there) or not len(t_s):
            return self.group, self.group_windows
        at = np.searchsorted(t_s, there["t"].to_numpy() - 1e-6)
        more = sign * np.bincount(np.minimum(at, len(t_s) - 1), minlength=len(t_s))
        group = _with(self.group, "group", present=self.group["present"].to_numpy() + more)
        edges = np.searchsorted(t_s, self.group_windows["t0"].to_numpy() - 1e-6)
        total = np.add.reduceat(more, np.minimum(edges, len(t_s) - 1)) if len(edges) else np.zeros(0)
        samples = np.diff(np.append(edges, len(t_s)))
        mean = np.where(samples > 0, total / np.maximum(samples, 1), 0.0)
        before = self.group_windows["present"].to_numpy(zero_copy_only=False).astype(np.float64)
        return group, _with(self.group_windows, "group_windows", present=before + mean)

    def _step_s(self) -> float:
        t_s = self.group["t"].to_numpy()
        return float(np.median(np.diff(t_s))) if len(t_s) > 1 else 0.0


def _with(table: pa.Table, name: str, **columns: Any) -> pa.Table:
    """The table with other values in some columns; NaN is null."""
    schema = SCHEMAS[name]
    for column, values in columns.items():
        at = schema.get_field_index(column)
        table = table.set_column(at, schema.field(at), pa.array(values, schema.field(at).type, from_pandas=True))
    return table


def _table(name: str, n: int, columns: Mapping[str, Any]) -> pa.Table:
    """A table of that name; columns that are not given are null."""
    return pa.Table.from_arrays(
        [pa.array(columns[f.name], f.type) if f.name in columns else pa.nulls(n, f.type) for f in SCHEMAS[name]],
        schema=SCHEMAS[name],
    )
