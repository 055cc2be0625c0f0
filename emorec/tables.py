"""The session's tables, made of arrays: names instead of numbers, null instead of NaN, each exactly of its schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from emorec.analysis import Group, GroupWindows, Moment, Windows
from emorec.analysis.engagement import LEVELS
from emorec.analysis.windows import Grid, group_means
from emorec.schemas import SCHEMAS
from emorec.timeline import durations
from emorec.types import EMOTIONS, STATES, Faces, Float64, Identities, Observations, Samples, Timeline

__all__ = [
    "group_table",
    "group_windows_table",
    "left_out_table",
    "moments_table",
    "participants_table",
    "timeline_table",
    "windows_table",
]

BOX = ("x", "y", "w", "h")
FACE_VALUES = ("score", "yaw", "pitch", "roll", "gaze_x", "gaze_y", "mouth_open", "quality")


def label(participant: int) -> str:
    """P01 for the first participant (0), and so on."""
    return f"P{participant + 1:02d}"


def _named(index: NDArray[Any], names: Sequence[str]) -> pa.Array:
    """Names by their index, null where it is −1."""
    return pa.array(list(names), pa.string()).take(pa.array(index.astype(np.int64), mask=index < 0))


def _labels(participant: NDArray[Any]) -> pa.Array:
    return _named(participant, [label(k) for k in range(int(participant.max(initial=-1)) + 1)])


def _spread(names: Sequence[str], values: NDArray[Any]) -> dict[str, NDArray[Any]]:
    return {name: values[:, k] for k, name in enumerate(names)}


def _table(name: str, session: str, n: int, columns: dict[str, Any]) -> pa.Table:
    """A table of that name's schema; NaN becomes null."""
    schema = SCHEMAS[name]
    arrays = [pa.repeat(pa.scalar(session, pa.string()), n)]
    for field in list(schema)[1:]:
        values = columns[field.name]
        if isinstance(values, pa.Array):
            arrays.append(values.cast(field.type))
        elif isinstance(values, np.ndarray) and values.dtype.kind == "f":
            # NaN of float64 and float32 alike; a value that float32 cannot hold does not occur.
            numbers = values.astype(field.type.to_pandas_dtype())
            arrays.append(pa.array(numbers, field.type, mask=np.isnan(numbers)))
        else:
            arrays.append(pa.array(values, field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def timeline_table(session: str, timeline: Timeline, faces: Faces, engagement: Float64) -> pa.Table:
    """timeline.parquet; ``engagement``: the index of every row of the timeline."""
    n, seen = len(timeline), timeline.face >= 0
    rows = timeline.face[seen]

    def of_face(values: NDArray[Any]) -> NDArray[Any]:
        column = np.full((n, *values.shape[1:]), np.nan, values.dtype)
        column[seen] = values[rows]
        return column

    ordered = np.sort(timeline.emotions, axis=1)
    known = np.isfinite(timeline.emotions).all(axis=1)
    best = np.where(known, np.nan_to_num(timeline.emotions).argmax(axis=1), -1)
    track, skipped = np.zeros(n, np.int32), np.zeros(n, bool)
    track[seen], skipped[seen] = faces.track[rows], faces.skipped[rows]
    columns: dict[str, Any] = {
        "participant": _labels(timeline.participant),
        "t": timeline.t_s,
        "state": _named(timeline.state, STATES),
        "track": pa.array(track, mask=~seen),
        "emotion": _named(best, EMOTIONS),
        "emotion_margin": ordered[:, -1] - ordered[:, -2],
        "eyes_open": timeline.eyes_open,
        "speaking": timeline.speaking,
        "attention": timeline.attention,
        "engagement": engagement,
        "skipped": pa.array(skipped, mask=~seen),
        **{name: of_face(getattr(faces, name)) for name in FACE_VALUES},
        **_spread(BOX, of_face(faces.box_px)),
        **_spread(EMOTIONS, timeline.emotions),
    }
    return _table("timeline", session, n, columns)


def windows_table(session: str, windows: Windows, grid: Grid) -> pa.Table:
    """windows.parquet."""
    columns: dict[str, Any] = {
        "participant": _labels(windows.participant),
        "t0": grid.t0_s[windows.window],
        "t1": grid.t1_s[windows.window],
        "coverage": windows.coverage,
        "valence": windows.valence,
        "attention": windows.attention,
        "perclos": windows.perclos,
        "speaking": windows.speaking,
        "engagement": windows.engagement,
        "level": _named(windows.level, LEVELS),
        **_spread(EMOTIONS, windows.emotions),
    }
    return _table("windows", session, len(windows), columns)


def _means(group: Group) -> dict[str, Any]:
    return {
        "attention": group.attention,
        "attention_lo": group.attention_lo,
        "attention_hi": group.attention_hi,
        "synchrony": group.synchrony,
        "synchrony_lo": group.synchrony_lo,
        "synchrony_hi": group.synchrony_hi,
        **_spread(EMOTIONS, group.emotions),
    }


def group_table(session: str, group: Group, samples: Samples) -> pa.Table:
    """group.parquet."""
    counts = {"present": group.present, "visible": group.visible, "visible_share": group.visible_share}
    columns = {"t": samples.t_s, "screen_change": samples.screen_change, **counts, **_means(group)}
    return _table("group", session, len(samples), columns)


def group_windows_table(session: str, windows: GroupWindows, grid: Grid) -> pa.Table:
    """group_windows.parquet."""
    columns = {
        "t0": grid.t0_s,
        "t1": grid.t1_s,
        "present": windows.present,
        "visible": windows.visible,
        "visible_share": windows.means.visible_share,
        "engagement": windows.engagement,
        "engagement_lo": windows.engagement_lo,
        "engagement_hi": windows.engagement_hi,
        **_spread(LEVELS, windows.shares),
        **_means(windows.means),
    }
    return _table("group_windows", session, len(grid), columns)


def participants_table(
    session: str,
    timeline: Timeline,
    samples: Samples,
    windows: Windows,
    resting: Float64,
    called: Sequence[str] = (),
) -> pa.Table:
    """participants.parquet; ``resting`` [participants, 2]: yaw and pitch in degrees; ``called``: the participants'
    names, "" where one is not known."""
    n, group = len(resting), timeline.participant.astype(np.int64)
    seconds = durations(samples)[timeline.sample]
    by_state = {
        f"{state}_s": np.bincount(group, np.where(timeline.state == k, seconds, 0), n) for k, state in enumerate(STATES)
    }
    first = np.searchsorted(timeline.participant, np.arange(n))
    last = np.searchsorted(timeline.participant, np.arange(n), side="right") - 1
    names = _labels(np.arange(n))
    columns = {
        "participant": names,
        "label": pa.array([name or label(k) for k, name in enumerate(called)]) if called else names,
        "first_seen": timeline.t_s[first],
        "last_seen": timeline.t_s[last],
        **by_state,
        "attention": group_means(timeline.attention, group, n),
        "engagement": group_means(windows.engagement, windows.participant.astype(np.int64), n),
        **_spread(EMOTIONS, group_means(timeline.emotions, group, n)),
        "resting_yaw": resting[:, 0],
        "resting_pitch": resting[:, 1],
    }
    return _table("participants", session, n, columns)


def left_out_table(session: str, observations: Observations, identities: Identities) -> pa.Table:
    """left_out.parquet."""
    faces = observations.faces
    rows = np.flatnonzero(identities.participant < 0)
    of_face = np.searchsorted(identities.track, faces.track)
    t0, t1 = np.full(len(identities), np.inf), np.full(len(identities), -np.inf)
    np.minimum.at(t0, of_face, faces.t_s)
    np.maximum.at(t1, of_face, faces.t_s)
    boxes = np.array([np.median(faces.box_px[of_face == row], axis=0) for row in rows]).reshape(-1, 4)
    order = np.lexsort((identities.track[rows], t0[rows]))
    rows = rows[order]
    columns = {
        "track": identities.track[rows],
        "t0": t0[rows],
        "t1": t1[rows],
        "reason": identities.reason[rows].tolist(),
        **_spread(BOX, boxes[order]),
    }
    return _table("left_out", session, len(rows), columns)


def moments_table(session: str, moments: Sequence[Moment]) -> pa.Table:
    """moments.parquet; participants are null where nobody in particular took part."""
    columns = {
        "t0": np.array([m.t0_s for m in moments], np.float64),
        "t1": np.array([m.t1_s for m in moments], np.float64),
        "kind": [m.kind for m in moments],
        "strength": np.array([m.strength for m in moments], np.float64),
        "participants": [[label(who) for who in m.participants] or None for m in moments],
        "detail": [m.detail for m in moments],
    }
    return _table("moments", session, len(moments), columns)
