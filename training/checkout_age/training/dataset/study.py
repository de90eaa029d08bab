"""The study's layout: `labels.csv` beside `final_files/`, and perhaps `splits.csv`."""

import hashlib
from pathlib import Path
from typing import Any

import pandas as pd

from checkout_age.server.age import OLDEST
from checkout_age.training.dataset.labels import Labels, read_label_file
from checkout_age.training.dataset.photo_file import FacesError

NAME = "the study's"
LABELS = "labels.csv"
SPLITS = "splits.csv"
PHOTOS = "final_files"
LOOKED_FOR = f"{LABELS} (file_name,real_age) beside {PHOTOS}/"


def is_here(folder: Path) -> bool:
    """Whether a folder is laid out so, or nearly."""
    return (folder / LABELS).is_file() or (folder / PHOTOS).is_dir()


def read(folder: Path) -> Labels:
    """The rows of `labels.csv`, in its order, with what `splits.csv` adds.

    Raises:
        FacesError: a file or column lacks, an age is no number, or a photo has no split.
    """
    path = folder / LABELS
    if not path.is_file():
        raise FacesError(f"looked for {path}: {PHOTOS}/ is there, its labels are not")
    table = read_label_file(path, ["file_name", "real_age"])
    conflicts_file = path
    table["photo"] = [f"{PHOTOS}/{name}" for name in table["file_name"]]
    if (folder / SPLITS).is_file():
        splits = read_label_file(folder / SPLITS, ["file_name", "split"])
        if "age_conflict" in splits:
            conflicts_file = folder / SPLITS
        own = [name for name in table if name == "file_name" or name not in splits]
        table = table[own].merge(splits, on="file_name", how="left", validate="one_to_one")
    if "split" in table and table["split"].isna().any():
        first = table.loc[table["split"].isna(), "file_name"].iloc[0]
        raise FacesError(f"{folder / SPLITS} does not say which split {first} is in")
    if "age_conflict" in table:
        table["age_conflict"] = _conflicts(table["age_conflict"], conflicts_file)
    else:
        table["age_conflict"] = 0
    return Labels(NAME, table)


def _conflicts(column: "pd.Series[Any]", file: Path) -> "pd.Series[float]":
    years = pd.to_numeric(column.fillna(0), errors="coerce")
    if not years.between(0, OLDEST).all():
        raise FacesError(f"{file} has an age_conflict that is no number from 0 to {OLDEST} years")
    return years


def fingerprint(folder: Path) -> str:
    """SHA-256 over the labels and the split: which photos, which ages, what was held out."""
    digest = hashlib.sha256()
    for name in (LABELS, SPLITS):
        if (folder / name).is_file():
            digest.update((folder / name).read_bytes())
    return digest.hexdigest()
