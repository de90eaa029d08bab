"""Shares by age group: the plain count and the corrected share with its 95 % interval."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from checkout_age.batch.age_groups import AgeGroups
from checkout_age.batch.report.cells import MEASURES, CellTable
from checkout_age.batch.report.quantification import Cells, Quantifier
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
    table: CellTable, measures: Sequence[str], quantifier: Quantifier, threshold: int
) -> dict[str, NDArray[np.float64]]:
    """By measure, draws of each cell's shares, shape (draws, cells, groups).

    NaN where purchases are too few. Nothing is rounded or suppressed here.
    """
    purchases = table.by_group("purchases").sum(axis=1)
    cells = {measure: table.cells(measure) for measure in measures}
    told = {
        measure: np.flatnonzero((purchases >= threshold) & (each.weights.sum(axis=1) > 0))
        for measure, each in cells.items()
    }
    some = [cells[measure].at(rows) for measure, rows in told.items()]
    drawn = quantifier.shares(
        Cells(
            np.concatenate([each.weights for each in some]),
            np.concatenate([each.squares for each in some]),
        )
    )
    draws, begin = {}, 0
    for measure, rows in told.items():
        draws[measure] = np.full((len(drawn), len(purchases), table.groups), np.nan)
        draws[measure][:, rows] = drawn[:, begin : begin + len(rows)]
        begin += len(rows)
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
    measures = [measure for measure in MEASURES if table.by_group(measure).any()]
    draws = {} if quantifier is None else corrected(table, measures, quantifier, threshold)
    parts = [
        _measured(table, groups, measure, draws.get(measure), threshold) for measure in measures
    ]
    return pd.concat(parts, ignore_index=True)


def _measured(
    table: CellTable,
    groups: AgeGroups,
    measure: str,
    draws: NDArray[np.float64] | None,
    threshold: int,
) -> pd.DataFrame:
    counts = table.by_group("purchases").astype(np.int64)
    purchases = counts.sum(axis=1)
    sums = table.by_group(measure)
    totals = sums.sum(axis=1)
    step = step_of(purchases, table.largest(measure), totals, threshold)
    hidden = suppressed(counts, threshold) | (step > COARSEST)[:, None]
    plain = _plain(sums, np.where(step > COARSEST, 1.0, step) * totals, table.set_keys(), measure)
    with np.errstate(divide="ignore", invalid="ignore"):
        shown = pd.DataFrame(
            {
                "age_group": np.tile(groups.labels, len(counts)),
                "measure": measure,
                "purchases": np.repeat(purchases, len(groups.labels)),
                "plain_purchases": np.rint(plain).ravel() if measure == "purchases" else np.nan,
                "plain_share": (plain / totals[:, None]).ravel(),
            }
        )
    names = table.names.loc[table.names.index.repeat(len(groups.labels))].reset_index(drop=True)
    figures = pd.concat([names, shown], axis=1).assign(**_corrected(draws, step, len(shown)))
    figures["step"] = np.repeat(np.where(step > COARSEST, np.nan, step), len(groups.labels))
    figures["suppressed"] = hidden.ravel()
    told = ["plain_purchases", "plain_share", "share", "low", "high"]
    figures.loc[figures["suppressed"], told] = np.nan
    return figures


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
    draws: NDArray[np.float64] | None, step: NDArray[np.float64], figures: int
) -> dict[str, NDArray[np.float64]]:
    """The corrected columns, row by row of cells and groups."""
    if draws is None:
        nothing = np.full(figures, np.nan)
        return {"share": nothing, "low": nothing, "high": nothing}
    told = np.where(np.isfinite(step), step, 1.0)[:, None]
    low, high = np.quantile(draws, INTERVAL, axis=0)
    low, high = outward(low, high, told)
    share = to_steps(draws.mean(axis=0), told)
    return {"share": share.ravel(), "low": low.ravel(), "high": high.ravel()}
