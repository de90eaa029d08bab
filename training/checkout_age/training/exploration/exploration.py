"""The exploration: labels and photos of a folder put together, row by row."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console

from checkout_age.server.photo import Pixels
from checkout_age.training.dataset.layout import read_labels
from checkout_age.training.dataset.photo_file import read_photo
from checkout_age.training.dataset.split import split_by_group, told_groups
from checkout_age.training.exploration.duplicates import groups_among
from checkout_age.training.exploration.survey import survey


@dataclass(frozen=True, eq=False)
class Exploration:
    """All that is known of a folder of faces before any model."""

    folder: Path
    layout: str
    remarks: tuple[str, ...]
    labels: pd.DataFrame
    """As the folder says."""
    table: pd.DataFrame
    """The same rows with what `survey` saw, `hash_group` (near-duplicates by difference hash), and
    always `photo_group` and `split`."""

    @property
    def groups_were_found(self) -> bool:
        """Whether near-duplicates were looked for here, not named by the folder."""
        return "photo_group" not in self.labels

    @property
    def split_was_drawn(self) -> bool:
        """Whether the split is the one that training would draw, not the folder's."""
        return "split" not in self.labels

    @property
    def ages(self) -> "pd.Series[float]":
        """The labels in years."""
        return self.table["real_age"].astype(float)

    @property
    def readable(self) -> pd.DataFrame:
        """The rows whose photos can be read."""
        return self.table[self.table["fault"] == ""]

    def some(self, count: int) -> pd.DataFrame:
        """At most so many of the readable rows, spread evenly from the youngest to the oldest."""
        rows = self.readable.sort_values("real_age", kind="stable")
        places = np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(np.int64)
        return rows.iloc[places]

    def photos(self, rows: pd.DataFrame) -> list[Path]:
        """The files of some rows."""
        return [self.folder / name for name in rows["photo"]]

    def with_ages(self, rows: pd.DataFrame) -> list[tuple[Pixels, str]]:
        """The pixels of some readable rows, each with its age in words."""
        pixels = [read_photo(photo) for photo in self.photos(rows)]
        return [(each, f"{age:g}") for each, age in zip(pixels, rows["real_age"], strict=True)]


def gather(folder: Path, console: Console) -> Exploration:
    """Read the labels and look at every photo once; photos that cannot be read are kept.

    Raises:
        FacesError: the folder is laid out in no way that is known.
    """
    labels = read_labels(folder)
    seen = survey([folder / name for name in labels.table["photo"]], console)
    others = [name for name in labels.table if name not in (*seen, "hash_group")]
    table = pd.concat([labels.table[others], seen], axis=1)
    readable = (table["fault"] == "").to_numpy()
    table["hash_group"] = groups_among(table["hash"].tolist(), readable)
    named = "photo_group" in table
    if not named:
        table["photo_group"] = table["hash_group"]
    if "split" not in table:
        rows = table[readable]
        groups = told_groups(rows["photo_group"]) if named else list(rows["photo_group"])
        table.loc[readable, "split"] = split_by_group(groups, rows["real_age"])
    return Exploration(folder, labels.layout, labels.remarks, labels.table, table)
