import re
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from rich.console import Console

from checkout_age.server.face_finder import FaceFinder
from checkout_age.server.shopper import ShopperFinder
from checkout_age.training.dataset.faces import read_table
from checkout_age.training.dataset.pack import ANY
from checkout_age.training.exploration import age_counts, duplicates
from checkout_age.training.exploration.alignment import align
from checkout_age.training.exploration.exploration import gather
from checkout_age.training.exploration.explore import explore
from checkout_age.training.exploration.mosaic import in_rows, mosaic
from checkout_age.training.exploration.survey import is_grey, survey
from tests.faces import BrightPhotosHaveFaces

QUIET = Console(file=StringIO())
FINDER = ShopperFinder(BrightPhotosHaveFaces(), 32, ANY)


def picture(seed: int, side: int = 60, *, grey: bool = False) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (12, 12, 3)).astype(np.uint8)
    image = Image.fromarray(coarse).resize((side, side))
    return image.convert("L") if grey else image


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve photos, of which two are copies of two others and one of these is held out."""
    faces = tmp_path / "faces"
    (faces / "final_files").mkdir(parents=True)
    for number in range(10):
        picture(number, grey=number == 3).save(faces / "final_files" / f"{number}.jpg")
    for number in (10, 11):
        picture(number - 10, 80).save(faces / "final_files" / f"{number}.jpg")
    ages = [20, 31, 4, 70, 45, 26, 27, 28, 29, 30, 25, 39]
    splits = ["train"] * 10 + ["train", "test"]
    rows = [f"{number}.jpg,{age}\n" for number, age in enumerate(ages)]
    (faces / "labels.csv").write_text("file_name,real_age\n" + "".join(rows))
    rows = [f"{number}.jpg,{split},{number % 2}\n" for number, split in enumerate(splits)]
    (faces / "splits.csv").write_text("file_name,split,gender\n" + "".join(rows))
    return faces


def explored(folder: Path, finder: ShopperFinder = FINDER) -> str:
    """What is printed, its line breaks and spaces made one space."""
    printed = StringIO()
    console = Console(file=printed, width=120)
    explore(folder, folder.parent / "out", finder=finder, console=console)
    return " ".join(printed.getvalue().split())


def csv(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder.parent / "out" / f"{name}.csv")


def test_labels_photos_and_copies_are_told(folder: Path) -> None:
    told = explored(folder)
    assert "12 photos are labelled, in the study's layout." in told
    assert "All 12 photos are there and can be read." in told
    assert "Greyscale photos: 1, 8.3%; in colour: 11." in told
    assert "near-duplicates: 4 in 2 groups, found by difference hash." in told
    assert "lie 6.5 years apart on average, 8 at most" in told
    assert "Of 2 groups 1 cross splits, with 2 photos" in told
    assert "A face was found in 12 of 12 photos" in told
    assert csv(folder, "groups")["spread"].tolist() == [8, 5]
    assert csv(folder, "sizes")["photos"].tolist() == [10, 2]
    assert csv(folder, "splits")["test"].sum() == 1
    assert csv(folder, "gender")["photos"].tolist() == [6, 6]


def test_the_page_holds_its_pictures_and_says_how_to_keep_it(folder: Path) -> None:
    explored(folder)
    page = (folder.parent / "out" / "index.html").read_text()
    assert page.index("shows the faces of people") < page.index("<h2>")
    assert page.count("data:image/png;base64,") >= 4
    assert page.count("<svg") == 5
    assert not re.search(r'(?:src|href)="http', page)


def test_photos_that_are_missing_or_damaged_are_told_not_raised(folder: Path) -> None:
    (folder / "final_files" / "2.jpg").unlink()
    (folder / "final_files" / "5.jpg").write_bytes(b"")
    (folder / "final_files" / "6.jpg").write_text("notes")
    told = explored(folder)
    assert "3 of 12 photos are missing or cannot be read" in told
    assert "A face was found in 9 of 9 photos" in told
    faults = csv(folder, "faults")
    assert faults["fault"].tolist() == ["empty", "missing", "not a photo"]
    assert faults["for example"].tolist()[1] == "final_files/2.jpg"
    assert len(csv(folder, "faulty_photos")) == 3


@pytest.mark.parametrize("without", ["nothing else", "splits.csv"])
def test_a_folder_whose_photos_are_all_missing_is_still_told_about(
    folder: Path, without: str
) -> None:
    (folder / without).unlink(missing_ok=True)
    for photo in (folder / "final_files").iterdir():
        photo.unlink()
    told = explored(folder)
    assert "12 of 12 photos are missing" in told
    assert "Alignment" not in told


def test_groups_that_the_folder_names_are_checked_against_those_found_anew(folder: Path) -> None:
    splits = pd.read_csv(folder / "splits.csv").assign(photo_group=range(12), age_conflict=3)
    splits.loc[11, "photo_group"] = 0
    splits.to_csv(folder / "splits.csv", index=False)
    told = explored(folder)
    assert "near-duplicates: 2 in 1 groups, as the folder names them." in told
    assert "age_conflict is above 0 for 12 photos, 3 years at most" in told
    assert "Of 2 groups found anew by difference hash 1 cross splits" in told


def test_columns_of_the_labels_that_are_named_as_what_is_looked_for_do_no_harm(
    folder: Path,
) -> None:
    labels = pd.read_csv(folder / "labels.csv").assign(width=1, height=1, hash="x", grey="no")
    labels.to_csv(folder / "labels.csv", index=False)
    assert "Sizes" in explored(folder)


def test_without_a_split_the_one_that_training_would_draw_is_told(folder: Path) -> None:
    (folder / "splits.csv").unlink()
    (folder / "final_files" / "2.jpg").unlink()
    told = explored(folder)
    assert "the one that training would draw" in told
    assert "Together: 11 train." in told


def test_the_split_that_is_told_is_the_one_that_training_draws(tmp_path: Path) -> None:
    faces = tmp_path / "faces"
    (faces / "final_files").mkdir(parents=True)
    groups = [f"person {number * 7 % 50}" if number % 3 else "" for number in range(80)]
    rows = [f"{number}.jpg,{20 + number % 9},{group}\n" for number, group in enumerate(groups)]
    (faces / "labels.csv").write_text("file_name,real_age,photo_group\n" + "".join(rows))
    for number in range(80):
        picture(number).save(faces / "final_files" / f"{number}.jpg")
    told = gather(faces, QUIET).table["split"].tolist()
    assert set(told) == {"train", "valid", "test"}
    assert told == read_table(faces)["split"].tolist()


def test_apparent_ages_are_compared_with_real_ones(tmp_path: Path) -> None:
    faces = tmp_path / "faces"
    for number, split in enumerate(("train", "valid", "test")):
        (faces / split).mkdir(parents=True)
        picture(number).save(faces / split / f"{number}.jpg_face.jpg")
        (faces / f"gt_avg_{split}.csv").write_text(
            "file_name,num_ratings,apparent_age_avg,apparent_age_std,real_age\n"
            f"{number}.jpg,38,{30 + number},4.5,{28 + number}\n"
        )
    told = explored(faces)
    assert "People guess 2.00 years too old on average and miss the real age by 2.00" in told
    assert csv(faces, "apparent_ages")["photos"].tolist() == [3]


def test_photos_without_any_face_are_told(folder: Path) -> None:
    told = explored(folder, ShopperFinder(FaceFinder(), 32, ANY))
    assert "A face was found in 0 of 12 photos" in told


def test_a_year_that_holds_more_than_twice_its_neighbours_stands_out() -> None:
    ages = pd.Series([float(year) for year in range(20, 40) for _ in range(30)] + [26.5] * 60)
    by_year = age_counts.counts_by_year(ages).set_index("age")
    assert by_year.index[by_year["spike"]].tolist() == [26]
    assert by_year.loc[26, "times"] == 3
    assert by_year.loc[25, "neighbours"] == 30


def test_few_photos_make_no_year_stand_out() -> None:
    assert not age_counts.counts_by_year(pd.Series([30.0] * 5)).loc[30, "spike"]


@pytest.mark.parametrize(("ages", "index"), [(range(23, 63), 100), (range(25, 61, 5), 500)])
def test_whipples_index_is_100_without_rounding_and_500_with_nothing_else(
    ages: range, index: float
) -> None:
    assert age_counts.whipple_index(pd.Series([*ages] * 50, dtype=float)) == pytest.approx(index)


def test_whipples_index_needs_photos() -> None:
    assert np.isnan(age_counts.whipple_index(pd.Series([30.0, 35.0])))


def test_groups_below_five_percent_are_thin() -> None:
    by_group = age_counts.counts_by_group(pd.Series([30.0] * 96 + [12.9] * 4)).set_index(
        "age group"
    )
    assert by_group.loc["0-12", "photos"] == 4
    assert by_group.loc["0-12", "thin"]
    assert not by_group.loc["25-34", "thin"]
    assert len(by_group) == 8


def test_runs_of_years_are_joined() -> None:
    assert age_counts.ranges([0, 91, 97, 98, 99]) == "0, 91, 97-99"
    assert age_counts.ranges([]) == ""


def test_groups_are_counted_by_how_far_their_labels_lie_apart() -> None:
    table = pd.DataFrame(
        {"photo_group": [1, 1, 2, 2, 2, 3], "real_age": [5, 5, 20, 44, 30, 9], "split": "train"}
    )
    groups = duplicates.groups_of_copies(table)
    assert groups["photo_group"].tolist() == [2, 1]
    by_spread = duplicates.counts_by_spread(groups).set_index("years apart")
    assert by_spread.index.tolist() == ["0", "1-2", "3-5", "6-10", "11-20", "21+"]
    assert by_spread["groups"].tolist() == [1, 0, 0, 0, 0, 1]
    assert by_spread.loc["21+", "photos"] == 3


def test_unreadable_photos_are_no_copies_of_each_other() -> None:
    groups = duplicates.groups_among([0, 0, 0, 1], np.array([True, False, False, True]))
    assert groups.tolist() == [0, 1, 2, 0]


def test_a_tint_is_colour_and_the_noise_of_compression_is_not(tmp_path: Path) -> None:
    picture(1, grey=True).convert("RGB").save(tmp_path / "grey.jpg", quality=60)
    assert is_grey(np.asarray(Image.open(tmp_path / "grey.jpg")))
    sepia = np.asarray(picture(1, grey=True).convert("RGB")) * np.array([1, 0.85, 0.6])
    assert not is_grey(sepia.astype(np.uint8))


def test_the_survey_tells_size_and_fault_of_each_photo(tmp_path: Path) -> None:
    picture(1).resize((30, 20)).save(tmp_path / "a.png")
    seen = survey([tmp_path / "a.png", tmp_path / "b.png", tmp_path], QUIET)
    assert seen["fault"].tolist() == ["", "missing", "closed"]
    assert [seen[name][0] for name in ("width", "height", "grey")] == [30, 20, False]


def test_eyes_are_measured_in_the_middle_square_and_in_the_chip(tmp_path: Path) -> None:
    for number, size in enumerate([(60, 60), (120, 60), (60, 90)]):
        picture(number).resize(size).save(tmp_path / f"{number}.png")
    photos = sorted(tmp_path.iterdir())
    alignment = align(photos, FINDER, QUIET)
    assert [each.row for each in alignment.found] == [0, 1, 2]
    assert alignment.mean_square.shape == alignment.mean_chip.shape == (32, 32, 3)
    np.testing.assert_allclose(alignment.eyes_after[:, 0], [[0.29, 0.30]] * 3, atol=0.001)
    np.testing.assert_allclose(alignment.eyes_before[1, 0], [0.332, 0.34], atol=0.001)
    table = alignment.table().set_index("measure")
    assert table.loc["tilt, degrees", "chips, mean"] == pytest.approx(0, abs=0.01)


def test_a_mosaic_puts_every_photo_in_its_place() -> None:
    red, blue = np.zeros((20, 10, 3), np.uint8), np.zeros((8, 8, 3), np.uint8)
    red[..., 0] = blue[..., 2] = 255
    sheet = mosaic(in_rows([(red, "7"), (blue, "8"), (red, "9")], 2), 32, 32)
    assert sheet.shape == (2 * (32 + 18) + 6, 2 * 32 + 6, 3)
    assert sheet[16, 16].tolist() == [255, 0, 0]
    assert sheet[16, 38 + 16].tolist() == [0, 0, 255]
    assert sheet[16, 2].tolist() == [255, 255, 255]
    assert (sheet[35:50] < 100).any()
