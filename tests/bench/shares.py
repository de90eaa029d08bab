"""Shares under shift: how far counts and corrected shares lie from the truth.

make shares [JSON=file]
python -m tests.bench.shares SHARED [--seed 0] [--exchanged] [--json FILE]

The artificial-prevalence protocol (Forman 2005; Esuli, Moreo and Sebastiani 2023, "Learning to
Quantify"): populations with age mixes drawn evenly from all mixes there are, made of the test
photos of shared/faces as the shipped model tells them, each a store of one report. Exchanged, the
populations are made of the valid photos and corrected by the model's error on the test photos.
"""

import argparse
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from checkout_age.batch.models import keep_model
from checkout_age.batch.report import baskets, nights
from checkout_age.batch.report.asked import Asked
from checkout_age.batch.report.cells import share_cells
from checkout_age.batch.report.model_error import error_in_groups
from checkout_age.batch.report.quantification import Codebook, Quantifier
from checkout_age.batch.report.shares import INTERVAL, corrected
from checkout_age.server.bundle import Bundle, find_bundle, read_bundle
from checkout_age.training.dataset.faces import load_split
from checkout_age.training.evaluation.evaluation import score
from checkout_age.v1 import age_estimation_pb2 as pb
from tests.bench.figures import merge
from tests.lakes import FIRST, LABELS, Photos, drawn, write_night

ROOT = Path(__file__).parents[2]
POPULATIONS = 240
PURCHASES = 1000
"""Of each population; more would be drawn from the same few photos."""
ROWS = 100_000
"""Of one night, so that a lake of any size is written in pieces."""


@dataclass(frozen=True)
class Outcome:
    """Row by row: a population; column by column: an age group."""

    truth: NDArray[np.float64]
    plain: NDArray[np.float64]
    share: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Whether each true share lies in its interval."""
        return np.asarray((self.low <= self.truth) & (self.truth <= self.high))

    @property
    def figures(self) -> dict[str, float]:
        """The mean errors of a group's share, 0 to 1, and how often the interval covers."""
        return {
            "share_error_plain": float(np.abs(self.plain - self.truth).mean()),
            "share_error_corrected": float(np.abs(self.share - self.truth).mean()),
            "interval_coverage": float(self.covered.mean()),
        }


def shipped_photos(faces: Path, split: str) -> tuple[Photos, Bundle]:
    """A split as the shipped model tells it."""
    bundle = read_bundle(find_bundle(next((ROOT / "server" / "models").iterdir())))
    scores = score(bundle, load_split(faces, "test" if split == "test" else "valid"), split)
    by_year = np.stack([each.by_year for each in scores.distributions])
    return Photos(scores.faces.ages.astype(np.int64), by_year), bundle


def stated(bundle: Bundle, faces: Path) -> pb.GetModelResponse:
    """The model's facts with its error; measured anew where the bundle does not state it."""
    told = [
        pb.ToldAge(actual_age=row.actual, told_quantiles=row.quantiles)
        for row in bundle.facts.told_ages
    ]
    if told:
        return pb.GetModelResponse(version=bundle.version, told_ages=told)
    print("the shipped bundle does not state its error; it is measured on valid for this run")
    return shipped_photos(faces, "valid")[0].model(bundle.version)


def populations(count: int, purchases: int, seed: int = 0) -> list[NDArray[np.int64]]:
    """The true groups of each population's purchases; mixes are even over the simplex."""
    generator = np.random.default_rng(seed)
    mixes = generator.dirichlet(np.ones(len(LABELS)), count)
    return [generator.choice(len(LABELS), purchases, p=mix) for mix in mixes]


def measure(photos: Photos, model: pb.GetModelResponse, mixes: list[NDArray[np.int64]]) -> Outcome:
    """Score the populations as stores of one lake and hold their shares against the truth."""
    with tempfile.TemporaryDirectory(prefix="checkout-age-shares-") as folder:
        lake = Path(folder)
        keep_model(lake, model)
        truth = np.stack([np.bincount(mix, minlength=len(LABELS)) / len(mix) for mix in mixes])
        together = max(1, ROWS // len(mixes[0]))
        for number, start in enumerate(range(0, len(mixes), together)):
            some = np.stack(mixes[start : start + together], axis=1)  # stores come in turns
            write_night(
                lake,
                FIRST + timedelta(days=number),
                photos,
                drawn(photos, some.ravel(), seed=number),
                stores=[f"{store:05d}" for store in range(start, start + some.shape[1])],
                version=model.version,
            )
        return _outcome(Asked(lake, FIRST, FIRST + timedelta(days=number)), model, truth)


def _outcome(asked: Asked, model: pb.GetModelResponse, truth: NDArray[np.float64]) -> Outcome:
    connection = nights.connect(asked, asked.lake)
    baskets.load(connection, asked)
    nights.load(connection, asked)
    files = nights.night_files(asked.lake, asked.first, asked.last)
    groups = nights.groups_of(connection, files)
    assert groups is not None
    kinds = nights.kinds_of(connection, files)
    table = share_cells(connection, groups, kinds)
    error = error_in_groups(model, groups.starts)
    assert error is not None
    whole = table.cells("purchases").weights[0]
    quantifier = Quantifier([error], Codebook(kinds.posteriors, kinds.numbers), whole)
    stores = np.flatnonzero(table.names["by"] == "store")
    draws = corrected(table, ["purchases"], quantifier, asked.threshold)["purchases"][:, stores]
    counts = table.by_group("purchases")[stores]
    low, high = np.quantile(draws, INTERVAL, axis=0)
    return Outcome(truth, counts / counts.sum(axis=1, keepdims=True), draws.mean(axis=0), low, high)


def by_group(outcome: Outcome) -> pd.DataFrame:
    """The figures of each age group."""
    return pd.DataFrame(
        {
            "age group": LABELS,
            "plain": np.abs(outcome.plain - outcome.truth).mean(axis=0),
            "corrected": np.abs(outcome.share - outcome.truth).mean(axis=0),
            "covered": outcome.covered.mean(axis=0),
            "width": (outcome.high - outcome.low).mean(axis=0),
        }
    )


def main() -> None:
    """Print the figures, and write them where a file is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--seed", type=int, default=0, help="of the mixes (%(default)s)")
    parser.add_argument("--exchanged", action="store_true", help="valid photos, error from test")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    faces = given.shared / "faces"
    photos, bundle = shipped_photos(faces, "test")
    model, split = stated(bundle, faces), "test"
    if given.exchanged:
        model, split = photos.model(bundle.version), "valid"
        photos, _ = shipped_photos(faces, split)
    outcome = measure(photos, model, populations(POPULATIONS, PURCHASES, given.seed))
    table = Table(
        title=f"{POPULATIONS} populations of {PURCHASES:,} purchases, model "
        f"{bundle.facts.name} {bundle.version}, {len(photos.ages):,} {split} photos",
        title_justify="left",
    )
    for name in ("age group", "error, plain", "error, corrected", "covered", "interval's width"):
        table.add_column(name, justify="left" if name == "age group" else "right")
    for row in by_group(outcome).itertuples(index=False):
        table.add_row(row[0], *(f"{value:.1%}" for value in row[1:]))
    console = Console(width=110)
    console.print(table)
    for name, value in outcome.figures.items():
        console.print(f"{name}: {value:.4f}")
    plain, fixed = outcome.figures["share_error_plain"], outcome.figures["share_error_corrected"]
    console.print(f"corrected over plain: {fixed / plain:.3f}")
    merge(given.json, outcome.figures)


if __name__ == "__main__":
    main()
