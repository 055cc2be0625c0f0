"""From all observations of a recording to the tables of its session: who is who, timeline, windows, group, moments.

Never sees a pixel: a pure function of observations and settings, the same for the same input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import pyarrow as pa

from emorec import aggregate, analysis, attention, tables
from emorec.analysis.windows import grid
from emorec.faces.identify import identify
from emorec.faces.names import name_people
from emorec.faces.seats import seated
from emorec.settings import Settings
from emorec.settings.landmarks import LandmarksSettings
from emorec.timeline import Presence, presence
from emorec.types import EMOTIONS, Faces, Float32, Float64, Observations, Signals, Timeline

__all__ = ["Resolution", "resolve"]

SMALL_EYES_SHARE = 0.5
"""A warning is given where more than this share of faces is too small for their eyes to be measured."""


@dataclass(frozen=True)
class Resolution:
    """A session's tables by name, each of its schema; how many of what (None where that must not be told); and what a
    person should know of the result."""

    tables: dict[str, pa.Table]
    counts: Mapping[str, int | None]
    warnings: tuple[str, ...]


def resolve(
    observations: Observations, *, session: str, duration_s: float, settings: Settings, roster: Sequence[str] = ()
) -> Resolution:
    """Solve a recording.

    Args:
        observations: of the whole recording.
        session: its id, the first column of every table.
        duration_s: where the recording ends.
        settings: privacy mode aggregate gives the tables group_windows and moments only, without a person in them;
            without emotions every column of emotions is null and engagement stands on attention alone.
        roster: names as they are spelled, where labels of tiles were read.

    Raises:
        SettingsError: the settings name an engagement index that does not exist.
    """
    if not settings.privacy.emotions:
        nothing = np.full_like(observations.faces.emotions, np.nan)
        observations = replace(observations, faces=replace(observations.faces, emotions=nothing))
    samples, chosen = observations.samples, settings.analysis
    identities = identify(observations, chosen.identity)
    names = name_people(observations, identities, roster) if settings.privacy.reads_plates else None
    if names is not None:
        identities = names.identities
    seats = seated(observations, identities, {} if names is None else names.of_tile)
    present = presence(observations, identities, seats, chosen.identity.gap_s)
    observations = replace(observations, faces=_readable(observations.faces, settings.faces.min_presence))
    timeline, usual, drowsy = _with_values(present, observations, settings.landmarks)
    windows_grid = grid(samples, duration_s, chosen.window_s)
    windows = analysis.windows(timeline, windows_grid, drowsy, chosen)
    group = analysis.group(timeline, samples, chosen)
    group_windows = analysis.group_windows(timeline, group, windows, windows_grid, chosen)
    moments = analysis.find_moments(timeline, samples, windows, windows_grid, chosen.moments)
    counts = {
        "participants": identities.people,
        "samples": len(samples),
        "faces": len(observations.faces),
        "tracks": len(identities),
        "left_out": int((identities.participant < 0).sum()),
        "moments": len(moments),
    }
    warnings = _warnings(observations, identities.people, settings)
    if settings.privacy.mode == "aggregate":
        made = aggregate.aggregate_tables(
            session, samples, timeline, windows, group_windows, moments, windows_grid, chosen
        )
        return Resolution(made, aggregate.aggregate_counts(counts, group_windows, chosen.least_group), warnings)
    called = _called(names.label, present) if names is not None else ()
    made = {
        "timeline": tables.timeline_table(
            session, timeline, observations.faces, analysis.engagement(timeline, chosen.engagement)
        ),
        "windows": tables.windows_table(session, windows, windows_grid),
        "group": tables.group_table(session, group, samples),
        "group_windows": tables.group_windows_table(session, group_windows, windows_grid),
        "participants": tables.participants_table(session, timeline, samples, windows, usual, called),
        "left_out": tables.left_out_table(session, observations, identities),
        "moments": tables.moments_table(session, moments),
    }
    return Resolution(made, counts, warnings)


def _called(label: Sequence[str], present: Presence) -> tuple[str, ...]:
    """The names of participants by their number in the timeline, from those by their number in identities."""
    _, first = np.unique(present.participant, return_index=True)
    return tuple(label[int(person)] for person in present.person[first])


def _with_values(
    present: Presence, observations: Observations, settings: LandmarksSettings
) -> tuple[Timeline, Float64, Float32]:
    """The timeline with what each face says, calibrated to its participant; their resting yaw and pitch
    [participants, 2] in degrees; and PERCLOS [timeline]."""
    faces, t_s = observations.faces, observations.samples.t_s[present.sample]
    n, n_people = len(present), int(present.participant.max(initial=-1)) + 1
    seen = present.face >= 0
    eyes_open, speaking, attentive, drowsy = (np.full(n, np.nan, np.float32) for _ in range(4))
    emotions = np.full((n, len(EMOTIONS)), np.nan, np.float32)
    emotions[seen] = faces.emotions[present.face[seen]]
    eyes_open[seen] = faces.eyes_open[present.face[seen]]
    usual = np.full((n_people, 2), np.nan)
    bounds = np.searchsorted(present.participant, np.arange(n_people + 1))
    for who in range(n_people):
        rows = np.arange(bounds[who], bounds[who + 1])
        rows = rows[seen[rows]]
        if not len(rows):
            continue
        own = faces[present.face[rows]]
        measured = _signals(own)
        calibration = attention.calibrate(measured, np.nan_to_num(own.quality), settings)
        usual[who] = calibration.yaw_deg, calibration.pitch_deg
        attentive[rows] = attention.attention(measured, calibration, settings)
        speaking[rows] = attention.speaking(measured.mouth_open, t_s[rows], settings)
        large = np.where(own.box_px[:, 2] >= settings.perclos_min_face_px, measured.eyes_open, np.nan)
        drowsy[rows] = attention.perclos(large.astype(np.float32), t_s[rows], calibration, settings)
    timeline = Timeline(
        participant=present.participant,
        sample=present.sample.astype(np.int32),
        t_s=t_s,
        state=present.state,
        face=present.face.astype(np.int32),
        emotions=emotions,
        eyes_open=eyes_open,
        speaking=speaking,
        attention=attentive,
    )
    return timeline, usual, drowsy


def _readable(faces: Faces, min_presence: float) -> Faces:
    """The same faces, of which those that no mesh fits say nothing: turned away or covered, not inattentive."""
    unfit = ~(faces.presence >= min_presence)
    columns = {column.name: getattr(faces, column.name).copy() for column in fields(Signals)}
    for values in columns.values():
        values[unfit] = np.nan
    return replace(faces, **columns)


def _signals(faces: Faces) -> Signals:
    return Signals(faces.yaw, faces.pitch, faces.roll, faces.gaze_x, faces.gaze_y, faces.eyes_open, faces.mouth_open)


def _warnings(observations: Observations, people: int, settings: Settings) -> tuple[str, ...]:
    """What a person should know of the result."""
    found = []
    if not people:
        found.append("no participant was found in the recording")
    elif np.isnan(observations.faces.eyes_open).mean() > SMALL_EYES_SHARE:
        found.append("most faces are too small for their eyes to be measured: attention there is from head pose alone")
    least = settings.analysis.least_group
    if settings.privacy.mode == "aggregate" and people < least:
        found.append(f"fewer than {least} participants: in privacy mode aggregate their values are suppressed")
    return tuple(found)
