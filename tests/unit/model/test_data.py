"""Labelled pictures as people have them."""

from __future__ import annotations

import dataclasses
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from model.data import CLASSES, clean, copies, hold_out, load_images, repeated, soft_targets, splits_of
from model.errors import ModelError
from tests.unit.model.conftest import draw_faces


def picture(seed: int, side_px: int = 48) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (side_px, side_px), dtype=np.uint8)


def test_a_folder_and_a_zip_of_it_read_the_same(write_folder, tmp_path):
    folder = write_folder({f"images/train/{c}/{i:05d}.png": picture(i) for i, c in enumerate(("sad", "happy"))})
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        for path in folder.rglob("*.png"):
            archive.write(path, path.relative_to(folder))
    a, b = load_images(folder, "train"), load_images(tmp_path / "data.zip", "train")
    assert [CLASSES[i] for i in a.labels] == ["happy", "sad"]
    assert (a.images == b.images).all()
    assert a.fingerprint() == b.fingerprint()


def test_colour_any_size_and_other_names_are_understood(write_folder):
    colour = np.dstack([picture(1, 100)] * 3)
    data = load_images(write_folder({"Training/Sadness/a.jpg": colour, "test/anger/b.png": picture(2, 20)}))
    assert data.images.shape == (2, 48, 48)
    assert {CLASSES[i] for i in data.labels} == {"sad", "angry"}


def test_an_unreadable_picture_is_counted(write_folder):
    folder = write_folder({"happy/a.png": picture(1)})
    (folder / "happy/b.png").write_bytes(b"no picture")
    data = load_images(folder)
    assert len(data) == 1
    assert data.dropped == {"unreadable": 1}


def test_a_picture_larger_than_what_fits_into_memory_is_counted(write_folder):
    folder = write_folder({"happy/a.png": picture(1)})
    header = b"IHDR" + (100_000).to_bytes(4, "big") * 2 + b"\x08\x00\x00\x00\x00"
    check = zlib.crc32(header).to_bytes(4, "big")
    (folder / "happy/b.png").write_bytes(b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + header + check)
    assert load_images(folder).dropped == {"unreadable": 1}


@pytest.mark.parametrize("other", ["vaildation/happy/b.png", "happy/b.png"])
def test_class_folders_beside_splits_that_are_in_none_are_refused(write_folder, other):
    folder = write_folder({"images/train/happy/a.png": picture(1), f"images/{other}": picture(2)})
    with pytest.raises(ModelError, match=f"images/{other}: in none of the splits"):
        load_images(folder, "train")


def test_scans_of_laboratories_are_read(write_folder):
    assert len(load_images(write_folder({"happy/a.tiff": picture(1), "happy/b.PGM": picture(2)}))) == 2


def test_a_class_without_a_readable_picture_is_refused(write_folder):
    folder = write_folder({"happy/a.png": picture(1), "sad/b.png": picture(2)})
    (folder / "sad/b.png").write_bytes(b"")
    with pytest.raises(ModelError, match="sad"):
        load_images(folder)


def test_an_empty_class_folder_is_refused_by_its_name(write_folder):
    folder = write_folder(
        {"train/happy/a.png": picture(1), "test/happy/b.png": picture(2), "test/sad/c.png": picture(3)}
    )
    (folder / "train/disgust").mkdir()
    with pytest.raises(ModelError, match="train/disgust has no picture"):
        load_images(folder, "train")
    assert len(load_images(folder, "test")) == 2


def test_what_systems_add_to_folders_and_zips_is_passed_over(write_folder, tmp_path):
    folder = write_folder({"happy/a.png": picture(1), "sad/b.png": picture(2)})
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        for path in folder.rglob("*.png"):
            archive.write(path, f"faces/{path.relative_to(folder)}")
        archive.writestr("__MACOSX/faces/happy/._a.png", b"resource fork")
        archive.writestr("faces/.thumbs/x.png", b"")
        archive.writestr("faces/happy/notes.txt", b"")
    data = load_images(tmp_path / "data.zip")
    assert (len(data), data.dropped) == (2, {})


