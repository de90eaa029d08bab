from pathlib import Path

import pytest
from PIL import Image

from checkout_age.training.dataset.faces import (
    load_test,
    load_train,
    load_valid,
    read_table,
)
from checkout_age.training.dataset.pack import pack
from checkout_age.training.dataset.photo_file import FacesError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The study's layout with six photos."""
    (tmp_path / "final_files").mkdir()
    for number in range(6):
        Image.new("RGB", (8, 8), (number * 40,) * 3).save(
            tmp_path / "final_files" / f"{number}.jpg"
        )
    rows = "".join(f"{number}.jpg,{20 + number}\n" for number in range(6))
    (tmp_path / "labels.csv").write_text("file_name,real_age\n" + rows)
    names = ["train", "train", "train", "train", "valid", "test"]
    rows = "".join(f"{number}.jpg,{name},{number}\n" for number, name in enumerate(names))
    (tmp_path / "splits.csv").write_text("file_name,split,age_conflict\n" + rows)
    return tmp_path


def test_the_split_file_decides_who_is_in_what(folder: Path) -> None:
    assert load_train(folder).ages.tolist() == [20, 21, 22, 23]
    assert load_valid(folder).ages.tolist() == [24]
    test = load_test(folder)
    assert test.ages.tolist() == [25]
    assert test.photos == (folder / "final_files" / "5.jpg",)
    assert test.spreads.tolist() == [5]


def test_without_a_split_file_one_is_made_and_the_ages_of_copies_are_compared(
    folder: Path,
) -> None:
    (folder / "splits.csv").unlink()
    table = read_table(folder)
    assert table["split"].nunique() == 1  # six photos of one colour each are copies to a hash
    assert set(table["split"]) <= {"train", "valid", "test"}
    assert (table["age_conflict"] == 5).all()


def test_an_age_conflict_that_is_not_known_is_none(folder: Path) -> None:
    said = (folder / "splits.csv").read_text()
    (folder / "splits.csv").write_text(said.replace("5.jpg,test,5", "5.jpg,test,"))
    assert load_test(folder).spreads.tolist() == [0]
    (folder / "splits.csv").write_text(said.replace("5.jpg,test,5", "5.jpg,test,-1"))
    with pytest.raises(
        FacesError, match=r"splits\.csv has an age_conflict that is no number from 0 to 100 years"
    ):
        load_test(folder)


def test_a_photo_that_is_in_no_group_is_its_own(folder: Path) -> None:
    (folder / "splits.csv").unlink()
    rows = "".join(f"{n}.jpg,{20 + n},{'a' if n < 2 else ''}\n" for n in range(6))
    (folder / "labels.csv").write_text("file_name,real_age,photo_group\n" + rows)
    table = read_table(folder)
    assert table["age_conflict"].tolist() == [1, 1, 0, 0, 0, 0]
    assert table["photo_group"].nunique() == 5


def test_an_age_below_0_is_not_trained_on(folder: Path) -> None:
    said = (folder / "labels.csv").read_text()
    (folder / "labels.csv").write_text(said.replace("1.jpg,21", "1.jpg,-1"))
    with pytest.raises(FacesError, match=r"1 photos in .* have an age below 0, the first is 1.jpg"):
        load_train(folder)


def test_a_folder_without_labels_is_told_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(FacesError, match=r"looked for .*labels\.csv.*final_files"):
        load_train(tmp_path)


def test_photos_that_are_missing_are_counted_and_one_is_named(folder: Path) -> None:
    (folder / "final_files" / "3.jpg").unlink()
    with pytest.raises(FacesError, match=r"1 photos .* the first is final_files/3\.jpg"):
        load_train(folder)


def test_a_photo_labelled_twice_is_named(folder: Path) -> None:
    with (folder / "labels.csv").open("a") as labels:
        labels.write("3.jpg,99\n")
    with pytest.raises(FacesError, match=r"names 3\.jpg more than once"):
        load_train(folder)


def test_a_photo_without_a_split_is_named(folder: Path) -> None:
    splits = (folder / "splits.csv").read_text().splitlines()[:-1]
    (folder / "splits.csv").write_text("\n".join(splits))
    with pytest.raises(FacesError, match=r"does not say which split 5\.jpg is in"):
        load_train(folder)


def test_an_empty_split_is_named(folder: Path) -> None:
    splits = (folder / "splits.csv").read_text().replace("valid", "train")
    (folder / "splits.csv").write_text(splits)
    with pytest.raises(FacesError, match="no photo into the valid split"):
        load_valid(folder)


def test_a_missing_column_is_named(folder: Path) -> None:
    (folder / "labels.csv").write_text("file,age\n")
    with pytest.raises(FacesError, match="lacks the column file_name, real_age"):
        load_train(folder)


@pytest.mark.parametrize("age", ["", "young"])
def test_an_age_that_is_no_number_is_refused(folder: Path, age: str) -> None:
    with (folder / "labels.csv").open("a") as labels:
        labels.write(f"5.jpg,{age}\n")
    with pytest.raises(FacesError, match="real_age is no number"):
        load_train(folder)


def test_a_damaged_photo_is_named(folder: Path) -> None:
    (folder / "final_files" / "5.jpg").write_bytes(b"text")
    with pytest.raises(FacesError, match=r"5\.jpg: the 4 bytes are no photo"):
        pack(load_test(folder), 32, "photos")
