"""Calibration: fitting a model's probabilities and intervals to what was seen, and judging them."""

from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from checkout_age.server.age import OLDEST, YEARS, Logits
from checkout_age.server.calibration import COVERAGE, Calibration

Probabilities: TypeAlias = NDArray[np.float64]

TEMPERATURES = np.geomspace(0.3, 4.0, 400)
BINS = 10
BANDS = 4
FEWEST = 400
"""Fewer photos than this are one band: a quarter of them would say too little."""


def fit_calibration(logits: Logits, ages: NDArray[np.float32]) -> Calibration:
    """The calibration for logits of shape (n, 101) whose true ages are known, shape (n,).

    The temperature is the one under which the ages are likeliest (Guo et al. 2017,
    arXiv:1706.04599). The levels of the intervals are then those at which so many of these
    ages lie inside as should, in each of four bands of told ages that hold a quarter of the
    photos each (Mondrian conformal prediction, Vovk et al. 2003, "Mondrian Confidence
    Machine"), by the interpolated quantile: what covers too much is as wrong as too little.
    """
    losses = [negative_log_likelihood(softmax(logits, t), ages) for t in TEMPERATURES]
    temperature = float(TEMPERATURES[int(np.argmin(losses))])
    whole = Calibration(temperature)
    told = np.array([whole.distribution(row).age for row in logits])
    needed = needed_levels(softmax(logits, temperature), ages)
    inner = np.quantile(told, np.arange(1, BANDS) / BANDS).tolist() if len(told) >= FEWEST else []
    edges = sorted({0.0, *(round(edge, 1) for edge in inner)})
    bands = np.searchsorted(edges, told, side="right") - 1
    levels = [_level(needed[bands == band]) for band in range(len(edges))]
    return Calibration(temperature, tuple(edges), tuple(levels))


def _level(needed: Probabilities) -> float:
    if not len(needed):
        return COVERAGE
    return float(np.clip(np.quantile(needed, COVERAGE), 0.01, 0.999))


def softmax(logits: Logits, temperature: float = 1.0) -> Probabilities:
    """Logits of shape (n, 101) to distributions over years."""
    scaled = logits.astype(np.float64) / temperature
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def negative_log_likelihood(by_year: Probabilities, ages: NDArray[np.float32]) -> float:
    """The mean surprise, in nats, at the true whole years."""
    years = np.clip(np.round(ages), 0, OLDEST).astype(np.int64)
    return float(-np.log(np.maximum(by_year[np.arange(len(years)), years], 1e-12)).mean())


def needed_levels(by_year: Probabilities, ages: NDArray[np.float32]) -> Probabilities:
    """How much probability the central interval must hold to reach each true age, shape (n,)."""
    edges = np.arange(YEARS + 1) - 0.5
    cumulative = np.concatenate([np.zeros((len(by_year), 1)), by_year.cumsum(axis=1)], axis=1)
    below = [
        np.interp(age, edges, row)
        for age, row in zip(np.minimum(ages, OLDEST), cumulative, strict=True)
    ]
    return np.asarray(np.abs(2 * np.array(below) - 1))


def expected_calibration_error(probability: Probabilities, right: NDArray[np.bool_]) -> float:
    """How far probabilities lie from the shares that were right, 0 to 1, on average.

    Over ten bins of equal width (Guo et al. 2017, arXiv:1706.04599).
    """
    table = reliability(probability, right)
    gaps = (table["said"] - table["seen"]).abs()
    return float((gaps * table["answers"]).sum() / table["answers"].sum())


def reliability(probability: Probabilities, right: NDArray[np.bool_]) -> pd.DataFrame:
    """A row for each bin of probabilities: `said` on average, `seen` right, `answers` in it."""
    bins = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    table = pd.DataFrame({"bin": bins, "said": probability, "seen": right.astype(np.float64)})
    grouped = table.groupby("bin")
    return grouped.mean().assign(answers=grouped.size()).reset_index(drop=True)
