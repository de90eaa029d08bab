"""The labelled faces: the study's own layout of `labels.csv` beside `final_files/`."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from checkout_age.training.photo_file import FacesError
from checkout_age.training.split import split_by_group

SplitName = Literal["train", "valid", "test"]
LABELS = "labels.csv"
SPLITS = "splits.csv"
PHOTOS = "final_files"
AUDITED: Mapping[str, Mapping[int, str]] = {
    "gender": {0: "male", 1: "female"},
    "race": {0: "White", 1: "Black", 2: "Asian", 3: "Indian", 4: "other"},
}
"""What UTKFace's numbers stand for."""


@dataclass(frozen=True)
class Faces:
    """Photos with the ages of the faces on them, row by row."""

    photos: tuple[Path, ...]
    ages: NDArray[np.float32]
    """Years, shape (n,)."""
    spreads: NDArray[np.float32]
    """How many years the labels given to copies of one photo lie apart, shape (n,); 0 = agreed."""
    audit: pd.DataFrame = field(default_factory=pd.DataFrame)
    """What errors are told apart by and nothing is trained on, such as gender; n rows or none."""

    def __len__(self) -> int:
        return len(self.photos)

    def chosen(self, rows: NDArray[np.int64]) -> "Faces":
        """Those rows alone, in that order."""
        return Faces(
            tuple(self.photos[row] for row in rows),
            self.ages[rows],
            self.spreads[rows],
            self.audit.iloc[rows].reset_index(drop=True) if len(self.audit) else self.audit,
        )

    @property
    def digest(self) -> str:
        """SHA-256 over names and ages: tells one set of labelled photos from another."""
        rows = (f"{p.name},{age:g}\n" for p, age in zip(self.photos, self.ages, strict=True))
        return hashlib.sha256("".join(rows).encode()).hexdigest()


def load_train(folder: Path) -> Faces:
    """The faces to fit a network on. Raises FacesError if the folder is laid out otherwise."""
    return load_split(folder, "train")


def load_valid(folder: Path) -> Faces:
    """The faces to choose by: epochs, recipes, calibration."""
    return load_split(folder, "valid")


def load_test(folder: Path) -> Faces:
    """The faces to report on once, never to choose by."""
    return load_split(folder, "test")


def load_split(folder: Path, split: SplitName) -> Faces:
    """The rows of one split, in the order of `labels.csv`.

    `splits.csv` decides, where there is one; else near-duplicates are found and kept together.
    """
    table = read_table(folder)
    rows = table[table["split"] == split]
    if rows.empty:
        raise FacesError(f"{folder / SPLITS} puts no photo into the {split} split")
    return Faces(
        photos=tuple(folder / PHOTOS / name for name in rows["file_name"]),
        ages=rows["real_age"].to_numpy(np.float32),
        spreads=rows["age_conflict"].to_numpy(np.float32),
        audit=audit(rows),
    )


def audit(table: pd.DataFrame) -> pd.DataFrame:
    """The columns of a table that errors are told apart by, in words."""
    columns = {
        column: table[column].map(words) for column, words in AUDITED.items() if column in table
    }
    return pd.DataFrame(columns).reset_index(drop=True)


def read_table(folder: Path) -> pd.DataFrame:
    """All faces: file_name, real_age, split, age_conflict and whatever else the files hold."""
    labels = _read_csv(folder / LABELS, ["file_name", "real_age"])
    missing = [name for name in labels["file_name"] if not (folder / PHOTOS / name).is_file()]
    if missing:
        raise FacesError(
            f"{len(missing)} photos named in {folder / LABELS} are not in "
            f"{folder / PHOTOS}, the first is {missing[0]}"
        )
    if not pd.api.types.is_numeric_dtype(labels["real_age"]) or labels["real_age"].isna().any():
        raise FacesError(f"{folder / LABELS} has rows whose real_age is no number")
    if labels["file_name"].duplicated().any():
        twice = labels.loc[labels["file_name"].duplicated(), "file_name"].iloc[0]
        raise FacesError(f"{folder / LABELS} names {twice} more than once")
    if not (folder / SPLITS).is_file():
        photos = [folder / PHOTOS / name for name in labels["file_name"]]
        return labels.assign(split=split_by_group(photos, labels["real_age"]), age_conflict=0)
    splits = _read_csv(folder / SPLITS, ["file_name", "split"])
    table = labels.merge(splits, on="file_name", how="left", validate="one_to_one")
    if table["split"].isna().any():
        first = table.loc[table["split"].isna(), "file_name"].iloc[0]
        raise FacesError(f"{folder / SPLITS} does not say which split {first} is in")
    if "age_conflict" not in table:
        table["age_conflict"] = 0
    return table


def _read_csv(path: Path, columns: list[str]) -> pd.DataFrame:
    if not path.is_file():
        raise FacesError(
            f"looked for {path}: a folder of faces holds {LABELS} "
            f"(file_name,real_age) beside {PHOTOS}/"
        )
    table = pd.read_csv(path)
    absent = [column for column in columns if column not in table]
    if absent:
        raise FacesError(f"{path} lacks the column {', '.join(absent)}")
    return table
