"""APPA-REAL's layout: `gt_avg_train.csv` beside `train/`, and so for valid and test.

Agustsson et al. 2017, "Apparent and real age estimation in still images with deep residual
regressors on APPA-REAL database". The birth dates are known, so the real age is the label; the
apparent age, which about 38 people each guessed at, is kept beside it.
"""

import hashlib
from pathlib import Path

import pandas as pd

from checkout_age.training.dataset.labels import Labels, read_label_file
from checkout_age.training.dataset.photo_file import FacesError

NAME = "APPA-REAL's"
SPLITS = ("train", "valid", "test")
COLUMNS = ["file_name", "real_age", "apparent_age_avg", "apparent_age_std"]
CROPPED = "_face.jpg"
"""What the name of a photo that was cut to the face ends in."""
LOOKED_FOR = (
    f"gt_avg_train.csv, gt_avg_valid.csv and gt_avg_test.csv ({','.join(COLUMNS)}) beside "
    "train/, valid/ and test/"
)


def is_here(folder: Path) -> bool:
    """Whether a folder is laid out so, or nearly."""
    return any(_label_file(folder, split).is_file() for split in SPLITS)


def read(folder: Path) -> Labels:
    """All three splits as they are given, train first.

    Raises:
        FacesError: a file or column lacks, or an age is no number.
    """
    tables = [_read_split(folder, split) for split in SPLITS]
    table = pd.concat(tables, ignore_index=True).rename(
        columns={"apparent_age_avg": "apparent_age"}
    )
    whole = int((~table["photo"].str.endswith(CROPPED)).sum())
    remarks = (f"Whole photos, for want of a {CROPPED} file: {whole}.",) if whole else ()
    return Labels(NAME, table.assign(age_conflict=0), remarks)


def fingerprint(folder: Path) -> str:
    """SHA-256 over the three files of labels."""
    digest = hashlib.sha256()
    for split in SPLITS:
        digest.update(_label_file(folder, split).read_bytes())
    return digest.hexdigest()


def _label_file(folder: Path, split: str) -> Path:
    return folder / f"gt_avg_{split}.csv"


def _read_split(folder: Path, split: str) -> pd.DataFrame:
    path = _label_file(folder, split)
    if not path.is_file():
        raise FacesError(f"looked for {path}: APPA-REAL holds one for each of {', '.join(SPLITS)}")
    table = read_label_file(path, COLUMNS)
    photos = [_photo(folder, f"{split}/{name}") for name in table["file_name"]]
    return table.assign(photo=photos, split=split)


def _photo(folder: Path, name: str) -> str:
    """The photo cut to the face, or the whole one where that alone is there."""
    cropped = name + CROPPED
    if not (folder / cropped).is_file() and (folder / name).is_file():
        return name
    return cropped