def test_a_picture_that_is_damaged_inside_a_zip_is_counted(write_folder, tmp_path):
    folder = write_folder({"happy/a.png": picture(1), "happy/b.png": picture(2)})
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        for path in sorted(folder.rglob("*.png")):
            archive.write(path, path.relative_to(folder))
        begin = archive.getinfo("happy/b.png").header_offset + 200
    content = bytearray((tmp_path / "data.zip").read_bytes())
    content[begin] ^= 255
    (tmp_path / "data.zip").write_bytes(content)
    assert load_images(tmp_path / "data.zip").dropped == {"unreadable": 1}


def zip_of(folder: Path, to: Path, compression: int = zipfile.ZIP_STORED, slash: str = "/") -> bytearray:
    """Zip a folder's pictures, and give the bytes of the zip, to be harmed."""
    with zipfile.ZipFile(to, "w", compression) as archive:
        for path in sorted(folder.rglob("*.png")):
            entry = zipfile.ZipInfo("x")
            entry.filename, entry.compress_type = str(path.relative_to(folder)).replace("/", slash), compression
            archive.writestr(entry, path.read_bytes())
    return bytearray(to.read_bytes())


@pytest.mark.parametrize("compression", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2], ids=["lzma", "bzip2"])
def test_pictures_that_are_damaged_are_counted_however_a_zip_is_packed(write_folder, tmp_path, compression):
    folder = write_folder({"happy/a.png": picture(1), "happy/b.png": picture(2)})
    content = zip_of(folder, tmp_path / "data.zip", compression)
    content[200:260] = bytes(byte ^ 255 for byte in content[200:260])
    (tmp_path / "data.zip").write_bytes(content)
    assert load_images(tmp_path / "data.zip").dropped == {"unreadable": 1}


def test_an_encrypted_zip_is_refused_as_that(write_folder, tmp_path):
    content = zip_of(write_folder({"happy/a.png": picture(1)}), tmp_path / "data.zip")
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + flags] |= 1
    (tmp_path / "data.zip").write_bytes(content)
    with pytest.raises(ModelError, match=r"data\.zip: the zip is encrypted; unpack it"):
        load_images(tmp_path / "data.zip")


def test_a_zip_with_backslashes_reads_like_any_other(write_folder, tmp_path):
    folder = write_folder({"images/train/happy/a.png": picture(1), "images/test/sad/b.png": picture(2)})
    zip_of(folder, tmp_path / "data.zip", slash="\\")
    assert splits_of(tmp_path / "data.zip") == {"train", "test"}
    assert load_images(tmp_path / "data.zip", "test").fingerprint() == load_images(folder, "test").fingerprint()


def test_linked_splits_and_classes_are_followed_and_a_link_back_is_not(write_folder, tmp_path):
    folder = write_folder({"train/happy/a.png": picture(1), "elsewhere/sad/b.png": picture(2)})
    linked = tmp_path / "linked"
    (linked / "test").mkdir(parents=True)
    (linked / "train").symlink_to(folder / "train")
    (linked / "test" / "sad").symlink_to(folder / "elsewhere" / "sad")
    (folder / "train" / "up").symlink_to(folder)
    assert load_images(linked, "train").names == ("train/happy/a.png",)
    assert load_images(linked, "test").names == ("test/sad/b.png",)


def test_a_link_that_leads_nowhere_is_an_unreadable_picture(write_folder):
    folder = write_folder({"happy/a.png": picture(1)})
    (folder / "happy" / "b.png").symlink_to(folder / "gone.png")
    assert load_images(folder).dropped == {"unreadable": 1}


@pytest.mark.parametrize("name", ["Suprise", "surprised", "SURPRISE ", " surprise"], ids=repr)
def test_classes_are_known_by_their_common_slips(write_folder, name):
    assert load_images(write_folder({f"train/{name}/a.png": picture(1)})).labels.tolist() == [6]


def test_pictures_above_the_classes_are_passed_over_and_counted(write_folder):
    folder = write_folder(
        {
            "cover.png": picture(1),
            "images/cover.png": picture(2),
            "images/train/cover.png": picture(3),
            "images/train/happy/a.png": picture(4),
            "images/test/scared/b.png": picture(5),
        }
    )
    assert load_images(folder, "train").dropped == {"outside_the_classes": 3}
    assert load_images(folder, "test").dropped == {"outside_the_classes": 2}
    assert splits_of(folder) == {"train", "test"}


