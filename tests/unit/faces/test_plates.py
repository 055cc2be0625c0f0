"""Reading the labels of tiles."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from emorec import assets
from emorec.errors import AssetError
from emorec.faces.onnx_file import metadata
from emorec.faces.plates import PlateReader, PlateSchedule
from emorec.settings import Settings
from emorec.types import UInt8

TILE = (40, 30, 480, 270)


@pytest.fixture(scope="module")
def reader() -> PlateReader:
    try:
        return PlateReader(*(assets.locate(name, Settings.load().assets) for name in assets.PLATES))
    except AssetError as error:
        pytest.skip(str(error))


def call_with(text: str, at: tuple[int, int], colour: int) -> UInt8:
    """A tile of changing grey with a text at a place in it."""
    x, y, w, h = TILE
    picture = np.full((340, 560, 3), 24, np.uint8)
    picture[y : y + h, x : x + w] = np.linspace(60, 150, w, dtype=np.uint8)[None, :, None]
    where = (x + at[0], y + at[1])
    cv2.putText(picture, text, where, cv2.FONT_HERSHEY_DUPLEX, 0.7, (colour,) * 3, 1, cv2.LINE_AA)
    return picture


@pytest.mark.parametrize(
    ("at", "colour", "empty"), [((10, 258), 250, False), ((10, 258), 10, False), ((170, 140), 250, True)]
)
def test_a_label_is_read_at_the_lower_edge_and_in_the_middle_of_an_empty_tile(
    reader: PlateReader, at: tuple[int, int], colour: int, empty: bool
) -> None:
    picture = call_with("Luis Ortega", at, colour)
    (reading,) = reader.read(picture, np.array([TILE], np.float32), np.array([empty]))
    assert reading is not None
    assert reading.text == "Luis Ortega"


def test_text_in_the_middle_of_a_tile_with_a_face_is_no_label(reader: PlateReader) -> None:
    picture = call_with("Luis Ortega", (170, 140), 250)
    assert reader.read(picture, np.array([TILE], np.float32), np.array([False])) == [None]


def test_each_label_comes_from_its_own_tile(reader: PlateReader) -> None:
    tiles = np.array([(0, 0, 300, 170), (320, 0, 300, 170), (0, 180, 300, 170)], np.float32)
    picture = np.full((360, 640, 3), 90, np.uint8)
    for (x, y, _, h), name in zip(tiles.astype(int).tolist(), ("Ana Ruiz", "", "Mei Lin"), strict=True):
        cv2.putText(picture, name, (x + 8, y + h - 8), cv2.FONT_HERSHEY_DUPLEX, 0.5, (250,) * 3, 1, cv2.LINE_AA)
    read = reader.read(picture, tiles, np.zeros(3, bool))
    assert [reading and reading.text for reading in read] == ["Ana Ruiz", None, "Mei Lin"]


def test_a_label_is_read_a_few_times_and_anew_for_another_occupant() -> None:
    schedule, tile = PlateSchedule(), np.array([7], np.int32)

    def times_read(occupant: int, t0: int) -> int:
        occupants = np.array([occupant], np.int32)
        return sum(int(schedule.due(t0 + t / 2, tile, occupants).sum()) for t in range(120))

    first = times_read(3, 0)
    assert first == 3
    assert times_read(3, 60) == 0
    assert times_read(4, 120) == first


def test_a_few_labels_are_read_at_a_time_and_all_in_turn() -> None:
    schedule, tiles = PlateSchedule(), np.arange(49, dtype=np.int32)
    due = np.array([schedule.due(t / 2, tiles, tiles) for t in range(100)])
    assert due.sum(axis=1).max() <= 8
    assert due[:10].any(axis=0).all()
    assert (due.sum(axis=0) == 3).all()


def test_models_that_are_missing_are_named_with_the_command_that_brings_them(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"text_detection\.onnx is missing .*emorec assets --plates"):
        assets.locate("text_detection.onnx", tmp_path)


def test_metadata_of_an_onnx_file_are_read_whatever_else_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    entry = b"\x0a\x09character\x12\x03a\nb"
    path.write_bytes(b"\x08\x07" + b"\x12\x02xy" + b"\x72" + bytes([len(entry)]) + entry + b"\x25abcd")
    assert metadata(path) == {"character": "a\nb"}


@pytest.mark.parametrize("content", [b"\x72\x7f", b"\x73", b"\xff\xff"])
def test_what_is_no_onnx_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"message|wire type"):
        metadata(path)
