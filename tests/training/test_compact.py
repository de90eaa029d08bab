from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from checkout_age.server import chip
from checkout_age.training.dataset.compact import Compact, read_compact, write_compact
from checkout_age.training.dataset.faces import fingerprint, load_test, load_train
from checkout_age.training.dataset.photo_file import FacesError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Three chips that get brighter; the last is for tests."""
    levels = np.array([40, 120, 200], np.uint8)
    table = pd.DataFrame(
        {
            "file_name": ["a.jpg", "b.jpg", "c.jpg"],
            "split": ["train", "train", "test"],
            "real_age": [10.0, 20.0, 30.0],
            "age_conflict": [0.0, 4.0, 0.0],
            "gender": ["female", "male", None],
        }
    )
    chips = np.ones((3, 48, 48, 3), np.uint8) * levels[:, None, None, None]
    write_compact(tmp_path / "faces.parquet", Compact(table, chips, "abc"))
    return tmp_path / "faces.parquet"


def test_chips_and_labels_come_back_split_by_split(file: Path) -> None:
    train, test = load_train(file), load_test(file)
    assert train.chips is not None
    assert train.chips.mean(axis=(1, 2, 3)) == pytest.approx([40, 120], abs=2)
    assert train.ages.tolist() == [10, 20]
    assert train.spreads.tolist() == [0, 4]
    assert train.audit["gender"].tolist() == ["female", "male"]
    assert [photo.name for photo in test.photos] == ["c.jpg"]
    assert fingerprint(file) == "abc"


def test_chosen_rows_keep_their_chips(file: Path) -> None:
    chosen = load_train(file).chosen(np.array([0])).chips
    assert chosen is not None
    assert chosen.mean() == pytest.approx(40, abs=2)


def test_chips_of_another_definition_are_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chip, "DEFINITION", "other/2")
    with pytest.raises(FacesError, match="were cut as eyes-and-mouth/1, not as other/2"):
        read_compact(file, "train")


def test_another_file_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("none of this is Parquet")
    with pytest.raises(FacesError, match=r"notes\.txt holds no chips"):
        load_train(tmp_path / "notes.txt")
    pd.DataFrame({"split": ["train"]}).to_parquet(tmp_path / "table.parquet")
    with pytest.raises(FacesError, match="it was not written by the command pack"):
        load_train(tmp_path / "table.parquet")
