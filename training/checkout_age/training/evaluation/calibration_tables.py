"""Calibration in tables: probabilities and intervals as said, and as seen on labelled photos."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from checkout_age.training.evaluation.calibration import needed_levels, reliability
from checkout_age.training.evaluation.scores import Scores

LEVELS = (0.5, 0.8, 0.9, 0.95)
"""Shares of the probability that intervals are tried with."""


def reliability_tables(scores: Scores) -> dict[str, pd.DataFrame]:
    """Said against seen: of every age group's probability, and of the likeliest group alone."""
    groups = np.arange(len(scores.groups.groups))
    is_group = scores.actual_groups[:, None] == groups
    right = scores.told_groups == scores.actual_groups
    return {
        "all groups": reliability(scores.group_probabilities.ravel(), is_group.ravel()),
        "the likeliest group": reliability(scores.group_probabilities.max(axis=1), right),
    }


def calibration_errors(tables: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    """The mean gap between said and seen of each table, weighed by answers, 0 to 1."""
    return {
        name: float(np.average((table["said"] - table["seen"]).abs(), weights=table["answers"]))
        for name, table in tables.items()
    }


def coverage_table(scores: Scores) -> pd.DataFrame:
    """For central intervals that hold a `level` of probability: the share of labels inside.

    `width` is their mean width in years.
    """
    needed = label_levels(scores)
    return pd.DataFrame(
        [
            {
                "level": level,
                "seen": float((needed <= level).mean()),
                "width": _mean_width(scores, level),
            }
            for level in LEVELS
        ]
    )


def served_table(scores: Scores) -> pd.DataFrame:
    """The intervals that are served as 90 %, a row for each band of told ages.

    `told_from` is where the band begins in years, `level` the probability that its intervals
    hold, `seen` the share of labels inside and `width` their mean width in years.
    """
    calibration = scores.calibration
    bands = np.searchsorted(calibration.told_from, scores.ages, side="right") - 1
    widths = scores.intervals[:, 1] - scores.intervals[:, 0]
    table = pd.DataFrame({"band": bands, "seen": scores.covered, "width": widths})
    grouped = table.groupby("band")
    rows = grouped.mean().assign(photos=grouped.size()).reset_index()
    rows["told_from"] = [calibration.told_from[band] for band in rows["band"]]
    rows["level"] = [calibration.levels[band] for band in rows["band"]]
    return rows[["told_from", "photos", "level", "seen", "width"]]


def label_levels(scores: Scores) -> NDArray[np.float64]:
    """How much probability each photo's interval must hold to reach its label, shape (n,)."""
    by_year = np.stack([each.by_year for each in scores.distributions])
    return needed_levels(by_year, scores.faces.ages)


def _mean_width(scores: Scores, level: float) -> float:
    ends = np.array([each.interval(level) for each in scores.distributions])
    return float((ends[:, 1] - ends[:, 0]).mean())
