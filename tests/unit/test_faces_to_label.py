"""Which faces of a timeline are worth a person's time."""

from __future__ import annotations

import pandas as pd

from emorec.labels import APART_S, least_certain


def timeline(**changes: object) -> pd.DataFrame:
    """Ten seconds of two participants; P01's margins fall with time, P02 is sure."""
    t_s = [i / 2 for i in range(21)]
    frame = pd.DataFrame(
        {
            "participant": ["P01"] * 21 + ["P02"] * 21,
            "t": t_s * 2,
            "state": "visible",
            "skipped": False,
            "quality": 0.8,
            "emotion_margin": [0.5 - t / 100 for t in t_s] + [0.9] * 21,
            "w": 60.0,
        }
    )
    return frame.assign(**changes)


def test_the_least_certain_come_first_with_time_between_them_and_both_participants():
    chosen = least_certain(timeline(), 4)
    first = chosen[chosen.participant == "P01"]
    assert first.t.tolist() == [1.0, 4.0, 7.0, 10.0]
    assert first.t.diff().min() >= APART_S
    assert least_certain(timeline(), 6).participant.value_counts().to_dict() == {"P01": 4, "P02": 2}


def test_nobody_has_more_than_twice_an_equal_share():
    assert least_certain(timeline(), 2).participant.tolist() == ["P01", "P01"]
    four = pd.concat([timeline(), timeline(emotion_margin=0.95).replace({"P01": "P03", "P02": "P04"})])
    chosen = least_certain(four.reset_index(drop=True), 4)
    assert chosen.participant.value_counts().max() == 2


def test_faces_that_were_skipped_badly_seen_or_unread_are_passed_over():
    for changes in ({"skipped": True}, {"quality": 0.1}, {"state": "camera_off"}, {"emotion_margin": float("nan")}):
        assert least_certain(timeline(**changes), 4).empty
