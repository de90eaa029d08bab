"""Suppression: what may be told of small groups, so that no count of a few people comes out.

Three rules, for every table that tells age groups apart:

* A group of fewer purchases than the threshold is suppressed, and where it is alone in its row,
  the next smallest goes with it, so that it is not what is missing from the whole.
* Counts are rounded to a multiple of the threshold: up or down at random, so that they are right
  on average, and by a chance that hangs on which purchases are counted alone (the cell key
  method, Fraser and Wooton 2005). The same purchases give the same number in every report; any
  two counts differ by a multiple of the threshold, so that no subtraction, within one report or
  across successive ones, gives a count below it.
* Shares and all that is made of them come in steps of as many purchases. Of money and items a step
  is no smaller than the largest single purchase.
"""

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

COARSEST = 0.25
"""Steps of more than this share of the whole tell nothing: the row is suppressed."""


def suppressed(purchases: NDArray[np.int64], threshold: int) -> NDArray[np.bool_]:
    """Which groups of each row may not be told, shape (rows, groups).

    Args:
        purchases: exact counts, shape (rows, groups).
        threshold: the fewest purchases that may be told.
    """
    hidden = purchases < threshold
    alone = np.flatnonzero(hidden.sum(axis=1) == 1)
    for row in alone:
        others = np.where(hidden[row], np.iinfo(np.int64).max, purchases[row])
        hidden[row, int(others.argmin())] = True
    return np.asarray(hidden)


def rounded(count: float, step: float, key: str) -> float:
    """The count as a multiple of the step, right on average, by a chance that the key decides."""
    steps, rest = divmod(count, step)
    return step * (steps + (chance(key) < rest / step))


def chance(key: str) -> float:
    """A number from 0 to 1 that looks random and is the same for the same key."""
    digest = blake2b(key.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def to_steps(values: Array, step: Array) -> Array:
    """Shares to the nearest step, within 0 and 1."""
    return np.asarray(np.clip(np.rint(values / step) * step, 0, 1))


def outward(low: Array, high: Array, step: Array) -> tuple[Array, Array]:
    """The ends of intervals to the steps that hold them, within 0 and 1."""
    slack = 1e-9
    return (
        np.clip(np.floor(low / step + slack) * step, 0, 1),
        np.clip(np.ceil(high / step - slack) * step, 0, 1),
    )


def step_of(purchases: Array, largest: Array, totals: Array, threshold: int) -> Array:
    """The step of shares in each row: the threshold's purchases, or the largest one if more.

    Args:
        purchases: how many the row has, shape (rows,).
        largest: the largest single purchase of the row, in its measure; a refund without its sign.
        totals: the sum of the row, in its measure.
        threshold: the fewest purchases that may be told.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.maximum(threshold / purchases, largest / np.maximum(totals, 0))
    return np.where(np.isfinite(step), step, np.inf)
