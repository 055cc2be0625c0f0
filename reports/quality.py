"""How good a session's data is, and how it came about: rows of tables for the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.charts import coarse_bins, moments_in_order
from reports.facts import Facts, numbers
from reports.series import mean_in_bins
from reports.stored import said
from reports.words import LEVELS, Words, known

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


def quality_rows(session: Session, facts: Facts, words: Words) -> list[Row]:
    """What could be measured, as (what, how much)."""
    _ = words.gettext
    seen = _("%(share)s of people's time", share=words.share(facts.seen)) if known(facts.seen) else words.not_enough
    rows = [(_("Readable"), _readable(facts, words)), (_("Faces visible"), seen)]
    faces = session.timeline
    faces = faces[faces["state"] == "visible"]
    if len(faces):
        widths = numbers(faces, "w")
        if np.isfinite(widths).any():
            low, middle, high = np.nanquantile(widths, [0.1, 0.5, 0.9])
            text = _(
                "median %(median)s px (most between %(low)s and %(high)s px)",
                median=words.number(middle),
                low=words.number(low),
                high=words.number(high),
            )
            rows.append((_("Width of faces"), text))
        rows.append((_("Attention measured"), _on_faces(float(faces["attention"].notna().mean()), words)))
        if facts.with_emotions:
            rows.append((_("Expression measured"), _on_faces(float(faces["emotion"].notna().mean()), words)))
        quality = numbers(faces, "quality")
        if np.isfinite(quality).any():
            poor = float(np.mean(quality[np.isfinite(quality)] < POOR_QUALITY))
            text = _("%(share)s of faces", share=words.share(poor))
            rows.append((_("Hard to read (small, blurred, turned away)"), text))
    judged = session.windows["level"].notna()
    if len(judged):
        text = _(
            "in %(share)s of people's windows of %(window)s",
            share=words.share(float(judged.mean())),
            window=words.duration(facts.window_s),
        )
        rows.append((_("Engagement judged"), text))
    if not facts.aggregate:
        text = words.ngettext(
            "%(num)s sighting not taken as a participant",
            "%(num)s sightings not taken as a participant",
            len(session.left_out),
        )
        rows.append((_("Left out"), text))
    return rows


def _on_faces(share: float, words: Words) -> str:
    return words.gettext("on %(share)s of faces", share=words.share(share))


def left_out_rows(session: Session, words: Words) -> list[Row]:
    """Why tracks were left out, and how many: the most frequent reasons, then the rest together."""
    counts = session.left_out["reason"].fillna("no reason given").value_counts()
    rows = sorted(((str(reason), int(count)) for reason, count in counts.items()), key=lambda row: (-row[1], row[0]))
    rest = sum(count for _, count in rows[REASONS_SHOWN:])
    shown = rows[:REASONS_SHOWN] + ([(words.gettext("other reasons"), rest)] if rest else [])
    return [(said(reason, words), words.number(count)) for reason, count in shown]


def moment_rows(session: Session, words: Words) -> list[dict[str, Any]]:
    """The group's moments that the charts mark, by number, in order of time."""
    return _moments(session, moments_in_order(session), words)


def personal_moment_rows(session: Session, words: Words) -> list[dict[str, Any]]:
    """The moments of single people, like a long absence, in order of time."""
    moments = session.table("moments").to_pylist()
    alone = [moment for moment in moments if not known(moment["strength"])]
    return _moments(session, sorted(alone, key=lambda moment: float(moment["t0"])), words)


def _moments(session: Session, moments: list[dict[str, Any]], words: Words) -> list[dict[str, Any]]:
    labels = dict(zip(session.participants["participant"], session.participants["label"], strict=True))
    rows = []
    for number, moment in enumerate(moments, start=1):
        rows.append(
            {
                "number": number,
                "time": f"{words.clock(moment['t0'])}–{words.clock(moment['t1'])}",
                "kind": words.moment(str(moment["kind"])),
                "detail": said(moment["detail"] or "", words),
                "who": ", ".join(str(labels.get(name, name)) for name in moment["participants"] or []),
            }
        )
    return rows


