"""Many looks at a picture become one list of faces."""

from __future__ import annotations

import numpy as np
import pytest

from emorec.faces.merge import Sightings, merge_sightings, unopposed, without_known
from emorec.types import Detections

Row = tuple[float, float, float, float, float]
"""x, y, w, h, score."""


def sightings(*rows: Row) -> Sightings:
    table = np.array(rows, np.float32).reshape(-1, 5)
    return Sightings(
        table[:, :4], table[:, 4], np.zeros((len(rows), 6, 2), np.float32), np.full(len(rows), 300, np.float32)
    )


def detections(*rows: Row) -> Detections:
    found = sightings(*rows)
    return Detections(found.box_px, found.score, found.points_px)


@pytest.mark.parametrize(
    ("seen", "kept"),
    [
        pytest.param([(10, 10, 50, 50, 0.8), (14, 12, 48, 48, 0.7)], [0], id="two looks at one face"),
        pytest.param([(10, 10, 50, 50, 0.8), (100, 10, 50, 50, 0.7)], [0, 1], id="neighbours"),
        pytest.param([(10, 10, 50, 50, 0.9), (10, 10, 50, 24, 0.6)], [0], id="half a face at a tile's border"),
        pytest.param(
            [(0, 0, 300, 300, 0.6), (20, 30, 60, 60, 0.9), (200, 30, 60, 60, 0.9)], [1, 2], id="a face made of tiles"
        ),
        pytest.param([(0, 0, 300, 300, 0.9), (60, 60, 60, 60, 0.55)], [0], id="an eye taken for a face"),
        pytest.param([(0, 0, 300, 300, 0.55), (60, 60, 60, 60, 0.9)], [1], id="a blurred wall around a face"),
        pytest.param([(10, 10, 50, 50, 0.4)], [], id="too low a score"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_each_face_is_kept_once(seen: list[Row], kept: list[int]) -> None:
    merged = unopposed(merge_sightings(sightings(*seen), 0.5))
    expected = sorted(seen[i][:4] for i in kept)
    assert sorted(tuple(float(v) for v in box) for box in merged.box_px) == expected


def test_two_looks_that_agree_score_above_either() -> None:
    merged = merge_sightings(sightings((10, 10, 50, 50, 0.8), (11, 10, 50, 50, 0.7)), 0.5)
    assert merged.score[0] == pytest.approx(1 - 0.2 * 0.3)


def test_known_faces_come_first_and_are_not_found_again() -> None:
    known = detections((10, 10, 50, 50, 0.4))
    both = without_known(known, detections((12, 10, 50, 50, 0.99), (200, 10, 50, 50, 0.9), (205, 10, 50, 50, 0.8)))
    np.testing.assert_array_equal(both.box_px[:, 0], [10, 200])
