"""A recording's tables, whole: schemas, seconds, privacy, and the same for the same input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from emorec.analysis.engagement import LEVELS
from emorec.files import parquet_bytes
from emorec.resolve import Resolution, resolve
from emorec.schemas import SCHEMAS
from emorec.settings import Settings
from emorec.types import EMOTIONS, Observations
from tests.observations import Appearance, Array, Layout, face_in, observe, renumbered, tiles_of_gallery

TILES = tiles_of_gallery(6, columns=3)
DURATION_S = 120.0
ATTENTION = {"attention", "attention_lo", "attention_hi"}
ENGAGEMENT = {"engagement", "engagement_lo", "engagement_hi", *LEVELS}
SYNCHRONY = {"synchrony", "synchrony_lo", "synchrony_hi"}
MEASURED = ATTENTION | ENGAGEMENT | {*EMOTIONS} | SYNCHRONY
TABLES = {"timeline", "windows", "group", "group_windows", "participants", "left_out", "moments"}


def call(people: int = 6, seed: int = 0) -> Observations:
    """A call of two minutes in which people come, go, and have their cameras off; and a poster."""
    rng = np.random.default_rng(seed)
    tracks, layouts = [], []
    for number in range(2):
        layouts.append(Layout(60.0 * number, TILES[:people]))
        for place, person in enumerate(rng.permutation(people).tolist()):
            t0, t1 = 60.0 * number + rng.choice([0, 0, 7.5]), 60.0 * number + rng.choice([60, 60, 41])
            tracks.append(Appearance(person, float(t0), float(t1), face_in(TILES[place]), number * people + place))
    tracks.append(Appearance(99, 30, 31, (700, 600, 12, 12), score=0.5, presence=0.4))
    return observe(tracks, DURATION_S, layouts=layouts, seed=seed)


def lively(person: int, t_s: Array) -> Array:
    """Expressions that change, of each person's own."""
    mixed = np.random.default_rng(person).random((len(t_s), len(EMOTIONS)))
    return np.asarray(mixed / mixed.sum(axis=1, keepdims=True))


def resolved(observations: Observations, **privacy: object) -> Resolution:
    settings = Settings(privacy=privacy)  # type: ignore[arg-type]
    return resolve(observations, session="0123456789abcdef", duration_s=DURATION_S, settings=settings)


def test_every_table_has_its_schema_and_the_session_in_front() -> None:
    tables = resolved(call()).tables
    assert set(tables) == TABLES
    for name, table in tables.items():
        assert table.schema.equals(SCHEMAS[name], check_metadata=True)
        assert set(table["session"].to_pylist()) <= {"0123456789abcdef"}


def test_a_recording_in_which_nobody_is_seen_gives_tables_without_people() -> None:
    found = resolved(observe([], DURATION_S))
    assert found.counts["participants"] == 0
    assert len(found.tables["group"]) == 240
    assert found.tables["group"]["visible"].to_pylist() == [0] * 240
    assert found.tables["group"]["attention"].null_count == 240
    assert any("no participant" in warning for warning in found.warnings)
    for name, table in found.tables.items():
        assert table.schema.equals(SCHEMAS[name])


def test_no_sample_at_all_gives_empty_tables() -> None:
    found = resolve(Observations.concatenate([]), session="0" * 16, duration_s=0, settings=Settings())
    assert all(len(table) == 0 for table in found.tables.values())


@hypothesis_settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_every_second_between_first_and_last_seen_is_counted_once(seed: int, people: int) -> None:
    tables = resolved(call(people, seed)).tables
    for row in tables["participants"].to_pylist():
        counted = row["visible_s"] + row["camera_off_s"] + row["absent_s"]
        assert counted == pytest.approx(row["last_seen"] - row["first_seen"] + 0.5, abs=1e-3)
    first_seen = tables["participants"]["first_seen"].to_pylist()
    assert first_seen == sorted(first_seen)
    assert tables["participants"]["participant"].to_pylist() == [f"P{k + 1:02d}" for k in range(len(first_seen))]


def test_the_same_observations_give_the_same_bytes_however_tracks_are_numbered() -> None:
    observations = call()
    order = np.random.default_rng(1).permutation(len(observations.tracks)).tolist()
    first, again, other = (resolved(o).tables for o in (observations, observations, renumbered(observations, order)))
    for name in TABLES:
        assert parquet_bytes(first[name]) == parquet_bytes(again[name])
        plain = [column for column in first[name].column_names if column != "track"]
        assert first[name].select(plain).equals(other[name].select(plain))


def test_a_poster_is_left_out_and_said_why() -> None:
    rows = resolved(call()).tables["left_out"].to_pylist()
    assert [(row["track"], row["t0"], row["t1"]) for row in rows] == [(12, 30, 30.5)]
    assert "px" in rows[0]["reason"]


def test_what_is_not_there_is_null_and_what_is_visible_has_values() -> None:
    timeline = resolved(call()).tables["timeline"].to_pandas()
    visible = timeline["state"] == "visible"
    values = ["track", "x", "score", *EMOTIONS, "emotion", "emotion_margin", "attention", "quality", "skipped"]
    assert timeline.loc[~visible, values].isna().all(axis=None)
    assert timeline.loc[visible, values].notna().all(axis=None)
    assert set(timeline["state"]) == {"visible", "camera_off"}


