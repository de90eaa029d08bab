"""Duplicates: photos that are copies of one another, and how far their labels disagree."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from checkout_age.training.dataset.split import photo_groups

SPREADS = (0, 1, 3, 6, 11, 21)
"""Where the ranges of years begin by which labels of copies are said to disagree."""


def groups_among(hashes: Sequence[int], readable: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The group of each photo, named by its first member's row; one that is unreadable is alone.

    Args:
        hashes: of n photos, as `split.hash_of` makes them.
        readable: shape (n,); where not, the hash means nothing.
    """
    groups = np.arange(len(hashes))
    rows = np.flatnonzero(readable)
    groups[rows] = rows[photo_groups([hashes[int(row)] for row in rows])]
    return groups


def groups_of_copies(table: pd.DataFrame) -> pd.DataFrame:
    """The groups with two photos or more, those that disagree most first.

    Args:
        table: with `photo_group`, `real_age` in years, and `split`.

    Returns:
        A row a group: `photo_group`, `photos`, `youngest`, `oldest` and `spread` in years,
        `splits` that its photos are in.
    """
    grouped = table.groupby("photo_group")
    ages = grouped["real_age"]
    groups = pd.DataFrame(
        {
            "photos": grouped.size(),
            "youngest": ages.min(),
            "oldest": ages.max(),
            "spread": ages.max() - ages.min(),
            "splits": grouped["split"].nunique(),
        }
    )
    several = groups[groups["photos"] > 1].reset_index()
    worst = ["spread", "photos", "photo_group"]
    return several.sort_values(worst, ascending=[False, False, True], ignore_index=True)


def counts_by_spread(groups: pd.DataFrame) -> pd.DataFrame:
    """How many of `groups_of_copies`, and photos in them, disagree by how many years."""
    ends = [*(f"{start - 1}" for start in SPREADS[1:]), ""]
    labels = [
        f"{start}+" if not end else str(start) if end == str(start) else f"{start}-{end}"
        for start, end in zip(SPREADS, ends, strict=True)
    ]
    bins = np.searchsorted(SPREADS[1:], np.floor(groups["spread"]), side="right")
    photos = np.bincount(bins, weights=groups["photos"], minlength=len(SPREADS)).astype(np.int64)
    return pd.DataFrame(
        {
            "years apart": labels,
            "groups": np.bincount(bins, minlength=len(SPREADS)),
            "photos": photos,
        }
    )
