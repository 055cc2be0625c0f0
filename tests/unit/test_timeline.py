"""Participants × samples: who is visible, behind a camera that is off, or absent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from emorec.faces.identify import identify
from emorec.faces.seats import seated
from emorec.settings.analysis import IdentitySettings
from emorec.timeline import Presence, presence
from emorec.types import STATES, Observations
from tests.observations import Appearance, Layout, face_in, observe, tiles_of_gallery

TILES = tiles_of_gallery(6, columns=3)
GAP_S = IdentitySettings().gap_s


def present(observations: Observations) -> Presence:
    identities = identify(observations, IdentitySettings())
    return presence(observations, identities, seated(observations, identities), GAP_S)


def states(observations: Observations, participant: int) -> list[tuple[str, float, float]]:
    """A participant's stretches: state, first and last time."""
    rows = present(observations)
    own = rows[rows.participant == participant]
    t_s = observations.samples.t_s[own.sample]
    starts = [0, *(np.flatnonzero(np.diff(own.state)) + 1).tolist(), len(own)]
    return [(STATES[own.state[a]], float(t_s[a]), float(t_s[b - 1])) for a, b in pairwise(starts)]


def seat(person: int, t0: float, t1: float, place: int, layout: int = 0) -> Appearance:
    """A person in a tile of one of several layouts of six tiles."""
    return Appearance(person, t0, t1, face_in(TILES[place]), layout * len(TILES) + place)


def company(t0: float, t1: float, layout: int = 0, places: Sequence[int] = range(1, 6)) -> list[Appearance]:
    """Everybody but person 0."""
    return [seat(place, t0, t1, place, layout) for place in places]


def test_a_camera_that_goes_off_and_on_again() -> None:
    tracks = [seat(0, 0, 10, 0), seat(0, 20, 30, 0), *company(0, 30)]
    found = states(observe(tracks, 30, layouts=[Layout(0, TILES)]), 0)
    assert found == [("visible", 0, 9.5), ("camera_off", 10, 19.5), ("visible", 20, 29.5)]


def test_without_tiles_somebody_who_is_not_seen_is_absent() -> None:
    tracks = [Appearance(0, 0, 10), Appearance(0, 20, 30)]
    assert states(observe(tracks, 40), 0) == [("visible", 0, 9.5), ("absent", 10, 19.5), ("visible", 20, 29.5)]


@pytest.mark.parametrize(
    ("back_at", "cuts", "expected"),
    [(11.5, [], "visible"), (12.0, [], "absent"), (11.5, [11.0], "absent")],
    ids=["a short gap is bridged", "a longer one is not", "nor one with a cut inside"],
)
def test_missed_samples(back_at: float, cuts: list[float], expected: str) -> None:
    rows = present(observe([Appearance(0, 0, 10), Appearance(0, back_at, 20)], 20, cuts=cuts))
    missed = rows[rows.face < 0]
    assert {STATES[state] for state in missed.state} == {expected}


def test_of_two_showings_the_larger_face_counts() -> None:
    large = Appearance(1, 5, 10, (500, 300, 300, 300))
    tracks = [Appearance(1, 0, 10, (100, 20, 60, 60)), large, Appearance(2, 0, 10, (200, 20, 60, 60))]
    observations = observe(tracks, 10)
    rows = present(observations)
    own = rows[rows.participant == 0]
    width = observations.faces.box_px[own.face, 2]
    assert (width[:10] < 100).all()
    assert (width[10:] > 200).all()


def test_an_empty_tile_across_a_chunk_border_is_still_its_holders() -> None:
    # The next chunk knows nothing of this one: other layouts, other tiles, though nothing has changed.
    tracks = [
        seat(0, 0, 10, 0),
        *company(0, 20),
        *company(20, 40, layout=1),
        *company(40, 60, layout=2),
        seat(0, 50, 60, 0, layout=2),
    ]
    layouts = [Layout(0, TILES), Layout(20, TILES), Layout(40, TILES)]
    found = states(observe(tracks, 60, layouts=layouts), 0)
    assert found == [("visible", 0, 9.5), ("camera_off", 10, 49.5), ("visible", 50, 59.5)]


def test_an_empty_tile_after_a_reorder_is_the_missing_persons() -> None:
    tracks = [
        seat(0, 0, 10, 0),
        *company(0, 20),
        *[seat(person, 20, 40, 5 - person, layout=1) for person in range(1, 6)],
        *company(40, 60, layout=2),
        seat(0, 40, 60, 0, layout=2),
    ]
    layouts = [Layout(0, TILES), Layout(20, TILES), Layout(40, TILES)]
    found = states(observe(tracks, 60, layouts=layouts), 0)
    assert found == [("visible", 0, 9.5), ("camera_off", 10, 39.5), ("visible", 40, 59.5)]


def test_an_empty_tile_that_may_be_one_of_several_peoples_is_nobodys() -> None:
    strip = TILES[:4]
    tracks = [seat(0, 0, 20, 0), *company(0, 20), *company(20, 40, layout=1, places=[1, 2, 3])]
    tracks += [seat(0, 40, 60, 0, layout=2), *company(40, 60, layout=2)]
    layouts = [Layout(0, TILES), Layout(20, strip), Layout(40, TILES)]
    observations = observe(
        [
            track if track.tile < 10 else Appearance(track.person, track.t0, track.t1, track.box, track.tile - 2)
            for track in tracks
        ],
        60,
        layouts=layouts,
    )
    assert states(observations, 0) == [("visible", 0, 19.5), ("absent", 20, 39.5), ("visible", 40, 59.5)]


def test_a_tile_that_goes_away_leaves_its_holder_absent() -> None:
    tracks = [seat(0, 0, 20, 0), *company(0, 20)]
    smaller = TILES[:5]
    tracks += [Appearance(p, 20, 40, face_in(smaller[p - 1]), 6 + p - 1) for p in range(1, 6)]
    tracks += [Appearance(p, 40, 60, face_in(TILES[p]), 11 + p) for p in range(6)]
    layouts = [Layout(0, TILES), Layout(20, smaller), Layout(40, TILES)]
    found = states(observe(tracks, 60, layouts=layouts), 0)
    assert found == [("visible", 0, 19.5), ("absent", 20, 39.5), ("visible", 40, 59.5)]


def test_nobody_gives_an_empty_timeline() -> None:
    assert len(present(observe([], 10))) == 0
