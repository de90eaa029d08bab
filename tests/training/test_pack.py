from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from checkout_age.server import chip
from checkout_age.server.face import Face
from checkout_age.server.photo import Pixels
from checkout_age.training.dataset import pack as module
from checkout_age.training.dataset.faces import Faces
from checkout_age.training.dataset.pack import pack
from checkout_age.training.dataset.photo_file import FacesError
from tests.faces import BrightPhotosHaveFaces


class Counts(BrightPhotosHaveFaces):
    looks = 0

    def find(self, pixels: Pixels) -> tuple[list[Face], float]:
        Counts.looks += 1
        return super().find(pixels)


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch) -> None:
    Counts.looks = 0
    monkeypatch.setattr(module, "FaceFinder", Counts)


def unlabelled(*photos: Path) -> Faces:
    nothing = np.zeros(len(photos), np.float32)
    return Faces(photos, nothing, nothing)


@pytest.fixture
def faces(tmp_path: Path) -> Faces:
    """Grey, black, grey."""
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for path, level in zip(paths, (90, 0, 200), strict=True):
        Image.new("RGB", (50, 50), (level,) * 3).save(path)
    return unlabelled(*paths)


def test_photos_without_a_face_are_left_out_and_the_rows_say_which(faces: Faces) -> None:
    packed = pack(faces, 32, "photos", cache=None)
    assert packed.rows.tolist() == [0, 2]
    assert packed.chips.shape == (2, 32, 32, 3)
    assert [int(each.mean()) for each in packed.chips] == [90, 200]


def test_the_second_time_nothing_is_looked_at(faces: Faces, tmp_path: Path) -> None:
    first = pack(faces, 32, "photos", tmp_path / "cache")
    again = pack(faces, 32, "photos", tmp_path / "cache")
    assert Counts.looks == 3
    assert np.array_equal(first.chips, again.chips)
    assert np.array_equal(first.rows, again.rows)


@pytest.mark.parametrize("change", ["photo", "side", "definition"])
def test_whatever_changes_the_chips_is_looked_at_anew(
    faces: Faces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    pack(faces, 32, "photos", tmp_path / "cache")
    if change == "photo":
        Image.new("RGB", (51, 50), (9, 9, 9)).save(faces.photos[0])
    if change == "definition":
        monkeypatch.setattr(chip, "DEFINITION", "another/1")
    pack(faces, 40 if change == "side" else 32, "photos", tmp_path / "cache")
    assert Counts.looks == 6


def test_photos_that_all_lack_a_face_are_told(faces: Faces) -> None:
    with pytest.raises(FacesError, match="no face was found in any of the 1 train photos"):
        pack(faces.chosen(np.array([1])), 32, "train photos", cache=None)


def test_a_file_that_is_no_photo_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_text("notes")
    with pytest.raises(FacesError, match=r"x\.jpg: the 5 bytes are no photo"):
        pack(unlabelled(tmp_path / "x.jpg"), 32, "photos", cache=None)


def test_chips_that_come_without_photos_are_scaled(faces: Faces) -> None:
    packed = pack(faces, 64, "photos", cache=None)
    held = replace(faces.chosen(packed.rows), chips=packed.chips)
    again = pack(held, 32, "photos", cache=None)
    assert Counts.looks == 3
    assert again.chips.shape == (2, 32, 32, 3)
    assert again.rows.tolist() == [0, 1]
    assert [int(each.mean()) for each in again.chips] == [90, 200]
