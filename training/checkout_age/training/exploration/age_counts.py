"""Counts of ages: where there are too few photos, and where more than can be true."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from checkout_age.server.age import DEFAULT_GROUPS, OLDEST, AgeGroups

Ages: TypeAlias = "pd.Series[float]"
"""Years; n rows with any index."""

NEIGHBOURS = 4
SPIKE = 2.0
"""A year with more than this many times its neighbours' photos stands out."""
SPIKE_SHARE = 0.01
"""The least share of all photos that a year which stands out holds."""
FEWEST = 20
"""And the least number of photos: fewer may be chance."""
THIN = 0.05
"""A group with a smaller share of the photos is thin."""
WHIPPLE = (23, 62)
"""The years over which rounding is looked for, where counts by year change but slowly."""
ENOUGH = 200
"""The least number of photos of those years."""
ROUNDED = 110
"""Whipple's index from which ages are called rounded; the United Nations' grade of "fairly
accurate" ends there."""


def counts_by_year(ages: Ages) -> pd.DataFrame:
    """A row for each whole year from 0 to 100 or the oldest.

    `neighbours` is the median count of the four nearest years, `times` the count over it
    (infinite beside years without photos), `spike` whether it stands out.
    """
    years = _whole(ages).clip(min=0)
    photos = np.bincount(years, minlength=OLDEST + 1)
    near = np.array([_near(photos, year) for year in range(len(photos))])
    times = np.full(len(photos), np.inf)
    np.divide(photos, near, out=times, where=near > 0)
    share = photos / max(len(ages), 1)
    return pd.DataFrame(
        {
            "age": np.arange(len(photos)),
            "photos": photos,
            "share": share,
            "neighbours": near,
            "times": np.where(photos > 0, times, 0.0),
            "spike": (photos > SPIKE * near) & (share >= SPIKE_SHARE) & (photos >= FEWEST),
        }
    )


def counts_by_group(ages: Ages, groups: AgeGroups = DEFAULT_GROUPS) -> pd.DataFrame:
    """A row for each age group: `photos`, `share` and whether it is `thin`."""
    photos = age_groups(ages, groups).value_counts(sort=False)
    share = photos / max(len(ages), 1)
    table = pd.DataFrame({"photos": photos, "share": share, "thin": share < THIN})
    return table.reset_index(names="age group")


def age_groups(ages: Ages, groups: AgeGroups = DEFAULT_GROUPS) -> "pd.Series[str]":
    """The label of each age's group; an ordered category with the index of the ages."""
    edges = [-np.inf, *(group.youngest for group in groups.groups[1:]), np.inf]
    return pd.cut(ages, edges, right=False, labels=[group.label for group in groups.groups])


def counts_by_digit(ages: Ages) -> pd.DataFrame:
    """The ages of 23 to 62 years by their last digit; each would hold about a tenth of them."""
    years = _of_whipple(ages)
    photos = np.bincount(years % 10, minlength=10)
    share = photos / max(len(years), 1)
    return pd.DataFrame({"last digit": np.arange(10), "photos": photos, "share": share})


def whipple_index(ages: Ages) -> float:
    """100 where ages ending in 0 and 5 are as many as others, 500 where there are no others.

    Whipple's index of age heaping (Siegel and Swanson 2004, The Methods and Materials of
    Demography), over 23 to 62 years; NaN for fewer than 200 photos of these.
    """
    years = _of_whipple(ages)
    return float(500 * (years % 5 == 0).mean()) if len(years) >= ENOUGH else float("nan")


def ranges(years: Sequence[int]) -> str:
    """Whole years in ascending order, runs of them joined: `0, 91, 97-99`."""
    runs: list[list[int]] = []
    for year in years:
        if runs and year == runs[-1][-1] + 1:
            runs[-1].append(year)
        else:
            runs.append([year])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _near(photos: NDArray[np.int64], year: int) -> float:
    """The median count of the nearest years: two to each side, more to one side at an end."""
    others = np.delete(np.arange(len(photos)), year)
    nearest = others[np.argsort(np.abs(others - year), kind="stable")[:NEIGHBOURS]]
    return float(np.median(photos[nearest]))


def _of_whipple(ages: Ages) -> NDArray[np.int64]:
    years = _whole(ages)
    return years[(years >= WHIPPLE[0]) & (years <= WHIPPLE[1])]


def _whole(ages: Ages) -> NDArray[np.int64]:
    return np.floor(ages.to_numpy(np.float64)).astype(np.int64)
