"""Lifts under known truth: how often their 95 % intervals cover.

make lifts [JSON=file]

Shoppers of known groups buy products of known lifts; a model that errs tells their ages.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from checkout_age.batch.age_groups import AgeGroups
from checkout_age.batch.report.cells import CellTable
from checkout_age.batch.report.lift import lift_table, recommendations
from checkout_age.batch.report.model_error import error_in_groups
from checkout_age.batch.report.quantification import Cells, Codebook, Quantifier
from tests.bench.figures import merge
from tests.lakes import LABELS, STARTS, Photos, drawn, made_up_photos

SHOPS = 12
PURCHASES = 20_000
PRODUCTS = 40
MIX = np.array([3, 4, 11, 24, 20, 16, 12, 10]) / 100
THRESHOLD = 10
FEWEST, MOST = 0.01, 0.3
"""The shares of all purchases that hold a product, from the rarest to the most bought."""


@dataclass(frozen=True)
class Shop:
    """Baskets whose lifts are known, and what the report says of them."""

    truth: NDArray[np.float64]
    """Shape (products, groups)."""
    told: pd.DataFrame


def simulate(seed: int, purchases: int = PURCHASES, products: int = PRODUCTS) -> Shop:
    """A shop of its own model, photos, age mix and tastes; half of its products are liked alike."""
    generator = np.random.default_rng(seed)
    labelled, photos = made_up_photos(1200, 2 * seed + 1), made_up_photos(20_000, 2 * seed + 2)
    mix = generator.dirichlet(60 * MIX)
    groups = generator.choice(len(LABELS), purchases, p=mix)
    bought = np.geomspace(FEWEST, MOST, products)
    likings = np.exp(generator.normal(scale=0.6, size=(products, len(LABELS))))
    likings[::2] = 1
    chances = np.minimum(bought[:, None] * likings, 0.9)
    shares = np.bincount(groups, minlength=len(LABELS)) / purchases
    truth = chances / (chances @ shares)[:, None]
    held = generator.random((products, purchases)) < chances[:, groups]
    rows = drawn(photos, groups, seed)
    return Shop(truth, _report(labelled, photos, rows, held))


def _report(
    labelled: Photos, photos: Photos, rows: NDArray[np.int64], held: NDArray[np.bool_]
) -> pd.DataFrame:
    kinds = np.floor(photos.columns["age"].to_numpy()).astype(np.int64)
    posteriors = np.zeros((101, len(LABELS)))
    np.add.at(posteriors, kinds, photos.group_probabilities)
    there = np.flatnonzero(posteriors.sum(axis=1))
    kinds = np.searchsorted(there, kinds)
    posteriors = posteriors[there] / posteriors[there].sum(axis=1, keepdims=True)
    whole = np.bincount(kinds[rows], minlength=len(there)).astype(float)[None]
    error = error_in_groups(labelled.model(), STARTS)
    assert error is not None
    quantifier = Quantifier([error], Codebook(posteriors, np.zeros(len(there), int)), whole[0])
    likeliest = photos.group_probabilities.argmax(axis=1)
    cell, purchase = np.nonzero(held)
    sums = pd.DataFrame(
        {
            "cell": cell,
            "kind": kinds[rows[purchase]],
            "group": likeliest[rows[purchase]],
            "purchases": 1.0,
            "purchases_squared": 1.0,
            "moments": purchase.astype(object),
        }
    )
    names = pd.DataFrame(
        {"level": "product", "product": [f"p{n:02d}" for n in range(len(held))], "category": "c"}
    )
    table = CellTable(names, sums, len(there), len(LABELS))
    return lift_table(table, AgeGroups(STARTS), Cells(whole, whole), quantifier, THRESHOLD)


def measured(shops: list[Shop]) -> dict[str, float]:
    """Coverage of what is told, and how many of the recommendations are no more than noise."""
    truth = np.concatenate([shop.truth.ravel() for shop in shops])
    told = pd.concat([shop.told for shop in shops], ignore_index=True)
    shown = (~told["suppressed"]).to_numpy()
    covered = ((told["low"] <= truth) & (truth <= told["high"])).to_numpy()
    offered = (told["sure"] & (told["low"] > 1)).to_numpy() & shown
    return {
        "lift_interval_coverage": float(covered[shown].mean()),
        "lift_coverage_where_all_like_alike": float(covered[shown & (truth == 1)].mean()),
        "lift_offers": float(offered.sum()),
        "lift_false_offers": float((truth[offered] <= 1).mean()) if offered.any() else 0.0,
        "lift_found": float(offered[truth > 1.5].mean()),
    }


def main() -> None:
    """Print the figures, and write them where a file is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    shops = [simulate(seed) for seed in range(SHOPS)]
    figures = measured(shops)
    table = Table(
        title=f"{SHOPS} shops of {PURCHASES:,} purchases and {PRODUCTS} products",
        title_justify="left",
    )
    table.add_column("figure")
    table.add_column("", justify="right")
    for name, value in figures.items():
        table.add_row(name, f"{value:.1%}" if value <= 1 else f"{value:.0f}")
    console = Console(width=100)
    console.print(table)
    console.print(f"the first shop's offers:\n{recommendations(shops[0].told).to_string()}")
    merge(given.json, figures)


if __name__ == "__main__":
    main()