@pytest.mark.parametrize(
    ("split", "message"), [("holiday", "unknown split"), ("test", "no pictures in the split test")], ids=str
)
def test_a_split_that_is_not_there_is_refused(write_folder, split, message):
    with pytest.raises(ModelError, match=message):
        load_images(write_folder({"train/happy/a.png": picture(1)}), split)


def test_an_unknown_class_is_refused_by_name(write_folder):
    with pytest.raises(ModelError, match="bored"):
        load_images(write_folder({"train/bored/a.png": picture(1)}), "train")


def test_a_source_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ModelError, match="no such folder or zip"):
        load_images(tmp_path / "nothing")


HEADER = "row,usage,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,nf\n"


def test_votes_are_joined_by_row_and_a_single_vote_counts_as_a_slip(write_folder):
    folder = write_folder({"train/happy/00007.png": picture(1), "train/happy/00008.png": picture(2)})
    (folder / "ferplus.csv").write_text(HEADER + "7,Training,3,6,1,0,0,0,0,0,0,0\n8,Training,0,0,0,0,0,0,0,0,0,10\n")
    data = load_images(folder, "train")
    assert data.votes[0].tolist() == [0, 0, 0, 6, 3, 0, 0]
    assert data.other_votes.tolist() == [0, 10]
    assert data.not_a_face.tolist() == [0, 1]


def test_votes_beside_the_pictures_in_a_folder_of_a_zip_are_found(write_folder, tmp_path):
    folder = write_folder({"train/happy/7.png": picture(1)})
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        archive.write(folder / "train/happy/7.png", "fer/train/happy/7.png")
        archive.writestr("fer/ferplus.csv", HEADER + "7,Training,3,6,1,0,0,0,0,0,0,0\n")
    assert load_images(tmp_path / "data.zip").votes[0].tolist() == [0, 0, 0, 6, 3, 0, 0]


@pytest.mark.parametrize(
    "table", ["row,neutral\n7,3\n", HEADER + "7,Training,three,6,1,0,0,0,0,0,0,0\n"], ids=["columns", "numbers"]
)
def test_votes_that_cannot_be_read_are_refused(write_folder, table):
    folder = write_folder({"train/happy/7.png": picture(1)})
    (folder / "ferplus.csv").write_text(table)
    with pytest.raises(ModelError, match=r"ferplus\.csv: needs the columns"):
        load_images(folder)


def test_votes_of_a_table_that_a_spreadsheet_wrote_are_joined(write_folder):
    folder = write_folder({"train/happy/7.png": picture(1)})
    (folder / "ferplus.csv").write_text("\ufeff" + HEADER + "7,Training,3,6,1,0,0,0,0,0,0,0\n", "utf-8")
    assert load_images(folder).votes.sum() == 9


@pytest.mark.parametrize(
    ("names", "row", "message"),
    [
        (
            ("train/angry/1.png", "train/happy/1.png"),
            "1,Training",
            "train/angry/1.png and train/happy/1.png have the same",
        ),
        (("train/happy/1.png", "test/happy/1.png"), "1,", "test/happy/1.png and train/happy/1.png have the same"),
        (("train/happy/1.png",), "1,PrivateTest", "row 1 is of PrivateTest, and train/happy/1.png is in train"),
    ],
    ids=["two classes", "two splits", "usage"],
)
def test_votes_of_other_faces_are_not_joined(write_folder, names, row, message):
    folder = write_folder({name: picture(i) for i, name in enumerate(names)})
    (folder / "ferplus.csv").write_text(HEADER + row + ",3,6,1,0,0,0,0,0,0,0\n")
    with pytest.raises(ModelError, match=message):
        load_images(folder, "train")


