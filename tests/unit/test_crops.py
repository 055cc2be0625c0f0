"""Squares cut out of a picture: each pixel comes from where `to_picture` says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emorec.crops import Square, cut_square

WIDTH, HEIGHT = 480, 320


def coordinates() -> np.ndarray:
    """A picture whose red grows with x and green with y: two px to a level."""
    x, y = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    return np.stack([x / 2, y / 2, np.full_like(x, 200)], axis=-1).astype(np.uint8)


@given(
    x=st.floats(180, 300),
    y=st.floats(130, 190),
    side=st.floats(20, 160),
    angle=st.floats(-np.pi, np.pi),
    pixels=st.sampled_from([16, 64]),
)
def test_each_pixel_shows_its_place(x: float, y: float, side: float, angle: float, pixels: int) -> None:
    square = Square((x, y), side, angle)
    crop = cut_square(coordinates(), square, pixels).astype(float)
    centers = (np.stack(np.meshgrid(np.arange(pixels), np.arange(pixels)), axis=-1) + 0.5) / pixels
    expected = (square.to_picture(centers) - 0.5) / 2
    # Levels are whole, and truncated twice.
    assert np.abs(crop[..., :2] - expected).max() < 1.6


@pytest.mark.parametrize("side", [30, 600], ids=["as it is", "reduced"])
def test_outside_the_picture_its_border_is_repeated(side: float) -> None:
    picture = coordinates()
    picture[:, :8] = 250
    crop = cut_square(picture, Square((0, HEIGHT / 2), side), 64)
    assert crop[:, :30].min() >= 249


@pytest.mark.parametrize("side", [50, 900], ids=["as it is", "reduced"])
def test_a_square_wholly_outside_is_cut_as_well(side: float) -> None:
    assert cut_square(coordinates(), Square((-2000, -2000), side), 32).shape == (32, 32, 3)


def test_fine_stripes_become_grey_and_not_broad_stripes() -> None:
    stripes = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    stripes[:, ::2] = 255
    crop = cut_square(stripes, Square((WIDTH / 2, HEIGHT / 2), 300), 32)
    assert np.ptp(crop.astype(int)) < 80
