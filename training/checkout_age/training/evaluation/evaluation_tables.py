"""Evaluation in tables: the numbers that a report draws, one frame each, ready for CSV.

Signed errors are the age told less the label: above 0, people are told too old.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from checkout_age.training.evaluation.evaluation import RESAMPLES
from checkout_age.training.evaluation.scores import Scores

FURTHEST = 15
"""Years up to which the cumulative score is followed."""
BAND = 5
"""Years of label that errors are told apart by."""


def photo_table(scores: Scores) -> pd.DataFrame:
    """A row for each photo: its name, label, the answer, the error in years, what is audited."""
    labels = np.array([group.label for group in scores.groups.groups])
    told = pd.DataFrame(
        {
            "file_name": [photo.name for photo in scores.faces.photos],
            "label": scores.faces.ages,
            "age": scores.ages,
            "low": scores.intervals[:, 0],
            "high": scores.intervals[:, 1],
            "group_label": labels[scores.actual_groups],
            "group_told": labels[scores.told_groups],
            "error": signed_errors(scores),
        }
    )
    audited = scores.faces.audit.rename(columns={name: f"{name}_part" for name in told})
    return pd.concat([told, audited], axis=1)


def signed_errors(scores: Scores) -> NDArray[np.float64]:
    """Years that each person is told too old, below 0 too young, shape (n,)."""
    return np.asarray(scores.ages - scores.faces.ages)


def age_group_table(scores: Scores) -> pd.DataFrame:
    """The errors of each age group in years, as `_errors_of` lists them; empty groups left out."""
    parts = {
        group.label: scores.actual_groups == number
        for number, group in enumerate(scores.groups.groups)
    }
    return pd.DataFrame(_errors_of("age", parts, scores))


def audit_table(scores: Scores) -> pd.DataFrame:
    """The errors of all that is audited, such as gender; no rows where nothing is known."""
    rows: list[dict[str, Any]] = []
    for column in scores.faces.audit:
        values = scores.faces.audit[column]
        parts = {str(each): np.asarray(values == each) for each in sorted(values.dropna().unique())}
        rows.extend(_errors_of(str(column), parts, scores))
    return pd.DataFrame(rows)


def _errors_of(
    by: str, parts: Mapping[str, NDArray[np.bool_]], scores: Scores
) -> Iterator[dict[str, Any]]:
    """Mean absolute and mean signed error (bias) with their 95 % intervals, all in years.

    `covered` is the share of labels in the interval that is served, `expected` the mean
    absolute error that the ages of the group's people alone account for: as if each erred
    like everyone's mean in their age group (indirect standardisation).
    """
    expected = _errors_by_age(scores)
    both = np.stack([scores.errors, signed_errors(scores)], axis=1)
    for name, inside in parts.items():
        if inside.any():
            (mae, bias), (mae_low, bias_low), (mae_high, bias_high) = _with_interval(both[inside])
            yield {
                "by": by,
                "group": name,
                "photos": int(inside.sum()),
                "mae": mae,
                "mae_low": mae_low,
                "mae_high": mae_high,
                "expected": float(expected[inside].mean()),
                "covered": float(scores.covered[inside].mean()),
                "bias": bias,
                "bias_low": bias_low,
                "bias_high": bias_high,
            }


def _errors_by_age(scores: Scores) -> NDArray[np.float64]:
    """For each photo the mean absolute error of its label's age group, shape (n,)."""
    errors = pd.Series(scores.errors)
    return errors.groupby(scores.actual_groups).transform("mean").to_numpy()


def _with_interval(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean, low and high of each column, shape (3, columns); the draws are those of `metrics`."""
    generator = np.random.default_rng(0)
    count = len(values)
    draws = [values[generator.integers(0, count, count)].mean(axis=0) for _ in range(RESAMPLES)]
    return np.stack([values.mean(axis=0), *np.percentile(draws, [2.5, 97.5], axis=0)])


def cumulative_table(scores: Scores) -> pd.DataFrame:
    """The share of photos told within so many `years`, 0 to 15.

    The cumulative score of Geng et al. 2007 (IEEE TPAMI 29, 2234).
    """
    years = np.arange(FURTHEST + 1)
    return pd.DataFrame(
        {"years": years, "share": [(scores.errors <= most).mean() for most in years]}
    )


def confusion_table(scores: Scores) -> pd.DataFrame:
    """Photos by the group of their label (rows) and the likeliest group told (columns)."""
    labels = [group.label for group in scores.groups.groups]
    counts = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(counts, (scores.actual_groups, scores.told_groups), 1)
    return pd.DataFrame(counts, pd.Index(labels, name="label"), pd.Index(labels, name="told"))


def age_table(scores: Scores) -> pd.DataFrame:
    """Ages told and signed errors, in years, of labels five years apart; empty bands left out.

    `tenth` and `ninetieth` hold eight in ten of the signed errors between them.
    """
    table = pd.DataFrame(
        {
            "youngest": (scores.faces.ages // BAND * BAND).astype(np.int64),
            "told": scores.ages,
            "error": signed_errors(scores),
        }
    )
    bands = table.groupby("youngest")
    return pd.DataFrame(
        {
            "photos": bands.size(),
            "median_told": bands["told"].median(),
            "bias": bands["error"].mean(),
            "median_error": bands["error"].median(),
            "tenth": bands["error"].quantile(0.1),
            "ninetieth": bands["error"].quantile(0.9),
        }
    ).reset_index()


def history_table(training: Mapping[str, Any]) -> pd.DataFrame:
    """A row for each epoch of a bundle's training, errors in years; no rows in older bundles."""
    history: Sequence[Mapping[str, Any]] = training.get("history") or ()
    columns = ["side", "loss", "train_mae", "valid_mae"]
    table = pd.DataFrame([[epoch[name] for name in columns] for epoch in history], columns=columns)
    table.insert(0, "epoch", np.arange(1, len(table) + 1))
    return table
