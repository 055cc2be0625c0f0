"""Windows, group and moments, from synthetic observations."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from emorec.analysis.engagement import INDEXES, Index
from emorec.analysis.group import bootstrap_band
from emorec.analysis.synchrony import synchrony
from emorec.analysis.windows import grid
from emorec.errors import SettingsError
from emorec.resolve import Resolution, resolve
from emorec.settings import Settings
from emorec.settings.analysis import AnalysisSettings, EngagementSettings
from emorec.types import EMOTIONS, Observations, Samples
from tests.observations import Appearance, observe

HAPPY = EMOTIONS.index("happy")
SESSION = "0123456789abcdef"
Array = NDArray[np.float64]


def seats(count: int, t1: float, t0: float = 0) -> list[Appearance]:
    """People side by side."""
    return [Appearance(k, t0, t1, (20 + 130 * (k % 8), 20 + 140 * (k // 8), 80, 80)) for k in range(count)]


def resolved(observations: Observations, duration_s: float, settings: Settings | None = None) -> Resolution:
    return resolve(observations, session=SESSION, duration_s=duration_s, settings=settings or Settings())


def restless(person: int, t_s: Array, rng: np.random.Generator) -> Array:
    """A face that turns by itself, slowly, up to 40 degrees."""
    steps = rng.normal(0, 4, len(t_s))
    turned = np.convolve(steps, np.ones(15), mode="same")
    return np.asarray(turned)


def smiles(times: Array, t_s: Array) -> Array:
    """Calm, but happy for four seconds from each of some times on."""
    values = np.full((len(t_s), len(EMOTIONS)), 0.02)
    values[:, EMOTIONS.index("neutral")] = 0.88
    happy = ((t_s[:, None] >= times) & (t_s[:, None] < times + 4)).any(axis=1)
    values[happy] = 0.02
    values[happy, HAPPY] = 0.88
    return values


def test_windows_cover_the_recording_and_the_last_one_ends_with_it() -> None:
    samples = observe([], 34.6).samples
    found = grid(samples, 34.6, 10)
    assert found.t0_s.tolist() == [0, 10, 20, 30]
    assert found.t1_s.tolist() == [10, 20, 30, 34.6]
    assert np.bincount(found.of_sample).tolist() == [20, 20, 20, 10]


@pytest.mark.parametrize(("seen_s", "known"), [(3.0, False), (5.0, True), (10.0, True)])
def test_a_window_has_engagement_and_a_level_only_with_enough_coverage(seen_s: float, known: bool) -> None:
    windows = resolved(observe(seats(1, 10 + seen_s), 20), 20).tables["windows"].to_pylist()
    assert windows[0]["coverage"] == 1
    assert windows[1]["coverage"] == pytest.approx(seen_s / 10)
    assert (windows[1]["level"] is not None) == known
    assert (windows[1]["engagement"] is not None) == known
    assert windows[1]["attention"] is not None


@pytest.mark.parametrize("name", INDEXES)
def test_every_index_grows_with_attention_and_stays_between_0_and_1(name: str) -> None:
    settings = EngagementSettings(index=name)
    attention = np.linspace(0, 1, 11)
    for emotions in (*np.eye(7), np.full(7, np.nan)):
        score = INDEXES[name].score(attention, np.tile(emotions, (11, 1)), settings)
        assert (np.diff(score) > 0).all()
        assert score.min() >= 0
        assert score.max() <= 1 + 1e-9
        assert (np.diff(INDEXES[name].level(score, settings)) >= 0).all()


@pytest.mark.parametrize("name", INDEXES)
def test_where_attention_is_not_known_there_is_no_engagement_and_no_level(name: str) -> None:
    score = INDEXES[name].score(np.array([np.nan]), np.full((1, 7), 1 / 7), EngagementSettings())
    assert np.isnan(score).all()
    assert INDEXES[name].level(score, EngagementSettings()).tolist() == [-1]


def test_the_index_of_sharma_weighs_probabilities_and_not_the_winner() -> None:
    settings = EngagementSettings(index="sharma2019")
    emotions = np.zeros((2, 7))
    emotions[0, EMOTIONS.index("neutral")] = 1
    emotions[1, [EMOTIONS.index("neutral"), EMOTIONS.index("sad")]] = 0.5
    score = INDEXES["sharma2019"].score(np.array([1.0, 1.0]), emotions, settings)
    assert score == pytest.approx([1, (0.9 + 0.3) / 2 / 0.9])


@pytest.mark.parametrize(
    ("name", "score", "level"),
    [
        ("emorec", 0.449, 0),
        ("emorec", 0.45, 1),
        ("emorec", 0.70, 2),
        ("sharma2019", 0.25, 0),
        ("sharma2019", 0.251, 1),
        ("sharma2019", 0.65, 1),
        ("sharma2019", 0.651, 2),
    ],
)
def test_levels_begin_where_each_index_says(name: str, score: float, level: int) -> None:
    assert INDEXES[name].level(np.array([score]), EngagementSettings()).tolist() == [level]


def test_an_index_of_ones_own_is_one_function_and_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        INDEXES, "presence", Index(lambda attention, emotions, settings: np.where(attention >= 0, 1, 0))
    )
    settings = Settings(analysis={"engagement": {"index": "presence"}})
    windows = resolved(observe(seats(1, 20), 20), 20, settings).tables["windows"].to_pylist()
    assert [(w["engagement"], w["level"]) for w in windows] == [(1, "high"), (1, "high")]


@pytest.mark.parametrize(
    "wrong",
    [{"expression": {"happy": 1.0}}, {"sharma_emotions": dict.fromkeys(EMOTIONS, 2.0)}, {"low_below": 0.9}],
    ids=["an emotion missing", "too heavy", "low above high"],
)
def test_weights_and_bounds_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=r"analysis\.engagement"):
        Settings.load(analysis={"engagement": wrong})


def test_without_emotions_engagement_is_attention() -> None:
    attention, nothing = np.array([0.2, 0.9]), np.full((2, 7), np.nan)
    for index in INDEXES.values():
        assert index.score(attention, nothing, EngagementSettings()).tolist() == attention.tolist()


def test_an_index_of_an_unknown_name_is_refused_with_those_that_exist() -> None:
    settings = Settings(analysis={"engagement": {"index": "mood"}})
    with pytest.raises(SettingsError, match="sharma2019"):
        resolved(observe(seats(1, 10), 10), 10, settings)


@hypothesis_settings(max_examples=25, deadline=None)
@given(st.integers(2, 12), st.integers(0, 1000), st.floats(0, 0.8))
def test_a_bootstrap_band_holds_the_mean_and_is_the_same_every_time(people: int, seed: int, missing: float) -> None:
    rng = np.random.default_rng(seed)
    values = rng.random((people, 20))
    values[rng.random(values.shape) < missing] = np.nan
    low, high = bootstrap_band(values, 400)
    known = np.isfinite(values).sum(axis=0)
    assert (np.isnan(low) == (known < 2)).all()
    for column in np.flatnonzero(known >= 2):
        own = values[:, column][np.isfinite(values[:, column])]
        assert own.min() - 1e-6 <= low[column] <= high[column] <= own.max() + 1e-6
        assert low[column] <= own.mean() + 0.1
        assert high[column] >= own.mean() - 0.1
    again = bootstrap_band(values, 400)
    np.testing.assert_array_equal(low, again[0])


def expressions(shared: float, people: int = 6, n: int = 120, seed: int = 0) -> Array:
    """Probabilities [people, n, 7] of which a share is common to all."""
    rng = np.random.default_rng(seed)
    common, own = rng.random((1, n, 7)), rng.random((people, n, 7))
    mixed = shared * common + (1 - shared) * own
    return np.asarray(mixed / mixed.sum(axis=2, keepdims=True))


@pytest.mark.parametrize(("shared", "low", "high"), [(0.0, -0.1, 0.1), (0.5, 0.3, 0.7), (1.0, 0.99, 1.01)])
def test_synchrony_says_how_much_expressions_have_in_common(shared: float, low: float, high: float) -> None:
    samples = observe([], 60).samples
    found = synchrony(expressions(shared), samples, AnalysisSettings())
    assert low <= found.value.mean() <= high
    assert (found.compared == 6).all()


def test_synchrony_is_the_mean_correlation_of_pairs() -> None:
    values = expressions(0.4, people=4, n=60)
    samples: Samples = observe([], 30).samples
    found = synchrony(values, samples, AnalysisSettings(synchrony_window_s=30))
    centred = (values - values.mean(axis=1, keepdims=True)).reshape(4, -1)
    pairs = np.corrcoef(centred)[np.triu_indices(4, 1)]
    assert found.value == pytest.approx(np.full(60, pairs.mean()), abs=1e-4)


@pytest.mark.parametrize(("shared", "beyond"), [(0.0, (0, 0.08)), (0.4, (0.9, 1))], ids=["apart", "together"])
def test_synchrony_beyond_its_band_is_rare_by_chance_and_usual_where_something_is_shared(
    shared: float, beyond: tuple[float, float]
) -> None:
    samples = observe([], 1200).samples
    found = synchrony(expressions(shared, people=8, n=2400), samples, AnalysisSettings())
    assert (found.chance_lo < 0).all()
    assert (found.chance_hi > 0).all()
    assert beyond[0] <= (found.value > found.chance_hi).mean() <= beyond[1]


def test_the_band_of_chance_is_wider_where_fewer_are_compared() -> None:
    values = expressions(0.0, people=8, n=1200)
    values[3:, 600:] = np.nan
    found = synchrony(values, observe([], 600).samples, AnalysisSettings())
    assert (found.compared[0], found.compared[-1]) == (8, 3)
    assert found.chance_hi[-1] > 2 * found.chance_hi[0]


def test_a_short_recording_has_synchrony_but_nothing_to_tell_chance_from() -> None:
    found = synchrony(expressions(0.5, n=120), observe([], 60).samples, AnalysisSettings())
    assert np.isfinite(found.value).all()
    assert np.isnan([found.chance_lo, found.chance_hi]).all()


def test_one_person_has_no_synchrony_and_no_band() -> None:
    group = resolved(observe(seats(1, 60), 60), 60).tables["group"]
    for column in ("synchrony", "attention_lo", "attention_hi"):
        assert group[column].null_count == len(group)


def test_the_group_counts_who_is_there() -> None:
    observations = observe([*seats(3, 30), Appearance(7, 15, 30, (900, 600, 80, 80))], 30)
    group = resolved(observations, 30).tables["group"]
    assert group["visible"].to_pylist() == [3] * 30 + [4] * 30
    assert group["present"].to_pylist() == group["visible"].to_pylist()


def kinds(table: pa.Table) -> list[str]:
    return [str(kind) for kind in table["kind"].to_pylist()]


def test_a_common_drop_of_attention_is_a_moment() -> None:
    rng = np.random.default_rng(3)

    def yaw(person: int, t_s: Array) -> Array:
        return restless(person, t_s, rng) + np.where((t_s >= 300) & (t_s < 330), 60, 0)

    moments = resolved(observe(seats(8, 600), 600, yaw=yaw), 600).tables["moments"].to_pylist()
    drops = [m for m in moments if m["kind"] == "attention_drop"]
    assert len(drops) == 1
    assert drops[0]["t0"] < 315 < drops[0]["t1"]
    assert abs(drops[0]["t0"] - 300) < 15
    assert drops[0]["strength"] > 3
    assert "attention" in drops[0]["detail"]


def test_laughter_that_is_shared_is_a_moment_with_those_who_laughed() -> None:
    rng = np.random.default_rng(4)

    def emotions(person: int, t_s: Array) -> Array:
        own = rng.uniform(0, 600, 3)
        return smiles(np.append(own, 200.0) if person < 6 else own, t_s)

    moments = resolved(observe(seats(8, 600), 600, emotions=emotions), 600).tables["moments"].to_pylist()
    laughter = [m for m in moments if m["kind"] == "shared_laughter"]
    assert len(laughter) == 1
    assert abs(laughter[0]["t0"] - 200) < 4
    assert {"P01", "P02", "P03", "P04", "P05", "P06"} <= set(laughter[0]["participants"])


def test_sessions_in_which_nothing_is_shared_have_hardly_a_moment() -> None:
    rng = np.random.default_rng(5)
    found = 0
    for seed in range(6):

        def emotions(person: int, t_s: Array) -> Array:
            return smiles(rng.uniform(0, 300, 6), t_s)

        def yaw(person: int, t_s: Array) -> Array:
            return restless(person, t_s, rng)

        observations = observe(seats(6, 300), 300, emotions=emotions, yaw=yaw, seed=seed)
        found += len(resolved(observations, 300).tables["moments"])
    # Five kinds with a chance of one per cent each: 0.3 expected in six sessions.
    assert found <= 2


def test_somebody_who_is_away_for_long_and_comes_back_is_a_moment() -> None:
    tracks = [*seats(2, 700), Appearance(9, 0, 100, (900, 600, 80, 80)), Appearance(9, 500, 700, (900, 600, 80, 80))]
    moments = resolved(observe(tracks, 700), 700).tables["moments"].to_pylist()
    away = [m for m in moments if m["kind"] == "long_absence"]
    assert [(m["t0"], m["t1"], m["participants"], m["strength"]) for m in away] == [(100, 500, ["P03"], None)]
