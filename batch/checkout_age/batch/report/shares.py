"""Shares by age group: the plain count and the corrected share with its 95 % interval."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from checkout_age.batch.age_groups import AgeGroups
from checkout_age.batch.report.cells import MEASURES, CellTable
from checkout_age.batch.report.quantification import Quantifier
from checkout_age.batch.report.suppression import (
    COARSEST,
    outward,
    rounded,
    step_of,
    suppressed,
    to_steps,
)

INTERVAL = (0.025, 0.975)


def corrected(
    table: CellTable, measure: str, quantifier: Quantifier, threshold: int
) -> NDArray[np.float64]:
    """Draws of each cell's shares, shape (draws, cells, groups); NaN where purchases are too few.

    Nothing is rounded or suppressed here.
    """
    cells = table.cells(measure)
    enough = (table.by_group("purchases").sum(axis=1) >= threshold) & (cells.weights.sum(1) > 0)
    drawn = quantifier.shares(cells.at(np.flatnonzero(enough)))
    draws = np.full((len(drawn), len(enough), table.groups), np.nan)
    draws[:, enough] = drawn
    return draws


def shares_table(
    table: CellTable, groups: AgeGroups, quantifier: Quantifier | None, threshold: int
) -> pd.DataFrame:
    """What may be told: a row for each cell, measure and age group.

    `by` and `value` name the cell; `purchases` are its scored ones; `plain_purchases` and
    `plain_share` count the likeliest groups; `share`, `low` and `high` are corrected and null
    where there is no quantifier; `suppressed` rows tell no figure. `step` is how finely shares
    are told.
    """
    parts = [
        part
        for measure in MEASURES
        for part in _measured(table, groups, measure, quantifier, threshold)
    ]
    return pd.concat(parts, ignore_index=True)


def _measured(
    table: CellTable,
    groups: AgeGroups,
    measure: str,
    quantifier: Quantifier | None,
    threshold: int,
) -> Iterator[pd.DataFrame]:
    counts = table.by_group("purchases").astype(np.int64)
    purchases = counts.sum(axis=1)
    sums = table.by_group(measure)
    totals = sums.sum(axis=1)
    if not totals.any():
        return
    step = step_of(purchases, table.largest(measure), totals, threshold)
    hidden = suppressed(counts, threshold) | (step > COARSEST)[:, None]
    plain = _plain(sums, np.where(step > COARSEST, 1.0, step) * totals, table.set_keys(), measure)
    with np.errstate(divide="ignore", invalid="ignore"):
        shown = pd.DataFrame(
            {
                "age_group": np.tile(groups.labels, len(counts)),
                "measure": measure,
                "purchases": np.repeat(purchases, len(groups.labels)),
                "plain_purchases": plain.ravel() if measure == "purchases" else np.nan,
                "plain_share": (plain / totals[:, None]).ravel(),
            }
        )
    names = table.names.loc[table.names.index.repeat(len(groups.labels))].reset_index(drop=True)
    figures = pd.concat([names, shown], axis=1).assign(
        **_corrected(table, measure, quantifier, threshold, step)
    )
    figures["step"] = np.repeat(np.where(step > COARSEST, np.nan, step), len(groups.labels))
    figures["suppressed"] = hidden.ravel()
    told = ["plain_purchases", "plain_share", "share", "low", "high"]
    figures.loc[figures["suppressed"], told] = np.nan
    yield figures


def _plain(
    sums: NDArray[np.float64], steps: NDArray[np.float64], keys: list[list[str]], measure: str
) -> NDArray[np.float64]:
    """The sums as multiples of each row's step, shape (cells, groups)."""
    return np.array(
        [
            [
                rounded(amount, step, f"{measure} {key}") if step > 0 else 0.0
                for amount, key in zip(row, row_keys, strict=True)
            ]
            for row, step, row_keys in zip(sums, steps, keys, strict=True)
        ]
    )


def _corrected(
    table: CellTable,
    measure: str,
    quantifier: Quantifier | None,
    threshold: int,
    step: NDArray[np.float64],
) -> dict[str, NDArray[np.float64]]:
    """The corrected columns, row by row of cells and groups."""
    if quantifier is None:
        nothing = np.full(len(table.names) * table.groups, np.nan)
        return {"share": nothing, "low": nothing, "high": nothing}
    draws = corrected(table, measure, quantifier, threshold)
    told = np.where(np.isfinite(step), step, 1.0)[:, None]
    low, high = np.quantile(draws, INTERVAL, axis=0)
    low, high = outward(low, high, told)
    share = to_steps(draws.mean(axis=0), told)
    return {"share": share.ravel(), "low": low.ravel(), "high": high.ravel()}
