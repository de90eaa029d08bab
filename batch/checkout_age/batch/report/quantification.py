"""Quantification: the shares of groups in a population, from answers that are wrong one by one.

Two steps of the literature, joined:

* EM on calibrated posteriors (Saerens, Latinne and Decaestecker 2002, "Adjusting the outputs of a
  classifier to new a priori probabilities", known as SLD or EMQ) finds the shares at which the
  posteriors agree with themselves.
* The posteriors at these shares are then taken as a soft classifier and adjusted by its confusion
  on labelled photos, as in probabilistic adjusted counts (Bella et al. 2010, "Quantification via
  probability estimators"). Uncertainty is a posterior over shares under a flat prior (Ziegler and
  Czyz 2024, arXiv:2302.09159): the photos are drawn anew (Rubin 1981, the Bayesian bootstrap),
  the population's answers vary as a sample of its size does, and shares stay within 0 and 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from checkout_age.batch.report.model_error import ModelError
from checkout_age.batch.report.simplex import Beliefs, sample_shares

Array = NDArray[np.float64]

DRAWS = 200
EM_STEPS = 60
SMOOTHING = 0.2
"""How far the soft classifier's prior is drawn from EM's shares to even ones, so that no group
is ruled out by it."""
REPEATS = 3.0
"""The design effect (Kish 1965) of faces that come again: a regular's purchases are told alike, so
they vary as a third as many of strangers would."""
POOLED = 20.0
"""Answers' worth of the whole population's spread in the spread of a small cell."""


@dataclass(frozen=True)
class Codebook:
    """What the models tell, in few words: kinds of answers that mean nearly the same."""

    posteriors: Array
    """The mean probability of each group in each kind, shape (kinds, groups); rows sum to 1."""
    models: NDArray[np.int64]
    """Which model's answer each kind is, shape (kinds,)."""


@dataclass(frozen=True)
class Cells:
    """Populations, row by row, as the weight of each kind of answer in them."""

    weights: Array
    """Purchases, money or items by kind, shape (cells, kinds)."""
    squares: Array
    """The sums of the squares of single purchases' weights, of the same shape."""

    def at(self, rows: NDArray[np.int64]) -> "Cells":
        """Those rows alone."""
        return Cells(self.weights[rows], self.squares[rows])


class Quantifier:
    """Corrects cells of one population, all by the same soft classifier and draws of its error."""

    def __init__(
        self, errors: Sequence[ModelError], codebook: Codebook, whole: Array, seed: int = 0
    ) -> None:
        """Learn what the classifier is best suited to.

        Args:
            errors: each model's, by the numbers that the codebook uses.
            codebook: the kinds of answers.
            whole: how many purchases of the whole population gave each kind, shape (kinds,).
            seed: of all draws, so that the same data give the same numbers.
        """
        self._seed = seed
        implied = np.stack([error.implied for error in errors])
        likelihoods = codebook.posteriors / implied[codebook.models]
        agreed = self_consistent_shares(likelihoods, whole)
        prior = (1 - SMOOTHING) * agreed + SMOOTHING / len(agreed)
        self._members = _normalised(likelihoods * prior)
        self._models = codebook.models
        self._confusions = np.stack(
            [
                _confusions(error, _normalised(error.told / error.implied * prior), seed + number)
                for number, error in enumerate(errors)
            ]
        )
        self._whole = _spread(self._members, whole[None] / max(whole.sum(), 1.0))[0]

    def shares(self, cells: Cells, repeats: float = REPEATS) -> Array:
        """Draws from what is believed of each cell's shares, shape (draws, cells, groups).

        A draw of one cell goes with the same draw of every other: both were made with the same
        confusion, so that what they have in common drops out of a comparison.
        """
        totals = cells.weights.sum(axis=1, keepdims=True)
        weights = cells.weights / totals
        told = weights @ self._members
        spread = repeats * self._spreads(cells, totals[:, 0])
        by_model = np.stack(
            [weights[:, self._models == model].sum(1) for model in range(len(self._confusions))], 1
        )
        confusions = np.einsum("cm,mbgk->bcgk", by_model, self._confusions)
        return sample_shares(Beliefs(told, spread, confusions), self._seed)

    def _spreads(self, cells: Cells, totals: Array) -> Array:
        """The covariance of each cell's told shares, shape (cells, groups, groups)."""
        alike = totals**2 / cells.squares.sum(axis=1)
        own = _spread(self._members, cells.squares / cells.squares.sum(axis=1, keepdims=True))
        pooled = (alike[:, None, None] * own + POOLED * self._whole) / (
            alike[:, None, None] + POOLED
        )
        return np.asarray(pooled / alike[:, None, None])


def self_consistent_shares(likelihoods: Array, counts: Array) -> Array:
    """EM's shares of groups, shape (groups,): where the mean posterior is the prior (SLD).

    Args:
        likelihoods: of each kind of answer in each group, up to a factor; shape (kinds, groups).
        counts: how often each kind was given, shape (kinds,).
    """
    observed = counts / counts.sum()
    shares = np.full(likelihoods.shape[1], 1 / likelihoods.shape[1])
    for _ in range(EM_STEPS):
        mixed = np.maximum(likelihoods @ shares, 1e-300)
        shares = shares * ((observed / mixed) @ likelihoods)
    return np.asarray(shares / shares.sum())


def _normalised(rows: Array) -> Array:
    return np.asarray(rows / rows.sum(axis=1, keepdims=True))


def _spread(members: Array, weights: Array) -> Array:
    """The covariance of one answer's memberships under each row of weights."""
    mean = weights @ members
    product = np.einsum("ck,kg,kh->cgh", weights, members, members, optimize=True)
    return np.asarray(product - mean[:, :, None] * mean[:, None, :])


def _confusions(error: ModelError, members: Array, seed: int) -> Array:
    """Draws of how photos of each true group are told, shape (draws, true groups, told groups)."""
    generator = np.random.default_rng(seed)
    is_group = np.eye(error.told.shape[1])[error.actual]
    draws = []
    for _ in range(DRAWS):
        weighed = is_group * generator.exponential(size=len(is_group))[:, None]
        draws.append((weighed / weighed.sum(axis=0)).T @ members)
    return np.stack(draws)