def test_votes_are_joined_where_pictures_without_votes_share_a_name_or_a_folder_is_doubled(write_folder):
    folder = write_folder(
        {
            name: picture(1)
            for name in ("train/happy/1.png", "images/train/happy/1.png", "train/sad/x.png", "train/fear/x.png")
        }
    )
    (folder / "ferplus.csv").write_text(HEADER.replace("usage,", "") + "1,3,6,1,0,0,0,0,0,0,0\n")
    assert (load_images(folder, "train").votes.sum(axis=1) > 0).sum() == 2


def test_a_table_of_votes_that_cannot_be_read_is_not_taken_for_none(write_folder):
    folder = write_folder({"train/happy/7.png": picture(1)})
    (folder / "ferplus.csv").write_bytes(b"")
    with pytest.raises(ModelError, match=r"ferplus\.csv: has no row"):
        load_images(folder)


def test_targets_mix_label_and_votes_and_fall_back_to_the_label(write_folder):
    folder = write_folder({"train/happy/1.png": picture(1), "train/sad/2.png": picture(2)})
    (folder / "ferplus.csv").write_text(HEADER + "1,Training,5,5,0,0,0,0,0,0,0,0\n")
    targets = soft_targets(load_images(folder, "train"), vote_share=0.4)
    assert targets[0].tolist() == pytest.approx([0, 0, 0, 0.8, 0.2, 0, 0])
    assert targets[1].tolist() == pytest.approx([0, 0, 0, 0, 0, 1, 0])


def test_copies_constant_images_and_no_faces_are_left_out_of_training_and_counted():
    train, held_out = draw_faces(10, seed=1), draw_faces(4, seed=2)
    train.images[0] = held_out.images[3]
    train.images[1] = 7
    train.images[2] = train.images[3]
    train.not_a_face[4] = 0.9
    cleaned = clean(train, [held_out])
    assert cleaned.dropped == {"constant": 1, "not_a_face": 1, "copy_of_held_out": 1, "copy_in_train": 1}
    assert cleaned.names == ("2.png", "5.png", "6.png", "7.png", "8.png", "9.png")


def test_a_tenth_of_each_class_is_held_out_the_same_whatever_the_order():
    train = draw_faces(210, seed=1)
    rest, held = hold_out(train)
    assert np.bincount(held.labels).tolist() == [3] * 7
    assert len(rest) == 189
    assert rest.dropped == {"held_out_for_validation": 21}
    assert held.dropped == {}
    assert not set(rest.hashes()) & set(held.hashes())
    turned = dataclasses.replace(train, images=train.images[::-1], labels=train.labels[::-1], names=train.names[::-1])
    assert set(hold_out(turned)[1].hashes()) == set(held.hashes())
    with pytest.raises(ModelError, match="too few"):
        hold_out(draw_faces(14, seed=1))


def test_an_image_that_comes_again_is_known():
    data = draw_faces(4, seed=1)
    data.images[3] = data.images[1]
    assert repeated(data).tolist() == [False, False, False, True]


def test_sets_that_share_most_of_their_images_are_refused():
    train, held_out = draw_faces(20, seed=1), draw_faces(8, seed=2)
    held_out.images[:5] = train.images[:5]
    assert copies(held_out, train).tolist() == [True] * 5 + [False] * 3
    with pytest.raises(ModelError, match="5 of 8 held-out images are also training images"):
        clean(train, [held_out])


def test_training_images_that_are_all_left_out_are_an_error():
    train = draw_faces(4, seed=1)
    train.images[:] = 9
    with pytest.raises(ModelError, match="no training image is left"):
        clean(train, [])


def test_the_splits_of_a_source_are_known(write_folder):
    folder = write_folder({"Training/happy/a.png": picture(1), "PrivateTest/sad/b.png": picture(2)})
    assert splits_of(folder) == {"train", "test"}
    assert splits_of(folder / "Training") == set()


def test_the_fingerprint_knows_every_pixel_and_label_but_not_the_order():
    data = draw_faces(6, seed=1)
    order = np.arange(6)[::-1]
    turned = data.take(np.ones(6, bool))
    turned.images[:], turned.labels[:] = data.images[order], data.labels[order]
    assert turned.fingerprint() == data.fingerprint()
    turned.images[0, 0, 0] ^= 1
    assert turned.fingerprint() != data.fingerprint()
