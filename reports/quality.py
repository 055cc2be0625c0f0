"""How good a session's data is, and how it came about: rows of tables for the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from reports import words
from reports.charts import coarse_bins, moments_in_order
from reports.facts import Facts, numbers
from reports.series import mean_in_bins

if TYPE_CHECKING:
    from emorec.store import Session

__all__ = [
    "Table",
    "group_table",
    "left_out_rows",
    "moment_rows",
    "people_table",
    "personal_moment_rows",
    "provenance_rows",
    "quality_rows",
]

Row = tuple[str, str]
Table = dict[str, Any]
"""``head``: names of columns; ``rows``: lists of texts."""

HASH_SHOWN = 12
"""Hex digits of a hash that tell files apart on a page; session.json has them all."""
POOR_QUALITY = 0.5
REASONS_SHOWN = 12


def quality_rows(session: Session, facts: Facts) -> list[Row]:
    """What could be measured, as (what, how much)."""
    seen = f"{words.share(facts.seen)} of people's time" if words.known(facts.seen) else words.NOT_ENOUGH
    rows = [("Readable", _readable(facts)), ("Faces visible", seen)]
    faces = session.timeline
    faces = faces[faces["state"] == "visible"]
    if len(faces):
        widths = numbers(faces, "w")
        if np.isfinite(widths).any():
            low, middle, high = np.nanquantile(widths, [0.1, 0.5, 0.9])
            rows.append(("Width of faces", f"median {middle:.0f} px (most between {low:.0f} and {high:.0f} px)"))
        rows.append(("Attention measured", f"on {words.share(float(faces['attention'].notna().mean()))} of faces"))
        if facts.with_emotions:
            rows.append(("Expression measured", f"on {words.share(float(faces['emotion'].notna().mean()))} of faces"))
        quality = numbers(faces, "quality")
        if np.isfinite(quality).any():
            poor = float(np.mean(quality[np.isfinite(quality)] < POOR_QUALITY))
            rows.append(("Hard to read (small, blurred, turned away)", f"{words.share(poor)} of faces"))
    judged = session.windows["level"].notna()
    if len(judged):
        rows.append(
            (
                "Engagement judged",
                f"in {words.share(float(judged.mean()))} of people's windows of {words.duration(facts.window_s)}",
            )
        )
    if not facts.aggregate:
        count = len(session.left_out)
        rows.append(("Left out", f"{count} {'sighting' if count == 1 else 'sightings'} not taken as a participant"))
    return rows


def left_out_rows(session: Session) -> list[Row]:
    """Why tracks were left out, and how many: the most frequent reasons, then the rest together."""
    counts = session.left_out["reason"].fillna("no reason given").value_counts()
    rows = sorted(((str(reason), int(count)) for reason, count in counts.items()), key=lambda row: (-row[1], row[0]))
    rest = sum(count for _, count in rows[REASONS_SHOWN:])
    shown = rows[:REASONS_SHOWN] + ([("other reasons", rest)] if rest else [])
    return [(reason, str(count)) for reason, count in shown]


def moment_rows(session: Session) -> list[dict[str, Any]]:
    """The group's moments that the charts mark, by number, in order of time."""
    return _moments(session, moments_in_order(session))


def personal_moment_rows(session: Session) -> list[dict[str, Any]]:
    """The moments of single people, like a long absence, in order of time."""
    moments = session.table("moments").to_pylist()
    alone = [moment for moment in moments if not words.known(moment["strength"])]
    return _moments(session, sorted(alone, key=lambda moment: float(moment["t0"])))


