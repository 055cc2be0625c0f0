"""Names of participants from labels that were read: votes, spelling, and who is joined by a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emorec.errors import InputError
from emorec.faces.identify import identify
from emorec.faces.names import name_people, read_roster
from emorec.faces.seats import seated
from emorec.resolve import resolve
from emorec.settings import Settings
from emorec.settings.analysis import IdentitySettings
from emorec.settings.privacy import PrivacySettings
from emorec.types import Observations, Tiles
from tests.observations import Appearance, Layout, face_in, observe, tiles_of_gallery

GALLERY = tiles_of_gallery(3, columns=3)


def call(*, off: int = -1) -> Observations:
    """Three people in three tiles for 60 s; one of them may turn the camera off after 30 s."""
    seen = [Appearance(k, 0, 30 if k == off else 60, face_in(tile), tile=k) for k, tile in enumerate(GALLERY)]
    return observe(seen, 60, layouts=[Layout(0, GALLERY)])


def labelled(observations: Observations, readings: Sequence[tuple[float, int, str]]) -> Observations:
    """The same with labels read: time, tile, text."""
    tiles = observations.tiles
    rows = np.array([int(np.flatnonzero(tiles.tile == tile)[0]) for _, tile, _ in readings])
    read = replace(
        tiles[rows],
        t_s=np.array([t for t, _, _ in readings]),
        plate=np.array([text for _, _, text in readings], np.str_),
    )
    return replace(observations, tiles=Tiles.concatenate([tiles, read]))


def labels(observations: Observations, roster: Sequence[str] = ()) -> tuple[str, ...]:
    return name_people(observations, identify(observations, IdentitySettings()), roster).label


def test_the_name_that_is_read_most_often_wins() -> None:
    seen = labelled(call(), [(1, 0, "Ana Ruiz"), (5, 0, "Ana Ruíz"), (9, 0, "Ana Ruíz"), (1, 2, "Mei Lin")])
    assert labels(seen) == ("Ana Ruíz", "", "Mei Lin")


@pytest.mark.parametrize(
    ("read", "entry"),
    [
        ("Ane Rulz", "Ana Ruiz"),
        ("ana ruiz (Host)", "Ana Ruiz"),
        ("Ruiz, Ana", "Ana Ruiz"),
        ("Mariana Sol…", "Mariana Solís"),
        ("Mariana", "Mariana Solís"),
        ("iPad 3", "iPad 3"),
    ],
)
def test_a_roster_corrects_what_is_near_one_of_its_names_only(read: str, entry: str) -> None:
    seen = labelled(call(), [(1, 0, read)])
    assert labels(seen, ["Ana Ruiz", "Mariana Solís", "Luis Ortega"])[0] == entry


def test_one_name_is_given_to_one_participant_only() -> None:
    seen = labelled(
        call(), [(1, 0, "Ana"), (5, 0, "Ana"), (9, 0, "Ana"), (1, 1, "Ana"), (5, 1, "Luis"), (9, 1, "Luis")]
    )
    assert labels(seen) == ("Ana", "Luis", "")


def test_a_label_read_in_many_tiles_once_does_not_name_anybody_twice() -> None:
    seen = labelled(call(), [(1, tile, "Share") for tile in range(3)])
    assert sorted(labels(seen)) == ["", "", "Share"]


def test_two_who_bear_one_name_and_are_never_together_are_one_participant() -> None:
    first, second = (
        Appearance(0, 0, 20, face_in(GALLERY[0]), tile=0),
        Appearance(1, 30, 60, face_in(GALLERY[0]), tile=0),
    )
    seen = observe([first, second], 60, layouts=[Layout(0, GALLERY)])
    identities = identify(seen, IdentitySettings())
    assert identities.people == 2
    named = name_people(labelled(seen, [(t, 0, "Ana Ruiz") for t in (1, 5, 9, 31, 35, 39)]), identities)
    assert named.identities.people == 1
    assert named.label == ("Ana Ruiz",)


def test_two_who_are_seen_together_stay_two_whatever_their_labels_say() -> None:
    named = labelled(call(), [(t, tile, "Ana Ruiz") for t in (1, 5, 9) for tile in (0, 1)])
    assert name_people(named, identify(named, IdentitySettings())).identities.people == 3


def test_an_empty_tile_belongs_to_whom_its_label_names() -> None:
    moved = [GALLERY[2], GALLERY[0], GALLERY[1]]
    # After 30 s the tiles are in another order, and two people's cameras are off: exclusion cannot tell them apart.
    seen = [Appearance(k, 0, 30, face_in(tile), tile=k) for k, tile in enumerate(GALLERY)]
    seen.append(Appearance(0, 30, 60, face_in(moved[0]), tile=3))
    observations = observe(seen, 60, layouts=[Layout(0, GALLERY), Layout(30, moved[:2])])
    read = [(1, 0, "Ana Ruiz"), (1, 1, "Luis Ortega"), (1, 2, "Mei Lin"), (31, 4, "Luis Ortega")]
    observations = labelled(observations, read)
    identities = identify(observations, IdentitySettings())
    before = seated(observations, identities)
    after = seated(observations, identities, name_people(observations, identities).of_tile)
    late = observations.samples.t_s >= 32
    assert not before[1, late].any()
    assert after[1, late].all()
    assert not after[2, late].any()


def test_labels_are_p01_and_so_on_unless_names_are_asked_for() -> None:
    seen = labelled(call(), [(1, 0, "Ana Ruiz")])

    def label(names: str) -> list[str]:
        settings = Settings(privacy=PrivacySettings(names=names))
        made = resolve(seen, session="0" * 16, duration_s=60, settings=settings)
        return list(made.tables["participants"]["label"].to_pylist())

    assert label("none") == ["P01", "P02", "P03"]
    assert label("plates") == ["Ana Ruiz", "P02", "P03"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("name,email\nAna Ruiz,a@b\nLuis,l@b\n", ("Ana Ruiz", "Luis")),
        ("id;Apellidos;Nombre\n1;Ruiz;Ana\n", ("Ana Ruiz",)),
        ("Ana Ruiz\nMei Lin\nAna Ruiz\n\n", ("Ana Ruiz", "Mei Lin")),
        ("\ufeffnombre\nSofía\n", ("Sofía",)),
    ],
)
def test_a_roster_is_read_from_whatever_columns_hold_names(tmp_path: Path, text: str, names: tuple[str, ...]) -> None:
    path = tmp_path / "roster.csv"
    path.write_text(text, encoding="utf-8")
    assert read_roster(path) == names


def test_a_roster_without_names_or_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    with pytest.raises(InputError, match="cannot be read"):
        read_roster(path)
    path.write_text("name\n")
    with pytest.raises(InputError, match="no name is in the roster"):
        read_roster(path)
