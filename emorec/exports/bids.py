"""A BIDS dataset: a subject per participant and one for the group, events with onset and duration, described in JSON.

Source: Brain Imaging Data Structure 1.10, behavioural data and task events.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from emorec.exports.stretches import chapter_title, levels, states
from emorec.schemas import SCHEMAS

if TYPE_CHECKING:
    from emorec.store import Session

__all__ = ["write_bids"]

BIDS_VERSION: Final = "1.10.0"
GROUP: Final = "group"
TASK: Final = "meeting"
MISSING: Final = "n/a"
COLUMNS: Final = ("onset", "duration", "trial_type", "value")
TYPES: Final = {
    "state": "whether the participant is visible, camera_off or absent",
    "level": "level of engagement: low, medium or high",
    "speech": "something said; the value has the number of words",
    "chat": "a chat message; the value has the number of characters",
    "moment": "a stretch in which the group did something that chance does not explain; the value is its kind",
    "chapter": "a part of the recording; the value is its title or number",
}
PEOPLE: Final = ("first_seen", "last_seen", "visible_s", "camera_off_s", "absent_s", "attention", "engagement")

Event = tuple[float, float, str, str]


def write_bids(session: Session, folder: Path) -> list[Path]:
    """The dataset; what was said and names stay in the session."""
    about = session.metadata
    _json(
        folder / "dataset_description.json",
        {
            "Name": about["title"],
            "BIDSVersion": BIDS_VERSION,
            "DatasetType": "raw",
            "License": "n/a",
            "Authors": ["emorec", "whoever made the recording"],
            "GeneratedBy": [{"Name": "emorec", "Version": about["emorec"]}],
            "SourceDatasets": [{"URL": f"sha256:{about['recording']['sha256']}"}],
        },
    )
    (folder / "README.md").write_text(
        f"# {about['title']}\n\nEvents of a recorded meeting or lecture, read by emorec {about['emorec']} from the "
        "recording alone: presence, engagement and moments are estimates. `sub-group` has what concerns everybody.\n",
        encoding="utf-8",
    )
    events = _events(session)
    for subject, rows in events.items():
        place = folder / f"sub-{subject}" / "beh"
        place.mkdir(parents=True)
        cells = [(f"{t0:.3f}", f"{length:.3f}", kind, value) for t0, length, kind, value in sorted(rows)]
        _tsv(place / f"sub-{subject}_task-{TASK}_events.tsv", COLUMNS, cells)
    _json(folder / f"task-{TASK}_events.json", _described(about))
    _people(session, folder, list(events))
    return [folder / "dataset_description.json"]


def _events(session: Session) -> dict[str, list[Event]]:
    """Each subject's events."""
    rows: dict[str, list[Event]] = {row["participant"]: [] for row in session.table("participants").to_pylist()}
    rows[GROUP] = []
    for kind, found in (("state", states(session)), ("level", levels(session))):
        for participant, stretches in found.items():
            rows.setdefault(participant, [])
            rows[participant] += [(t0_s, t1_s - t0_s, kind, value) for t0_s, t1_s, value in stretches]
    for said in session.table("speech").to_pylist():
        own = rows.get(said["participant"] or GROUP, rows[GROUP])
        own.append((said["t0"], said["t1"] - said["t0"], "speech", str(said["words"])))
    for message in session.table("chat").to_pylist():
        rows.get(message["participant"] or GROUP, rows[GROUP]).append(
            (message["t"], 0.0, "chat", str(message["length"]))
        )
    for moment in session.table("moments").to_pylist():
        rows[GROUP].append((moment["t0"], moment["t1"] - moment["t0"], "moment", moment["kind"]))
    for chapter in session.table("chapters").to_pylist():
        rows[GROUP].append((chapter["t0"], chapter["t1"] - chapter["t0"], "chapter", chapter_title(chapter)))
    return {subject: own for subject, own in rows.items() if own}


def _described(about: Any) -> dict[str, Any]:
    return {
        "TaskName": TASK,
        "TaskDescription": "A recorded meeting or lecture",
        "onset": {"Description": "time in the recording", "Units": "s"},
        "duration": {"Description": "how long it lasts; 0 where it has no length", "Units": "s"},
        "trial_type": {"Description": "what kind of event it is", "Levels": TYPES},
        "value": {"Description": "what holds, or how much; see the kind of event"},
        "StimulusPresentation": {"SoftwareName": "emorec", "SoftwareVersion": about["emorec"]},
    }


def _people(session: Session, folder: Path, subjects: Sequence[str]) -> None:
    known = {row["participant"]: row for row in session.table("participants").to_pylist()}
    rows = [(f"sub-{subject}", *(_cell(known.get(subject, {}).get(name)) for name in PEOPLE)) for subject in subjects]
    _tsv(folder / "participants.tsv", ("participant_id", *PEOPLE), rows)
    described: dict[str, Any] = {"participant_id": {"Description": "a participant, or the group as a whole"}}
    for name in PEOPLE:
        field = SCHEMAS["participants"].field(name)
        unit = field.metadata[b"unit"].decode()
        described[name] = {"Description": field.metadata[b"meaning"].decode(), "Units": "1" if unit == "0-1" else unit}
    _json(folder / "participants.json", described)


def _cell(value: float | None) -> str:
    return MISSING if value is None else f"{value:.6g}"


def _tsv(path: Path, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        # Neither tabs nor line ends may stand in a cell, and BIDS knows no quotes.
        clean = [[" ".join(str(cell).split()) or MISSING for cell in row] for row in rows]
        csv.writer(file, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None).writerows(
            [head, *clean]
        )


def _json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
