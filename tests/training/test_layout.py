import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from checkout_age.training.dataset.faces import load_test, load_train, load_valid, read_table
from checkout_age.training.dataset.layout import fingerprint, read_labels
from checkout_age.training.dataset.photo_file import FacesError

APPA_COLUMNS = "file_name,num_ratings,apparent_age_avg,apparent_age_std,real_age\n"


def photo(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 12, 3)).astype(np.uint8)
    Image.fromarray(pixels).resize((40, 40)).save(path, "PNG")


@pytest.fixture
def study(tmp_path: Path) -> Path:
    photo(tmp_path / "final_files" / "a.jpg")
    (tmp_path / "labels.csv").write_text("file_name,real_age\na.jpg,31\n")
    (tmp_path / "splits.csv").write_text("file_name,split,photo_group\na.jpg,test,9\n")
    return tmp_path


@pytest.fixture
def appa_real(tmp_path: Path) -> Path:
    for number, split in enumerate(("train", "valid", "test")):
        name = f"00{number}.jpg"
        row = f"{name},38,{30.5 + number},4.25,{33 + number}\n"
        (tmp_path / f"gt_avg_{split}.csv").write_text(APPA_COLUMNS + row)
        photo(tmp_path / split / name, number)
        photo(tmp_path / split / f"{name}_face.jpg", number)
    return tmp_path


@pytest.fixture
def utkface(tmp_path: Path) -> Path:
    names = (
        "part1/1_0_2_20161219140623097.jpg.chip.jpg",
        "part1/61_1_20170109142408075.jpg.chip.jpg",
        "part2/53__0_20170116184028385.jpg.chip.jpg",
        "part2/55_0_0_20170116232725357jpg.chip.jpg",
        "part2/116_1_3_20170112220255503.jpg",
    )
    for number, name in enumerate(names):
        photo(tmp_path / name, number)
    return tmp_path


def test_the_studys_layout_gives_each_photos_path_and_what_the_split_file_adds(study: Path) -> None:
    labels = read_labels(study)
    row = labels.table.iloc[0]
    assert (row["file_name"], row["photo"]) == ("a.jpg", "final_files/a.jpg")
    assert (row["real_age"], row["split"], row["photo_group"]) == (31, "test", 9)
    assert row["age_conflict"] == 0


def test_labels_can_be_read_where_photos_are_missing_but_not_trained_on(study: Path) -> None:
    (study / "final_files" / "a.jpg").unlink()
    assert len(read_labels(study).table) == 1
    with pytest.raises(FacesError, match=r"1 photos .* the first is final_files/a\.jpg"):
        read_table(study)


def test_the_studys_fingerprint_is_that_of_its_two_files(study: Path) -> None:
    both = (study / "labels.csv").read_bytes() + (study / "splits.csv").read_bytes()
    assert fingerprint(study) == hashlib.sha256(both).hexdigest()


def test_photos_without_their_labels_are_told_so(study: Path) -> None:
    (study / "labels.csv").unlink()
    with pytest.raises(FacesError, match=r"looked for .*labels\.csv: final_files/ is there"):
        read_labels(study)


def test_appa_reals_own_split_and_both_ages_are_kept(appa_real: Path) -> None:
    assert load_train(appa_real).ages.tolist() == [33]
    assert load_valid(appa_real).ages.tolist() == [34]
    test = load_test(appa_real)
    assert test.photos == (appa_real / "test" / "002.jpg_face.jpg",)
    assert test.spreads.tolist() == [0]
    table = read_table(appa_real)
    assert table["apparent_age"].tolist() == [30.5, 31.5, 32.5]
    assert table["apparent_age_std"].tolist() == [4.25] * 3


def test_a_whole_photo_stands_in_for_one_that_was_not_cut_to_the_face(appa_real: Path) -> None:
    (appa_real / "valid" / "001.jpg_face.jpg").unlink()
    labels = read_labels(appa_real)
    assert labels.table["photo"].tolist()[1] == "valid/001.jpg"
    assert labels.remarks == ("Whole photos, for want of a _face.jpg file: 1.",)


def test_an_appa_real_folder_without_one_of_its_files_is_told_which(appa_real: Path) -> None:
    (appa_real / "gt_avg_valid.csv").unlink()
    with pytest.raises(FacesError, match=r"looked for .*gt_avg_valid\.csv"):
        read_labels(appa_real)


def test_an_appa_real_file_without_a_column_is_told_which(appa_real: Path) -> None:
    (appa_real / "gt_avg_test.csv").write_text("file_name,apparent_age_avg,real_age\nx.jpg,3,4\n")
    with pytest.raises(FacesError, match=r"gt_avg_test\.csv lacks the column apparent_age_std"):
        read_labels(appa_real)


