"""Who is who: tracks of synthetic people, solved."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from emorec.faces.cluster import Pieces, cluster
from emorec.faces.identify import identify
from emorec.settings.analysis import IdentitySettings
from emorec.types import Observations
from tests.observations import Appearance, Layout, face_in, looks_of, observe, renumbered, tiles_of_gallery

LEFT, RIGHT = (100, 100, 80, 80), (600, 100, 80, 80)


def people(observations: Observations) -> list[int]:
    """The participant of each track."""
    return identify(observations, IdentitySettings()).participant.tolist()


@pytest.mark.parametrize(
    ("tracks", "cuts", "expected"),
    [
        ([Appearance(1, 0, 10), Appearance(1, 10, 20, RIGHT)], [10.0], [0, 0]),
        ([Appearance(1, 0, 10), Appearance(2, 10, 20)], [10.0], [0, 1]),
        ([Appearance(1, 0, 10), Appearance(2, 0, 10, RIGHT)], [], [0, 1]),
        ([Appearance(1, 0, 10), Appearance(1, 11, 20)], [], [0, 0]),
        ([Appearance(1, 0, 10), Appearance(2, 11, 20)], [], [0, 1]),
        ([Appearance(1, 0, 10), Appearance(1, 610, 620, RIGHT)], [], [0, 0]),
        ([Appearance(1, 0, 10), Appearance(2, 0, 10, RIGHT), Appearance(1, 10, 20, RIGHT)], [10.0], [0, 1, 0]),
    ],
    ids=[
        "one person split by a cut",
        "two people who never meet",
        "two people at once",
        "one person after a short gap",
        "another person at the same place",
        "one person after ten minutes",
        "a swapped place",
    ],
)
def test_tracks_become_people(tracks: list[Appearance], cuts: Sequence[float], expected: list[int]) -> None:
    end = max(track.t1 for track in tracks)
    assert people(observe(tracks, end, cuts=cuts)) == expected


def test_two_alike_faces_of_one_size_in_a_sample_are_two_people() -> None:
    assert people(observe([Appearance(1, 0, 10), Appearance(1, 0, 10, RIGHT)], 10)) == [0, 1]


def test_the_speaker_shown_large_and_in_the_strip_is_one_person() -> None:
    tracks = [
        Appearance(1, 0, 10, (500, 300, 300, 300)),
        Appearance(1, 0, 10, (100, 20, 60, 60)),
        Appearance(2, 0, 10, (200, 20, 60, 60)),
    ]
    large, small, other = people(observe(tracks, 10))
    assert large == small != other


def test_the_speaker_is_one_person_however_often_they_are_shown_large() -> None:
    large = (500, 300, 300, 300)
    tracks = [
        Appearance(1, 0, 60, (100, 20, 60, 60)),
        Appearance(2, 0, 60, (300, 20, 60, 60)),
        Appearance(1, 0, 20, large),
        Appearance(2, 20, 40, large),
        Appearance(1, 40, 60, large),
    ]
    assert people(observe(tracks, 60)) == [0, 1, 0, 1, 0]


def test_a_large_and_a_small_face_of_different_people_stay_two() -> None:
    tracks = [Appearance(1, 0, 10, (500, 300, 300, 300)), Appearance(2, 0, 10, (100, 20, 60, 60))]
    assert len(set(people(observe(tracks, 10)))) == 2


def test_people_are_numbered_by_first_face() -> None:
    tracks = [Appearance(3, 8, 20, RIGHT), Appearance(2, 4, 20, (300, 100, 80, 80)), Appearance(1, 0, 20)]
    assert people(observe(tracks, 20)) == [2, 1, 0]


def test_a_track_without_a_good_crop_belongs_to_who_sat_there() -> None:
    tracks = [
        Appearance(1, 0, 10),
        Appearance(2, 0, 10, RIGHT),
        Appearance(2, 11, 11.5, RIGHT, embedded=False),
    ]
    assert people(observe(tracks, 12)) == [0, 1, 1]


def test_a_track_without_a_good_crop_and_without_a_neighbour_is_left_out_with_a_reason() -> None:
    tracks = [Appearance(1, 0, 10), Appearance(2, 11, 11.5, RIGHT, embedded=False)]
    found = identify(observe(tracks, 12), IdentitySettings())
    assert found.participant.tolist() == [0, -1]
    assert "too short" in found.reason[1]


NOT_PEOPLE = [
    pytest.param({"t1": 1.0, "presence": 0.2, "score": 0.5}, id="a glimpse of a texture"),
    pytest.param({"t1": 60.0, "presence": 0.2, "score": 0.5, "motion": 0.0, "around": 0.1}, id="a poster"),
    pytest.param({"t1": 2.0, "box": (300, 300, 14, 14), "score": 0.5}, id="a tiny printed face"),
]
PEOPLE = [
    pytest.param({"motion": 0.0, "around": 0.0}, id="a frozen camera"),
    pytest.param({"motion": 0.0, "around": 0.1}, id="still while others move"),
    pytest.param({"score": 0.5}, id="a low score"),
    pytest.param({"presence": 0.3}, id="a profile without a mesh"),
    pytest.param({"t1": 3.0}, id="seen briefly"),
    pytest.param({"box": (300, 300, 30, 30)}, id="far from the camera"),
]


@pytest.mark.parametrize("what", NOT_PEOPLE)
def test_several_grounds_together_leave_a_track_out(what: dict[str, object]) -> None:
    given = {"t1": 60.0, "box": (300, 300, 80, 80), **what}
    other = Appearance(2, 0, **given)  # type: ignore[arg-type]
    found = identify(observe([Appearance(1, 0, 60), Appearance(3, 0, 60, RIGHT), other], 60), IdentitySettings())
    assert found.participant.tolist() == [0, 1, -1]
    assert found.reason[2]


@pytest.mark.parametrize("what", PEOPLE)
def test_a_single_ground_never_leaves_a_person_out(what: dict[str, object]) -> None:
    given = {"t1": 60.0, "box": (300, 300, 80, 80), **what}
    other = Appearance(2, 0, **given)  # type: ignore[arg-type]
    tracks = [Appearance(1, 0, 60), Appearance(3, 0, 60, RIGHT), other]
    assert sorted(people(observe(tracks, 60))) == [0, 1, 2]


def share(*, gallery: bool = True) -> tuple[list[Appearance], list[Layout]]:
    """A page beside a strip of three, then the gallery of the three."""
    page, strip = (0, 0, 900, 700), [(920, 10 + 180 * k, 300, 170) for k in range(3)]
    tiles = [Layout(0, [page, *strip])]
    seen = [Appearance(k, 0, 30, face_in(tile), tile=1 + k, motion=0.06) for k, tile in enumerate(strip)]
    if gallery:
        tiles.append(Layout(30, tiles_of_gallery(3)))
        seen += [Appearance(k, 30, 60, face_in(tile), 4 + k) for k, tile in enumerate(tiles_of_gallery(3))]
    return seen, tiles


@pytest.mark.parametrize(
    "what",
    [
        pytest.param({"motion": 0.001, "around": 0.001}, id="a portrait on a page"),
        pytest.param({"motion": 0.06, "around": 0.05}, id="a film"),
    ],
)
def test_who_is_shown_on_a_shared_page_is_left_out(what: dict[str, float]) -> None:
    seen, layouts = share()
    on_page = Appearance(9, 0, 30, (300, 200, 200, 200), tile=0, **what)  # type: ignore[arg-type]
    found = identify(observe([*seen, on_page], 60, layouts=layouts), IdentitySettings())
    assert found.people == 3
    assert "far larger than the others" in found.reason[-1]


def test_a_speaker_who_has_a_tile_in_the_gallery_is_a_person() -> None:
    seen, layouts = share()
    large = Appearance(1, 0, 30, (300, 200, 200, 200), tile=0, motion=0.06)
    assert identify(observe([*seen, large], 60, layouts=layouts), IdentitySettings()).people == 3


def test_a_speaker_in_a_recording_without_a_gallery_is_a_person() -> None:
    seen, layouts = share(gallery=False)
    large = Appearance(9, 0, 30, (300, 200, 200, 200), tile=0, motion=0.06)
    assert identify(observe([*seen, large], 30, layouts=layouts), IdentitySettings()).people == 4


@pytest.mark.parametrize(
    ("tile", "what"),
    [
        pytest.param(0, {}, id="on the wall behind somebody in a call"),
        pytest.param(-1, {"skipped": True}, id="on a page that fills the screen"),
        pytest.param(-1, {"box": (900, 40, 30, 30)}, id="at the back of a room"),
    ],
)
def test_a_portrait_beside_people_who_move_is_left_out(tile: int, what: dict[str, object]) -> None:
    live = [Appearance(k, 0, 60, (100 + 300 * k, 300, 80, 80), tile=tile, motion=0.06) for k in (0, 1)]
    given = {"box": (400, 40, 80, 80), "motion": 0.002, "around": 0.002, "tile": tile, **what}
    portrait = Appearance(7, 0, 60, **given)  # type: ignore[arg-type]
    layouts = [Layout(0, [(0, 0, 1280, 720)])] if tile >= 0 else []
    found = identify(observe([*live, portrait], 60, layouts=layouts), IdentitySettings())
    assert found.participant.tolist() == [0, 1, -1]
    assert "never moves, while others do" in found.reason[-1]


def test_a_frozen_camera_in_a_tile_of_its_own_is_a_person() -> None:
    tiles = tiles_of_gallery(3)
    seen = [Appearance(k, 0, 60, face_in(tile), tile=k, motion=0.06) for k, tile in enumerate(tiles[:2])]
    frozen = Appearance(2, 0, 60, face_in(tiles[2]), tile=2, motion=0.0, around=0.0, skipped=True)
    assert identify(observe([*seen, frozen], 60, layouts=[Layout(0, tiles)]), IdentitySettings()).people == 3


def reshuffled_call(seed: int, count: int = 12) -> tuple[Observations, list[int]]:
    """A gallery that is reordered every 20 s, and who each track shows."""
    rng = np.random.default_rng(seed)
    tiles = tiles_of_gallery(count)
    tracks, layouts = [], []
    for number in range(4):
        layouts.append(Layout(20.0 * number, tiles))
        for place, person in enumerate(rng.permutation(count).tolist()):
            tile = number * count + place
            tracks.append(Appearance(person, 20.0 * number, 20.0 * number + 20, face_in(tiles[place]), tile))
    order = rng.permutation(len(tracks)).tolist()
    return observe([tracks[k] for k in order], 80, layouts=layouts, seed=seed), [tracks[k].person for k in order]


@pytest.mark.parametrize("seed", range(3))
def test_everybody_in_a_reshuffled_gallery_keeps_their_number(seed: int) -> None:
    observations, truth = reshuffled_call(seed)
    found = people(observations)
    assert len(set(zip(found, truth, strict=True))) == len(set(truth)) == len(set(found))


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 3))
def test_how_tracks_are_numbered_changes_nothing(random: object, seed: int) -> None:
    observations, _ = reshuffled_call(seed, count=6)
    order = list(range(len(observations.tracks)))
    random.shuffle(order)  # type: ignore[attr-defined]
    before, after = people(observations), people(renumbered(observations, order))
    assert [after[name] for name in order] == before


def test_somebody_who_comes_back_changed_is_known_by_who_else_is_there() -> None:
    tiles = tiles_of_gallery(8, columns=4)
    tracks = [Appearance(p, 0, 20, face_in(tiles[p]), p) for p in range(8)]
    tracks += [Appearance(p, 40, 60, face_in(tiles[p]), p) for p in range(8)]
    observations = observe(tracks, 60, layouts=[Layout(0, tiles)], cuts=[20.0, 40.0])
    # The last one has turned: farther from before than the reach, nearer than any two people are.
    before, after = observations.tracks.embedding[7], observations.tracks.embedding[15]
    away = after - before
    observations.tracks.embedding[15] = before + away / np.linalg.norm(away) * 0.53
    found = people(observations)
    assert found[8:] == found[:8]


def random_pieces(seed: int, n: int, n_people: int, noise: float) -> Pieces:
    """Pieces of some people with noise of a given length, of which random pairs are in conflict."""
    rng = np.random.default_rng(seed)
    who = rng.integers(0, n_people, n)
    jitter = rng.normal(size=(n, 128)) * noise / np.sqrt(2 * 128)
    apart = np.triu(rng.random((n, n)) < 0.1, k=1)
    return Pieces(
        np.array([looks_of(person) for person in who]) + jitter,
        rng.uniform(0.2, 1, n),
        np.full(n, 0.5),
        sparse.csr_array(apart | apart.T),
    )


def worth(pieces: Pieces, label: np.ndarray) -> float:
    """The sum that a clustering gains."""
    distance = np.linalg.norm(pieces.embedding[:, None] - pieces.embedding[None], axis=2)
    gain = (0.5 - distance) * pieces.mass[:, None] * pieces.mass[None]
    together = np.triu(label[:, None] == label[None], k=1)
    return float(gain[together].sum())


def partitions(n: int) -> list[list[int]]:
    """Every way to split n pieces."""
    found = [[0]]
    for _ in range(1, n):
        found = [[*labels, k] for labels in found for k in range(max(labels) + 2)]
    return found


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 8), st.floats(0.1, 0.9))
def test_pieces_in_conflict_never_share_a_label(seed: int, n: int, n_people: int, noise: float) -> None:
    pieces = random_pieces(seed, n, n_people, noise)
    label = cluster(pieces)
    same = label[:, None] == label[None]
    assert not (same & (pieces.conflict.todense() > 0)).any()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.2, 0.8))
def test_a_clustering_is_nearly_as_good_as_the_best_of_all(seed: int, noise: float) -> None:
    pieces = random_pieces(seed, 7, 3, noise)
    apart = pieces.conflict.todense() > 0
    allowed = [label for label in map(np.asarray, partitions(7)) if not ((label[:, None] == label[None]) & apart).any()]
    best = max(worth(pieces, label) for label in allowed)
    assert worth(pieces, cluster(pieces)) >= 0.95 * best - 1e-9


def test_thousands_of_pieces_are_solved_in_blocks() -> None:
    pieces = random_pieces(1, 4000, 30, 0.3)
    pieces = Pieces(pieces.embedding, pieces.mass, pieces.reach, sparse.csr_array((4000, 4000), dtype=bool))
    assert cluster(pieces).max() + 1 == 30
