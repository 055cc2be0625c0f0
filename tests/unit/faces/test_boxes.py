"""Box geometry: properties that hold for any boxes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from emorec.faces.boxes import centers, contains, grown, iou, overlap_of_smaller

BOXES = arrays(np.float32, st.tuples(st.integers(1, 5), st.just(4)), elements=st.integers(1, 500).map(float))


@given(BOXES, BOXES)
def test_overlaps_are_symmetric_and_between_0_and_1(a: np.ndarray, b: np.ndarray) -> None:
    for measure in (iou, overlap_of_smaller):
        there, back = measure(a, b), measure(b, a)
        np.testing.assert_allclose(there, back.T, rtol=1e-5)
        assert ((there >= 0) & (there <= 1 + 1e-5)).all()
        assert (overlap_of_smaller(a, b) >= iou(a, b) - 1e-5).all()


@given(BOXES)
def test_a_box_overlaps_itself_wholly_and_contains_its_middle(a: np.ndarray) -> None:
    np.testing.assert_allclose(np.diag(iou(a, a)), 1, rtol=1e-5)
    assert np.diag(contains(a, centers(a))).all()


@given(BOXES, st.floats(0.5, 4))
def test_a_grown_box_keeps_its_middle(a: np.ndarray, factor: float) -> None:
    larger = grown(a, factor)
    np.testing.assert_allclose(centers(larger), centers(a), rtol=1e-4, atol=0.01)
    np.testing.assert_allclose(larger[:, 2:], a[:, 2:] * factor, rtol=1e-4)