def group_table(session: Session, facts: Facts, words: Words) -> Table | None:
    """The charts of the group as figures, a row per column of the stacked bars."""
    frame = session.group_windows
    if facts.nobody or not len(frame):
        return None
    bins = coarse_bins(facts)
    t_s, _ = numbers(frame, "t0"), words.gettext
    columns: list[tuple[str, str, Any]] = [
        (_("in the picture"), "present", words.number),
        (_("faces"), "visible", words.number),
        (_("attention"), "attention", words.score),
        (_("from"), "attention_lo", words.score),
        (_("to"), "attention_hi", words.score),
        (_("engagement"), "engagement", words.score),
        *((_("%(level)s engagement", level=words.level(n)), n, words.share) for n in LEVELS[::-1] if facts.levels),
        *((words.emotion(name), name, words.share) for name in facts.emotions),
    ]
    series = [(mean_in_bins(t_s, numbers(frame, column), bins), text) for _, column, text in columns]
    rows = [
        [words.clock(start), *(text(values[i]) if known(values[i]) else "–" for values, text in series)]
        for i, start in enumerate(bins.starts_s)
    ]
    return {"head": [_("time"), *(name for name, _, _ in columns)], "rows": rows}


def people_table(session: Session, words: Words) -> Table | None:
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
            *(words.score(person[n]) if known(person[n]) else "–" for n in ("attention", "engagement")),
        ]
        for person in people
    ]
    _ = words.gettext
    head = [
        _("participant"),
        _("first seen"),
        _("last seen"),
        _("face visible"),
        _("camera off"),
        _("away"),
        _("attention"),
        _("engagement"),
    ]
    return {"head": head, "rows": rows}


def provenance_rows(session: Session, facts: Facts, words: Words) -> list[Row]:
    """Where the session comes from and what made it, as (what, value)."""
    metadata = session.metadata
    recording, _ = metadata["recording"], words.gettext
    picture = [f"{recording['width_px']} × {recording['height_px']} px", str(recording["codec"])]
    if recording.get("fps"):
        picture.append(_("%(fps)s pictures per second", fps=f"{recording['fps']:g}"))
    rows = [
        (_("Recording"), str(recording["name"])),
        (_("Picture"), ", ".join(picture)),
        (_("Size"), f"{words.number(recording['size_bytes'] / 1e6, 1)} MB"),
        ("SHA-256", str(recording["sha256"])),
        (_("Session"), _("%(id)s (course %(course)s)", id=metadata["session"], course=metadata["course"])),
        ("emorec", _("%(version)s (schema %(schema)s)", version=metadata["emorec"], schema=metadata["schema"])),
        (_("Privacy"), _privacy(facts, words)),
        (_("Settings changed"), "; ".join(_flat(metadata["settings"])) or _("none, all as released")),
        *(
            (_("Model %(name)s", name=name), f"sha256 {str(value)[:HASH_SHOWN]}…")
            for name, value in sorted(metadata["models"].items())
        ),
        (_("Time by stage"), _stages(metadata["stages"], words) or "–"),
    ]
    if metadata.get("seconds") is not None:
        rows.append((_("Time in all"), _speed(facts, metadata["seconds"], words)))
    if metadata.get("peak_memory_mb") is not None:
        rows.append((_("Peak memory"), f"{words.number(metadata['peak_memory_mb'])} MB"))
    return rows


def _privacy(facts: Facts, words: Words) -> str:
    mode = words.gettext("aggregate mode") if facts.aggregate else words.gettext("participant mode")
    emotions = words.gettext("with emotions") if facts.with_emotions else words.gettext("without emotions")
    return f"{mode}, {emotions}"


def _readable(facts: Facts, words: Words) -> str:
    if facts.read_until_s < facts.duration_s - 2:
        return words.gettext(
            "until %(until)s of %(end)s; nothing is known after it",
            until=words.clock(facts.read_until_s),
            end=words.clock(facts.duration_s),
        )
    return words.gettext("the whole recording")


def _flat(settings: Mapping[str, Any], above: str = "") -> list[str]:
    """Nested settings as area.name = value."""
    found = []
    for name, value in settings.items():
        path = f"{above}{name}"
        found += _flat(value, f"{path}.") if isinstance(value, Mapping) else [f"{path} = {value}"]
    return found


def _stages(stages: Mapping[str, Mapping[str, float]], words: Words) -> str:
    """Seconds of each stage; the names are those of session.json."""
    return ", ".join(
        f"{words.stage(name)} {words.number(figures.get('wall_s', 0), 1)} s" for name, figures in stages.items()
    )


def _speed(facts: Facts, seconds: float, words: Words) -> str:
    text = words.gettext("%(s)s s", s=words.number(seconds))
    if seconds <= 0:
        return text
    times = words.number(facts.duration_s / seconds, 1)
    fast = words.gettext("%(times)s times as fast as the recording runs", times=times)
    return f"{text}, {fast}"
