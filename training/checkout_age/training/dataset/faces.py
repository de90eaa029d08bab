"""The labelled faces: photos with ages, each in the split that it is for."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from checkout_age.server.photo import Pixels
from checkout_age.training.dataset import layout
from checkout_age.training.dataset.compact import read_compact
from checkout_age.training.dataset.photo_file import FacesError
from checkout_age.training.dataset.split import find_groups, split_by_group, told_groups

SplitName = Literal["train", "valid", "test"]
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
    chips: Pixels | None = None
    """Cut before, where the photos themselves are not at hand; shape (n, side, side, 3)."""

    def __len__(self) -> int:
        return len(self.photos)

    def chosen(self, rows: NDArray[np.int64]) -> "Faces":
        """Those rows alone, in that order."""
        return Faces(
            tuple(self.photos[row] for row in rows),
            self.ages[rows],
            self.spreads[rows],
            self.audit.iloc[rows].reset_index(drop=True) if len(self.audit) else self.audit,
            None if self.chips is None else self.chips[rows],
        )

    def spread(self, photos: int) -> "Faces":
        """So many of them, evenly spread over all; all where there are no more."""
        rows = np.unique(np.linspace(0, len(self) - 1, photos).astype(np.int64))
        return self.chosen(rows)

    @property
    def table(self) -> pd.DataFrame:
        """file_name, real_age, age_conflict and what is audited."""
        labels = pd.DataFrame(
            {
                "file_name": [photo.name for photo in self.photos],
                "real_age": self.ages,
                "age_conflict": self.spreads,
            }
        )
        return pd.concat([labels, self.audit], axis=1)

    @property
    def digest(self) -> str:
        """SHA-256 over names and labels: tells one set of labelled photos from another."""
        rows = (
            f"{photo.name},{age:g},{spread:g}\n"
            for photo, age, spread in zip(self.photos, self.ages, self.spreads, strict=True)
        )
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
    """The rows of one split, in the order of the labels.

    The folder decides, where it says; else near-duplicates are found and kept together. In
    place of a folder it may be a file of chips, as the command `pack` writes it.
    """
    if folder.is_file():
        return _load_compact(folder, split)
    table = read_table(folder)
    rows = table[table["split"] == split]
    if rows.empty:
        raise FacesError(
            f"{folder} puts no photo into the {split} split; where it says nothing of splits, "
            "they are drawn, which takes some tens of photos in each decade of age"
        )
    return Faces(
        photos=tuple(folder / name for name in rows["photo"]),
        ages=rows["real_age"].to_numpy(np.float32),
        spreads=rows["age_conflict"].to_numpy(np.float32),
        audit=audit(rows),
    )


def fingerprint(folder: Path) -> str:
    """SHA-256 over the labels: which photos, which ages, what was held out."""
    if folder.is_file():
        return read_compact(folder, "valid").fingerprint
    return layout.fingerprint(folder)


def _load_compact(path: Path, split: SplitName) -> Faces:
    compact = read_compact(path, split)
    table = compact.table
    if table.empty:
        raise FacesError(f"{path} has no chip in the {split} split")
    return Faces(
        photos=tuple(map(Path, table["file_name"])),
        ages=table["real_age"].to_numpy(np.float32),
        spreads=table["age_conflict"].to_numpy(np.float32),
        audit=table[[column for column in AUDITED if column in table]],
        chips=compact.chips,
    )


def audit(table: pd.DataFrame) -> pd.DataFrame:
    """The columns of a table that errors are told apart by, in words."""
    columns = {
        column: table[column].map(words) for column, words in AUDITED.items() if column in table
    }
    return pd.DataFrame(columns).reset_index(drop=True)


def read_table(folder: Path) -> pd.DataFrame:
    """All faces: file_name, photo, real_age, split, age_conflict and what else the folder says.

    Where it says nothing of splits, near-duplicates are found and kept together, and how far their
    ages lie apart is their age_conflict.

    Raises:
        FacesError: the folder is laid out otherwise, photos are missing, or an age is below 0.
    """
    table = layout.read_labels(folder).table
    unborn = table.loc[table["real_age"] < 0, "file_name"]
    if len(unborn):
        raise FacesError(
            f"{len(unborn)} photos in {folder} have an age below 0, the first is {unborn.iloc[0]}; "
            "leave out whose age is not known"
        )
    photos = [folder / name for name in table["photo"]]
    missing = [name for name in table["photo"] if not (folder / name).is_file()]
    if missing:
        raise FacesError(
            f"{len(missing)} photos that have labels are not in {folder}, the first is {missing[0]}"
        )
    if "split" in table:
        return table
    groups = told_groups(table["photo_group"]) if "photo_group" in table else find_groups(photos)
    ages = table["real_age"].groupby(groups)
    return table.assign(
        split=split_by_group(groups, table["real_age"]),
        photo_group=groups,
        age_conflict=np.maximum(
            table["age_conflict"], ages.transform("max") - ages.transform("min")
        ),
    )
