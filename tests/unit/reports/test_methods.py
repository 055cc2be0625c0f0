"""The methods paragraph says what actually ran."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from emorec.store import Session
from reports.context import context_of
from reports.methods import methods

Build = Callable[..., Session]


def _paragraph(session: Session) -> str:
    return " ".join(methods(context_of(session)).values["sentences"])


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        pytest.param({}, "looked at 600 pictures of the recording, offline: 2 per second.", id="pictures"),
        pytest.param(
            {},
            "attention (75%) and expression (25%) together, in windows of 10 s. It is low below 0.45 and "
            "high from 0.70 on",
            id="the index as released",
        ),
        pytest.param(
            {"emotions": False}, "Expressions were not classified. Engagement is attention alone", id="no emotions"
        ),
        pytest.param(
            {"metadata": {"settings": {"analysis": {"engagement": {"index": "sharma2019"}}}}},
            "the concentration index of Sharma et al. (2019), in windows of 10 s. It is low below 0.25",
            id="another index",
        ),
        pytest.param(
            {"metadata": {"settings": {"analysis": {"bootstrap": 900, "moments": {"shifts": 1999}}}}},
            "drawing the participants again at random, 900 times",
            id="changed settings",
        ),
        pytest.param(
            {"metadata": {"models": {"emotion/vgg11-1/model.tflite": "a0" * 32}}}, "Its version is vgg11-1.", id="model"
        ),
        pytest.param({"mode": "aggregate"}, "only means of fixed groups of at least 5 people", id="aggregate"),
        pytest.param(
            {"mode": "aggregate", "metadata": {"settings": {"analysis": {"least_group": 6}}}},
            "only means of fixed groups of at least 6 people",
            id="aggregate, of larger groups",
        ),
    ],
)
def test_what_ran_is_told_as_it_ran(build: Build, wanted: dict[str, Any], said: str) -> None:
    assert said in _paragraph(build(participants=6, minutes=5, **wanted))


def test_where_nobody_was_found_nothing_is_told_of_what_faces_would_have_gone_through(build: Build) -> None:
    text = _paragraph(build(participants=0, minutes=5))

    assert "In them it found 0 faces." in text
    assert "network" not in text
    assert "Engagement" not in text


def test_settings_that_this_version_does_not_know_are_passed_over(build: Build) -> None:
    session = build(participants=6, minutes=5, metadata={"settings": {"analysis": {"unheard_of": 1}}})

    assert "drawing the participants again at random, 400 times" in _paragraph(session)
