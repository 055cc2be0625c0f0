"""Series brought to what a screen can show."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.series import Bins, bins_for, mean_in_bins, runs, steps_of


@given(st.floats(0.1, 12 * 3600), st.integers(20, 500))
def test_bins_cover_the_recording_and_are_not_too_many(duration_s: float, most: int) -> None:
    bins = bins_for(duration_s, most)

    assert duration_s <= bins.count * bins.width_s < duration_s + bins.width_s + 1e-6
    assert bins.count <= most


def test_bins_are_never_finer_than_the_data() -> None:
    assert bins_for(60, 240, at_least_s=10) == Bins(10, 6)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=200), st.integers(1, 30))
def test_means_of_bins_weighted_by_their_rows_are_the_mean_of_all(values: list[float], width_s: int) -> None:
    t_s = np.arange(len(values), dtype=float)
    bins = Bins(width_s, -(-len(values) // width_s))

    rows = np.bincount(bins.index(t_s), minlength=bins.count)

    assert np.average(mean_in_bins(t_s, np.array(values), bins), weights=rows) == pytest.approx(np.mean(values))


def test_a_bin_without_a_value_is_not_a_number() -> None:
    means = mean_in_bins(np.array([0.0, 1.0, 4.0]), np.array([1.0, 3.0, np.nan]), Bins(2, 3))

    np.testing.assert_array_equal(means, [2.0, np.nan, np.nan])


@given(st.lists(st.integers(-1, 2), max_size=60))
def test_runs_put_together_give_the_codes_back(codes: list[int]) -> None:
    back = [code for code, a, b in runs(np.array(codes, np.int64)) for _ in range(a, b)]

    assert back == codes


@pytest.mark.parametrize(
    ("levels", "lengths"),
    [
        pytest.param([0.7], [60], id="level"),
        pytest.param([0.7, 0.5], [34, 26], id="one fall"),
        pytest.param([0.7, 0.5, 0.68], [20, 15, 25], id="a dip"),
    ],
)
def test_steps_of_a_noisy_curve_are_found_where_they_are(levels: list[float], lengths: list[int]) -> None:
    clean = np.repeat(levels, lengths)
    noise = np.random.default_rng(4).normal(0, 0.02, len(clean))

    steps = steps_of(clean + noise, shortest=4)

    assert [s.last - s.first for s in steps.stretches] == pytest.approx(lengths, abs=1)
    assert [s.mean for s in steps.stretches] == pytest.approx(levels, abs=0.02)


def test_a_flat_noisy_curve_seldom_has_a_step() -> None:
    rng = np.random.default_rng(0)
    stepped = sum(len(steps_of(0.7 + rng.normal(0, 0.05, 60), shortest=4).stretches) > 1 for _ in range(100))

    assert stepped <= 2


def test_a_steady_decline_is_told_as_one() -> None:
    steps = steps_of(np.linspace(0.8, 0.5, 60), shortest=4)

    assert steps.slope == pytest.approx(-0.3, abs=0.01)


def test_a_curve_with_gaps_has_its_steps_at_the_bins_of_the_whole() -> None:
    curve = np.repeat([0.8, 0.5], 30)
    curve[10:20] = np.nan

    steps = steps_of(curve, shortest=4)

    assert [(s.first, s.last) for s in steps.stretches] == [(0, 30), (30, 60)]


def test_a_curve_without_a_value_has_no_step() -> None:
    assert steps_of(np.full(20, np.nan), shortest=2).stretches == ()
