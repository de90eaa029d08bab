"""Lift: how much more often a group buys a product than everybody does, and how sure that is.

A product's lift in a group is P(product | group) / P(product), which is P(group | product) /
P(group): the corrected share of the group among the purchases that hold the product, over its
corrected share of all purchases. Both come from the same draws of the model's error, which
therefore mostly drops out.
"""

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import false_discovery_control

from checkout_age.batch.age_groups import AgeGroups
from checkout_age.batch.report.cells import CellTable, cell_table
from checkout_age.batch.report.nights import Kinds
from checkout_age.batch.report.quantification import Cells, Quantifier
from checkout_age.batch.report.suppression import (
    COARSEST,
    outward,
    rounded,
    suppressed,
    to_steps,
)

FALSE_DISCOVERIES = 0.05
"""The share of recommendations that may be noise (Benjamini and Hochberg 1995)."""
OFFERS = 10
"""Recommendations of each group, at most."""


def lift_cells(connection: duckdb.DuckDBPyConnection, groups: AgeGroups, kinds: Kinds) -> CellTable:
    """The purchases that hold each product, and each category; every purchase counts once."""
    products, categories = (_bought(connection, level) for level in ("product", "category"))
    products["category"] = products.groupby("product")["category"].transform("min")  # one each
    rows = pd.concat([products, categories], ignore_index=True)
    return cell_table(rows, ["level", "product", "category"], groups, kinds)


def _bought(connection: duckdb.DuckDBPyConnection, level: str) -> pd.DataFrame:
    category = "min(category)" if level == "product" else level
    return connection.execute(f"""
        SELECT '{level}' AS level, {"product" if level == "product" else "''"} AS product,
            category,
            model, kind, age_group, count(*)::DOUBLE AS purchases,
            count(*)::DOUBLE AS purchases_squared, sum(moment) AS moments
        FROM (SELECT id, {level}, {category} AS category FROM basket_line GROUP BY id, {level})
            JOIN purchase USING (id)
        WHERE kind IS NOT NULL GROUP BY ALL""").df()


def lift_draws(
    table: CellTable, whole: Cells, quantifier: Quantifier
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draws of the shares in each cell, shape (draws, cells, groups), and of the whole's."""
    cells = table.cells("purchases")
    together = Cells(
        np.concatenate([whole.weights, cells.weights]),
        np.concatenate([whole.squares, cells.squares]),
    )
    drawn = quantifier.shares(together, repeats=1)  # the same shoppers stand on both sides
    return drawn[:, 1:], drawn[:, :1]


def lift_table(
    table: CellTable, groups: AgeGroups, whole: Cells, quantifier: Quantifier, threshold: int
) -> pd.DataFrame:
    """What may be told: a row for each product or category and age group.

    `purchases` hold the product; `support` of them are the group's, corrected; `lift`, `low` and
    `high` as above; `sure` where it stands out from 1 with the false discoveries controlled.
    """
    counts = table.by_group("purchases").astype(np.int64)
    keys = [" ".join(row) for row in table.set_keys()]
    purchases = np.array(
        [rounded(n, threshold, f"bought {key}") for n, key in zip(counts.sum(1), keys, strict=True)]
    )
    with np.errstate(divide="ignore"):
        step = np.where(purchases > 0, threshold / purchases, np.inf)[:, None]
    step = np.where(step > COARSEST, 1.0, step)
    hidden = suppressed(counts, threshold) | (step == 1)
    drawn, of_all = lift_draws(table, whole, quantifier)
    general = np.maximum(to_steps(of_all.mean(axis=0), threshold / whole.weights.sum()), 1e-9)
    general = np.where(of_all.mean(axis=0) > 0, general, np.nan)
    lifts = drawn / np.maximum(of_all, 1e-6)
    low, high = np.quantile(lifts, (0.025, 0.975), axis=0) * general
    low, high = outward(low, high, step)
    share = to_steps(drawn.mean(axis=0), step)
    names = table.names.loc[table.names.index.repeat(len(groups.labels))].reset_index(drop=True)
    figures = pd.DataFrame(
        {
            "age_group": np.tile(groups.labels, len(counts)),
            "purchases": np.repeat(purchases, len(groups.labels)),
            "lift": (share / general).ravel(),
            "low": (low / general).ravel(),
            "high": (high / general).ravel(),
            "support": (np.rint(share / step) * threshold).ravel(),
            "sure": _sure(drawn - of_all, hidden).ravel(),
            "suppressed": hidden.ravel(),
        }
    )
    figures.loc[figures["suppressed"], ["lift", "low", "high", "support"]] = np.nan
    return pd.concat([names, figures], axis=1)


def _sure(differences: NDArray[np.float64], hidden: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which shares lie above the whole's, tested together, among those that may be told."""
    mean, deviation = differences.mean(axis=0), differences.std(axis=0)
    chance = ndtr(-mean / np.maximum(deviation, 1e-12))
    sure = np.zeros(hidden.shape, bool)
    if (~hidden).any():
        sure[~hidden] = false_discovery_control(chance[~hidden]) < FALSE_DISCOVERIES
    return sure


def recommendations(lifts: pd.DataFrame) -> pd.DataFrame:
    """The products to offer each group, surest first: `age_group`, `rank`, `product`, ….

    Only products whose lift is above 1 beyond chance; ranked by the low end of the interval,
    which does not fall for a product that few have bought.
    """
    offers = lifts[
        (lifts["level"] == "product") & lifts["sure"] & (lifts["low"] > 1) & (lifts["support"] > 0)
    ]
    order = {label: place for place, label in enumerate(lifts["age_group"].unique())}
    offers = offers.assign(place=offers["age_group"].map(order)).sort_values(
        ["place", "low", "lift", "product"], ascending=[True, False, False, True]
    )
    offers = offers.assign(rank=offers.groupby("place").cumcount() + 1)
    columns = ["age_group", "rank", "product", "category", "lift", "low", "high", "support"]
    return offers.loc[offers["rank"] <= OFFERS, columns].reset_index(drop=True)
