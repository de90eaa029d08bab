"""Labels: what a folder says of its photos, and the tables in which it says so."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from checkout_age.training.dataset.photo_file import FacesError


@dataclass(frozen=True, eq=False)
class Labels:
    """The photos that a folder names, whether or not they are there and can be read."""

    layout: str
    """Whose way of naming photos and ages it is."""
    table: pd.DataFrame
    """A row a photo: `file_name`, `photo` (its path below the folder), `real_age` in years and
    `age_conflict` (years between the labels of its copies); where known `split`, `photo_group`,
    `gender`, `race`, `apparent_age` and `apparent_age_std`."""
    remarks: tuple[str, ...] = ()
    """What was left out or is not known, a sentence each."""


def read_label_file(path: Path, columns: list[str]) -> pd.DataFrame:
    """A CSV file with at least these columns, which names every photo once.

    Raises:
        FacesError: it is no such table, lacks a column, names no photo or one twice, or has a
            `real_age` that is no number.
    """
    try:
        table = pd.read_csv(path, dtype={"file_name": str})
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise FacesError(f"{path} cannot be read as a table: {str(error).strip()}") from error
    absent = [column for column in columns if column not in table]
    if absent:
        raise FacesError(f"{path} lacks the column {', '.join(absent)}")
    if table.empty:
        raise FacesError(f"{path} names no photo")
    if table["file_name"].isna().any():
        raise FacesError(f"{path} has rows without a file_name")
    if "real_age" in columns and not _all_numbers(table["real_age"]):
        raise FacesError(f"{path} has rows whose real_age is no number")
    if table["file_name"].duplicated().any():
        twice = table.loc[table["file_name"].duplicated(), "file_name"].iloc[0]
        raise FacesError(f"{path} names {twice} more than once")
    return table


def _all_numbers(column: "pd.Series[float]") -> bool:
    return bool(pd.api.types.is_numeric_dtype(column) and column.notna().all())
