"""Shares that sum to 1: draws from a normal belief about a linear image of them."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Array = NDArray[np.float64]

SWEEPS = 4
"""Passes over all pairs of groups for each draw of the confusion."""
WARM_UP = 10
"""Draws that are thrown away, since the first stand where the search began."""
RIDGE = 1e-7


@dataclass(frozen=True)
class Beliefs:
    """What is known of some cells: their told shares are their true ones, confused, give or take.

    told = true shares @ confusion + noise of covariance `spread`.
    """

    told: Array
    """Shape (cells, groups); rows sum to 1."""
    spread: Array
    """Shape (cells, groups, groups)."""
    confusions: Array
    """One after another, each equally likely: shape (draws, cells, true groups, told groups)."""


def sample_shares(beliefs: Beliefs, seed: int) -> Array:
    """One draw of every cell's true shares for each confusion, shape (draws, cells, groups).

    Under a flat prior over shares, the belief given a confusion is a normal one cut off where a
    share would leave 0 to 1. Gibbs sampling (Geman and Geman 1984) moves share from one group to
    another, one pair at a time and all cells at once, by draws from the exact conditional.
    """
    generator = np.random.default_rng(seed)
    cells, groups = beliefs.told.shape
    free = slice(0, groups - 1)  # the last told share follows from the others
    ridge = RIDGE * np.eye(groups - 1)
    precision = np.linalg.inv(beliefs.spread[:, free, free] + ridge)
    shares = np.full((cells, groups), 1 / groups)
    drawn = []
    warm_up = beliefs.confusions[:WARM_UP]
    for number, confusion in enumerate((*warm_up, *beliefs.confusions)):
        to_precision = confusion[:, :, free] @ precision
        curvature = to_precision @ confusion[:, :, free].transpose(0, 2, 1)
        pull = np.einsum("cgk,ck->cg", to_precision, beliefs.told[:, free])
        _sweep(shares, curvature, pull, generator)
        if number >= len(warm_up):
            drawn.append(shares.copy())
    return np.stack(drawn)


def _sweep(shares: Array, curvature: Array, pull: Array, generator: np.random.Generator) -> None:
    """Move the shares, in place, by some passes over all pairs of groups."""
    slope = pull - np.einsum("cgh,ch->cg", curvature, shares)
    for _ in range(SWEEPS):
        for one, other in combinations(range(shares.shape[1]), 2):
            bend = curvature[:, one] - curvature[:, other]
            moved = _moved(
                centre=(slope[:, one] - slope[:, other]) / (bend[:, one] - bend[:, other]),
                deviation=(bend[:, one] - bend[:, other]) ** -0.5,
                low=-shares[:, one],
                high=shares[:, other],
                generator=generator,
            )
            shares[:, one] += moved
            shares[:, other] -= moved
            slope -= moved[:, None] * bend


def _moved(
    centre: Array, deviation: Array, low: Array, high: Array, generator: np.random.Generator
) -> Array:
    """Draws from normal distributions cut off at both ends, all of shape (cells,)."""
    below, above = ndtr((low - centre) / deviation), ndtr((high - centre) / deviation)
    at = below + (above - below) * generator.random(len(centre))
    drawn = centre + deviation * ndtri(np.clip(at, 1e-300, 1 - 1e-16))
    return np.asarray(np.clip(drawn, low, high))
