"""Which crops of a track are kept."""

from __future__ import annotations

import numpy as np

from emorec.faces.chips import Chip, ChipKeeper, appearance

PICTURE = np.zeros((2, 2, 3), np.uint8)


def kept_qualities(qualities: list[float], per_track: int) -> list[float]:
    keeper = ChipKeeper(per_track)
    for i, quality in enumerate(qualities):
        if keeper.wants(0, i / 2, quality):
            keeper.keep(0, i / 2, Chip(PICTURE.copy(), quality))
    return [chip.quality for chip in keeper.take(set())[0]]


def test_crops_are_few_and_spread_over_time() -> None:
    kept = kept_qualities([i / 1000 for i in range(240)], per_track=4)
    assert len(kept) == 4
    assert max(kept) - min(kept) > 0.02


def test_a_better_crop_takes_the_place_of_the_worst() -> None:
    assert 0.9 in kept_qualities([0.2, 0.2, 0.2, 0.2, 0.2, 0.2, *[0.9] * 60], per_track=2)


def test_the_worst_crop_goes_wherever_it_stands() -> None:
    assert 0.2 not in kept_qualities([0.5, 0.5, 0.5, 0.2, *[0.9] * 60], per_track=2)


def test_open_tracks_keep_their_crops() -> None:
    keeper = ChipKeeper(2)
    for track in (0, 1):
        keeper.keep(track, 0.0, Chip(PICTURE, 0.5))
    assert set(keeper.take({1})) == {0}
    assert set(keeper.take(set())) == {1}


def test_appearance_is_the_mean_and_unknown_without_crops() -> None:
    mean, spread = appearance(np.array([[0, 0], [2, 0]], np.float32))
    np.testing.assert_array_equal(mean, [1, 0])
    assert spread == 1
    assert np.isnan(appearance(np.zeros((0, 2), np.float32))[0]).all()