def test_utkfaces_names_tell_age_gender_and_race(utkface: Path) -> None:
    table = read_labels(utkface).table.set_index("real_age")
    assert (table["gender"][1], table["race"][1]) == (0, 2)
    assert (table["gender"][116], table["race"][116]) == (1, 3)
    assert table.loc[55, "photo"] == "part2/55_0_0_20170116232725357jpg.chip.jpg"


def test_utkfaces_photos_whose_names_lack_a_field_are_kept_and_counted(utkface: Path) -> None:
    labels = read_labels(utkface)
    table = labels.table.set_index("real_age")
    assert table.loc[61, "gender"] == 1
    assert np.isnan(table["race"][61])
    assert np.isnan(table["gender"][53])
    assert table.loc[53, "race"] == 0
    assert [remark.split(",")[0] for remark in labels.remarks] == [
        "Names that lack the gender: 1",
        "Names that lack the race: 1",
    ]


def test_of_two_files_of_one_utkface_photo_the_one_cut_to_the_face_is_taken(utkface: Path) -> None:
    photo(utkface / "1_0_2_20161219140623097.jpg")
    photo(utkface / "crops" / "116_1_3_20170112220255503.jpg.chip.jpg")
    labels = read_labels(utkface)
    assert len(labels.table) == 5
    photos = labels.table.set_index("real_age")["photo"]
    assert photos[1] == "part1/1_0_2_20161219140623097.jpg.chip.jpg"
    assert photos[116] == "crops/116_1_3_20170112220255503.jpg.chip.jpg"
    assert labels.remarks[-1].endswith("left out: 2.")


def test_utkface_is_split_with_copies_on_one_side(tmp_path: Path) -> None:
    for number in range(120):
        for copy in range(2):
            name = f"{20 + number % 30}_0_0_2017010914{number:04}{copy:03}.jpg.chip.jpg"
            photo(tmp_path / name, number)
    table = read_table(tmp_path)
    assert set(table["split"]) == {"train", "valid", "test"}
    shown = table["photo"].str[: -len("000.jpg.chip.jpg")]
    assert (table.groupby(shown)["split"].nunique() == 1).all()
    assert (table.groupby("photo_group").size() == 2).all()


def test_a_folder_where_most_photos_are_named_otherwise_is_refused(utkface: Path) -> None:
    for number in range(3):
        photo(utkface / f"holiday-{number}.jpg")
    with pytest.raises(FacesError, match=r"3 of 8 photos .* the first is holiday-0\.jpg"):
        read_labels(utkface)


def test_fingerprints_tell_labels_apart(utkface: Path) -> None:
    before = fingerprint(utkface)
    old = utkface / "part2" / "116_1_3_20170112220255503.jpg"
    old.rename(old.with_name("96_1_3_20170112220255503.jpg"))
    assert len(before) == 64
    assert fingerprint(utkface) != before


def test_appa_reals_fingerprint_follows_its_labels(appa_real: Path) -> None:
    before = fingerprint(appa_real)
    photo(appa_real / "train" / "another.jpg")
    assert fingerprint(appa_real) == before
    (appa_real / "gt_avg_test.csv").write_text(APPA_COLUMNS + "002.jpg,38,30,4,99\n")
    assert fingerprint(appa_real) != before


def test_any_other_folder_is_told_all_that_was_looked_for(tmp_path: Path) -> None:
    photo(tmp_path / "holiday.jpg")
    words = r"looked for labels\.csv.*final_files.*gt_avg_train\.csv.*AGE_GENDER_RACE_DATE\.jpg"
    with pytest.raises(FacesError, match=words):
        read_labels(tmp_path)


def test_a_folder_that_is_not_there_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(FacesError, match=r"there is no folder .*nowhere; looked for labels\.csv"):
        read_labels(tmp_path / "nowhere")


def test_labels_without_a_row_are_refused(study: Path) -> None:
    (study / "labels.csv").write_text("file_name,real_age\n")
    with pytest.raises(FacesError, match="names no photo"):
        read_labels(study)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00\x81"])
def test_a_label_file_that_is_no_table_is_told_so(study: Path, content: bytes) -> None:
    (study / "labels.csv").write_bytes(content)
    with pytest.raises(FacesError, match=r"labels\.csv cannot be read as a table"):
        read_labels(study)


def test_a_split_file_that_names_a_photo_twice_is_told_so(study: Path) -> None:
    (study / "splits.csv").write_text("file_name,split\na.jpg,test\na.jpg,train\n")
    with pytest.raises(FacesError, match=r"splits\.csv names a\.jpg more than once"):
        read_labels(study)
