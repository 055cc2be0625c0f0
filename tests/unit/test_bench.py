"""What the benchmarks compute themselves: agreement of two results, and a simulated day."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bench.ablation import kept_by_share, of_ten
from bench.chunk_length import score
from bench.meetings import _gallery, _strip
from bench.optimisations import compare
from bench.scale import simulate
from emorec.types import EMOTIONS


def timeline(people: int = 3, samples: int = 4) -> pd.DataFrame:
    """People side by side, each with an expression of their own."""
    rows = [
        {
            "t": sample / 2,
            "participant": f"P{who:02d}",
            "state": "visible",
            "x": 100.0 * who,
            "y": 10.0,
            "w": 50.0,
            "h": 50.0,
            **{name: float(k == who) for k, name in enumerate(EMOTIONS)},
        }
        for who in range(people)
        for sample in range(samples)
    ]
    return pd.DataFrame(rows)


def test_a_result_agrees_with_itself_and_with_itself_under_other_names() -> None:
    one = timeline()
    renamed = one.assign(participant=one["participant"].map({"P00": "P02", "P01": "P00", "P02": "P01"}))
    for other in (one, renamed):
        same = compare(one, other)
        assert (same.faces, same.idf1, same.emotion_mean) == (1.0, 1.0, 0.0)


def test_lost_faces_swapped_people_and_other_emotions_are_told() -> None:
    one = timeline()
    assert compare(one, one[one["participant"] != "P02"]).faces == pytest.approx(2 / 3)
    half = one["t"] >= 1
    swapped = one.assign(
        participant=one["participant"].where(~half, one["participant"].map({"P00": "P01", "P01": "P00"}).fillna("P02"))
    )
    assert compare(one, swapped).idf1 == pytest.approx(2 / 3)
    paler = one.assign(**{name: one[name] * 0.9 for name in EMOTIONS})
    assert compare(one, paler).emotion_mean == pytest.approx(0.1 / len(EMOTIONS))


def test_participants_are_scored_by_the_tiles_that_their_faces_lie_in() -> None:
    seen = timeline()
    truth = pd.DataFrame(
        {"t": t, "person": who, "state": "visible", "x": 100 * who - 20, "y": 0, "w": 90, "h": 80}
        for t in (0.0, 1.0)
        for who in range(3)
    )
    whole = score(seen, truth)
    assert (whole.recall, whole.idf1, whole.people, whole.participants) == (1.0, 1.0, 3, 3)
    split = seen.assign(participant=seen["participant"].where((seen["t"] < 1) | (seen["x"] > 0), "P09"))
    assert (score(split, truth).idf1, score(split, truth).participants) == (pytest.approx(5 / 6), 4)
    lost = score(seen[seen["participant"] != "P01"], truth)
    assert (lost.recall, lost.idf1) == (pytest.approx(2 / 3), pytest.approx(2 * 4 / 10))


@pytest.mark.parametrize("people", [1, 2, 9, 25, 49])
def test_tiles_lie_in_the_picture_and_beside_each_other(people: int) -> None:
    for rects in (_gallery(people, 1920, 1080), _strip(people, 1920, 1080)):
        shown = np.zeros((1080, 1920), int)
        for x, y, w, h in rects:
            assert min(x, y) >= 0
            assert x + w <= 1920
            assert y + h <= 1080
            shown[y : y + h, x : x + w] += 1
        assert shown.max() == 1


def test_more_workers_bring_reports_sooner_for_the_same_work() -> None:
    few, many = (simulate(100, workers, days=1, seed=3) for workers in (1, 8))
    assert many.cpu_hours == pytest.approx(few.cpu_hours)
    assert np.median(many.hours_to_report) < np.median(few.hours_to_report)
    assert few.busy == pytest.approx(8 * many.busy)
    assert few.longest_queue > many.longest_queue


def test_photographs_are_left_out_evenly_until_enough_are_not_engaged() -> None:
    label = np.array([2] * 10 + [0] * 4 + [1] * 10)

    assert kept_by_share(label, 0).all()
    kept = kept_by_share(label, 0.5)
    assert kept[10:14].all()
    assert list(np.flatnonzero(kept & (label > 0))) == [0, 6, 16, 23]


def test_means_of_ten_are_of_one_person_and_label_and_skip_what_is_not_known() -> None:
    rows = pd.DataFrame({"subject": ["a"] * 12 + ["b"], "label": [1] * 12 + [1], "x": [*np.arange(12.0), 99.0]})
    rows.loc[0, "x"] = np.nan

    assert of_ten(rows, "x").x.tolist() == [5.5, 11.0, 99.0]