def _moments(session: Session, moments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    labels = dict(zip(session.participants["participant"], session.participants["label"], strict=True))
    rows = []
    for number, moment in enumerate(moments, start=1):
        kind = str(moment["kind"]).replace("_", " ")
        rows.append(
            {
                "number": number,
                "time": f"{words.clock(moment['t0'])}–{words.clock(moment['t1'])}",
                "kind": kind[:1].upper() + kind[1:],
                "detail": moment["detail"] or "",
                "who": ", ".join(str(labels.get(name, name)) for name in moment["participants"] or []),
            }
        )
    return rows


def group_table(session: Session, facts: Facts) -> Table | None:
    """The charts of the group as figures, a row per column of the stacked bars."""
    frame = session.group_windows
    if facts.nobody or not len(frame):
        return None
    bins = coarse_bins(facts)
    t_s = numbers(frame, "t0")
    columns: list[tuple[str, str, Any]] = [
        ("in the picture", "present", _count),
        ("faces", "visible", _count),
        ("attention", "attention", _score),
        ("from", "attention_lo", _score),
        ("to", "attention_hi", _score),
        ("engagement", "engagement", _score),
        *((f"{level} engagement", level, _share) for level in words.LEVELS[::-1] if facts.levels),
        *((words.EMOTION_WORDS[name], name, _share) for name in facts.emotions),
    ]
    series = [(mean_in_bins(t_s, numbers(frame, column), bins), text) for _, column, text in columns]
    rows = [
        [words.clock(start), *(text(values[i]) for values, text in series)] for i, start in enumerate(bins.starts_s)
    ]
    return {"head": ["time", *(name for name, _, _ in columns)], "rows": rows}


def people_table(session: Session) -> Table | None:
    """Attendance and means of each participant, by first appearance."""
    people = session.table("participants").to_pylist()
    if not people:
        return None
    rows = [
        [
            str(person["label"]),
            words.clock(person["first_seen"]),
            words.clock(person["last_seen"]),
            *(words.duration(person[name]) for name in ("visible_s", "camera_off_s", "absent_s")),
            *(_score(person[name]) for name in ("attention", "engagement")),
        ]
        for person in people
    ]
    head = ["participant", "first seen", "last seen", "face visible", "camera off", "away", "attention", "engagement"]
    return {"head": head, "rows": rows}


def provenance_rows(session: Session, facts: Facts) -> list[Row]:
    """Where the session comes from and what made it, as (what, value)."""
    metadata = session.metadata
    recording = metadata["recording"]
    picture = [f"{recording['width_px']} × {recording['height_px']} px", str(recording["codec"])]
    if recording.get("fps"):
        picture.append(f"{recording['fps']:g} pictures per second")
    rows = [
        ("Recording", str(recording["name"])),
        ("Picture", ", ".join(picture)),
        ("Size", f"{recording['size_bytes'] / 1e6:.1f} MB"),
        ("SHA-256", str(recording["sha256"])),
        ("Session", f"{metadata['session']} (course {metadata['course']})"),
        ("emorec", f"{metadata['emorec']} (schema {metadata['schema']})"),
        ("Privacy", f"{metadata['privacy']['mode']} mode, emotions {'on' if facts.with_emotions else 'off'}"),
        ("Settings changed", "; ".join(_flat(metadata["settings"])) or "none, all as released"),
        *(
            (f"Model {name}", f"sha256 {str(value)[:HASH_SHOWN]}…")
            for name, value in sorted(metadata["models"].items())
        ),
        *((f"Stage {name}", _stage(figures)) for name, figures in metadata["stages"].items()),
    ]
    if metadata.get("seconds") is not None:
        rows.append(("Time in all", f"{metadata['seconds']:.0f} s, {_speed(facts, metadata['seconds'])}"))
    if metadata.get("peak_memory_mb") is not None:
        rows.append(("Peak memory", f"{metadata['peak_memory_mb']:.0f} MB"))
    return rows


def _readable(facts: Facts) -> str:
    if facts.read_until_s < facts.duration_s - 2:
        return f"until {words.clock(facts.read_until_s)} of {words.clock(facts.duration_s)}; nothing is known after it"
    return "the whole recording"


def _count(value: float) -> str:
    return f"{value:.0f}" if words.known(value) else "–"


def _score(value: float | None) -> str:
    return words.score(value) if words.known(value) else "–"


def _share(value: float) -> str:
    return words.share(value) if words.known(value) else "–"


def _flat(settings: Mapping[str, Any], above: str = "") -> list[str]:
    """Nested settings as area.name = value."""
    found = []
    for name, value in settings.items():
        path = f"{above}{name}"
        found += _flat(value, f"{path}.") if isinstance(value, Mapping) else [f"{path} = {value}"]
    return found


def _stage(figures: Mapping[str, float]) -> str:
    """Seconds first, then counts."""
    named = {"wall_s": "{:.1f} s", "cpu_s": "{:.1f} s of CPU"}
    times = [text.format(figures[key]) for key, text in named.items() if key in figures]
    counts = [f"{value:g} {key.replace('_', ' ')}" for key, value in figures.items() if key not in named]
    return ", ".join(times + counts)


def _speed(facts: Facts, seconds: float) -> str:
    return f"{facts.duration_s / seconds:.1f} times as fast as the recording runs" if seconds > 0 else "at once"