def test_without_emotions_none_is_stored_and_engagement_stays() -> None:
    tables = resolved(call(), emotions=False).tables
    for name in ("timeline", "windows", "group", "group_windows", "participants"):
        for emotion in EMOTIONS:
            assert tables[name][emotion].null_count == len(tables[name])
    assert tables["timeline"]["emotion"].null_count == len(tables["timeline"])
    windows = tables["windows"].to_pandas()
    enough = windows["coverage"] >= 0.5
    assert windows.loc[enough, "engagement"].notna().all()
    assert windows.loc[enough, "engagement"].tolist() == windows.loc[enough, "attention"].tolist()


def test_a_face_that_no_mesh_fits_is_visible_but_says_nothing() -> None:
    seen = observe([Appearance(0, 0, DURATION_S)], DURATION_S)
    away = (seen.faces.t_s >= 60) & (seen.faces.t_s < 90)
    presence = np.where(away, 0.1, seen.faces.presence).astype(np.float32)
    tables = resolved(replace(seen, faces=replace(seen.faces, presence=presence))).tables
    timeline = tables["timeline"].to_pandas().set_index("t")
    assert (timeline["state"] == "visible").all()
    measured = ["yaw", "pitch", "gaze_x", "eyes_open", "mouth_open", "attention", "engagement"]
    assert timeline.loc[60:89.5, measured].isna().all(axis=None)
    assert timeline.loc[:59.5, measured].notna().all(axis=None)
    windows = tables["windows"].to_pandas().set_index("t0")
    assert windows.loc[60:80, ["engagement", "level"]].isna().all(axis=None), "not enough data, not disengaged"
    assert (windows.loc[60:80, "coverage"] == 1).all()
    assert (windows.drop(index=[60.0, 70.0, 80.0])["level"] == "high").all()


@pytest.mark.parametrize(("width", "known"), [(30, False), (80, True)])
def test_drowsiness_is_told_only_of_faces_whose_eyes_are_large_enough(width: int, known: bool) -> None:
    seen = observe([Appearance(0, 0, DURATION_S, (100, 100, width, width))], DURATION_S)
    windows = resolved(seen).tables["windows"].to_pandas()
    assert windows["perclos"].notna().any() == known
    assert windows["attention"].notna().all()


def test_the_share_of_visible_people_is_of_those_who_are_there() -> None:
    tracks = [Appearance(k, 0, DURATION_S if k < 2 else 60, face_in(TILES[k]), k) for k in range(3)]
    group = resolved(observe(tracks, DURATION_S, layouts=[Layout(0, TILES[:3])])).tables["group"].to_pandas()
    assert group["visible_share"][group["t"] < 60].unique().tolist() == [1]
    assert group["visible_share"][group["t"] > 62].unique() == pytest.approx([2 / 3])


def test_a_sample_has_the_engagement_that_a_window_of_its_kind_would_have() -> None:
    tables = resolved(observe([Appearance(0, 0, DURATION_S)], DURATION_S, emotions=lively)).tables
    samples, windows = tables["timeline"].to_pandas(), tables["windows"].to_pandas()
    means = samples.groupby(samples["t"] // 10)["engagement"].mean()
    assert means.to_numpy() == pytest.approx(windows["engagement"].to_numpy(), abs=1e-6)


def test_aggregate_mode_keeps_the_group_and_no_person() -> None:
    tables = resolved(call(), mode="aggregate").tables
    assert set(tables) == {"group_windows", "moments"}
    assert tables["moments"]["participants"].null_count == len(tables["moments"])
    assert tables["group_windows"]["engagement"].null_count < len(tables["group_windows"])


@pytest.mark.parametrize("people", [1, 4])
def test_aggregate_mode_suppresses_small_groups(people: int) -> None:
    found = resolved(call(people), mode="aggregate")
    table = found.tables["group_windows"]
    for column in table.column_names[3:]:
        assert table[column].null_count == len(table)
    assert any("fewer than 5" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("lost", "suppressed"),
    [
        pytest.param(("yaw", "pitch", "eyes_open"), ATTENTION | ENGAGEMENT, id="no attention"),
        pytest.param(("emotions",), {*EMOTIONS} | SYNCHRONY, id="no emotions"),
        pytest.param(("yaw", "pitch", "eyes_open", "emotions"), MEASURED, id="neither"),
    ],
)
@pytest.mark.parametrize("measured", [1, 4, 5])
def test_aggregate_mode_suppresses_each_value_that_too_few_of_many_visible_people_have(
    measured: int, lost: tuple[str, ...], suppressed: set[str]
) -> None:
    """Six people are seen throughout; after the first minute only some of them are measured."""
    tracks = [Appearance(k, 0, DURATION_S, face_in(TILES[k]), k) for k in range(6)]
    seen = observe(tracks, DURATION_S, layouts=[Layout(0, TILES)], emotions=lively)
    unmeasured = (seen.faces.t_s >= 60) & (seen.faces.track >= measured)
    values = {name: getattr(seen.faces, name).copy() for name in lost}
    for column in values.values():
        column[unmeasured] = np.nan
    found = resolved(replace(seen, faces=replace(seen.faces, **values)), mode="aggregate")
    table = found.tables["group_windows"].to_pandas()
    assert (table["visible"] == 6).all()
    # Synchrony at the middle sees both halves.
    first, second = table[table["t1"] <= 40], table[table["t0"] >= 80]
    assert first[list(MEASURED)].notna().all(axis=None)
    gone = suppressed if measured < 5 else set()
    assert second[list(gone)].isna().all(axis=None)
    assert second[list(MEASURED - gone)].notna().all(axis=None)
