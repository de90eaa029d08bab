"""A model's error: what it told of labelled photos, drawn into any age groups."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from checkout_age.v1 import age_estimation_pb2 as pb

LEVELS = np.array([0.005, 0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95, 0.995])
"""The shares of probability that the contract's `told_quantiles` stand for."""
TENTHS = 10
ENDS = (-0.5, 100.5)
"""Ages between which every told distribution lies: a whole year y stands for y - 0.5 to y + 0.5."""


@dataclass(frozen=True)
class ModelError:
    """Labelled photos, row by row: the true age's group, and how likely each group was told."""

    actual: NDArray[np.int64]
    """The age group of each photo's label, counted from the youngest; shape (n,)."""
    told: NDArray[np.float64]
    """Shape (n, groups); rows sum to 1."""

    @property
    def implied(self) -> NDArray[np.float64]:
        """The shares of groups that the model takes these photos to have, shape (groups,).

        Its posteriors hold this prior, so it is what they are divided by for likelihoods.
        """
        return np.asarray(self.told.mean(axis=0))

    @property
    def photos(self) -> NDArray[np.int64]:
        """How many labelled photos each group has, shape (groups,)."""
        return np.bincount(self.actual, minlength=self.told.shape[1])

    @property
    def unknown(self) -> list[int]:
        """The groups of fewer than two labelled photos, whose shares cannot be corrected."""
        return np.flatnonzero(self.photos < 2).tolist()  # noqa: PLR2004


def error_in_groups(model: pb.GetModelResponse, starts: Sequence[int]) -> ModelError | None:
    """The error of a model for age groups that begin at these years, the first of them 0.

    None where the model states none: then shares can be counted but not corrected.
    """
    if not model.told_ages:
        return None
    actual = np.array([row.actual_age for row in model.told_ages])
    quantiles = np.array([row.told_quantiles for row in model.told_ages]) / TENTHS
    levels = np.concatenate([[0.0], LEVELS, [1.0]])
    edges = np.array(starts[1:]) - 0.5
    below = [np.interp(edges, [ENDS[0], *row, ENDS[1]], levels) for row in quantiles]
    cumulative = np.column_stack([np.zeros(len(actual)), below, np.ones(len(actual))])
    return ModelError(
        np.searchsorted(starts, actual, side="right") - 1, np.diff(cumulative, axis=1)
    )
