"""What a model told of photos whose true ages are known: its error, for others to correct by."""

from collections.abc import Iterable
from dataclasses import dataclass

from checkout_age.server.age import AgeDistribution

LEVELS = (0.005, 0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95, 0.995)
"""The shares of a told distribution whose quantiles are kept."""
TENTHS = 10
"""Quantiles are kept in tenths of a year, which is closer than ages can be told."""


@dataclass(frozen=True)
class ToldAge:
    """What was told of one labelled photo: the distribution over ages, as its quantiles."""

    actual: int
    """The true age in whole years."""
    quantiles: tuple[int, ...]
    """In tenths of a year, ascending: below the first lies LEVELS[0] of the probability."""

    def __post_init__(self) -> None:
        ascending = list(self.quantiles) == sorted(self.quantiles)
        if self.actual < 0 or len(self.quantiles) != len(LEVELS) or not ascending:
            raise ValueError(
                f"a told age needs a true age of 0 or more and {len(LEVELS)} ascending quantiles, "
                f"got {self}"
            )


def tell(actual: Iterable[float], told: Iterable[AgeDistribution]) -> tuple[ToldAge, ...]:
    """What was told of each photo, in order of age, so that photos cannot be told apart by place.

    Args:
        actual: the true ages in years.
        told: the calibrated distribution of each photo.
    """
    rows = [
        ToldAge(int(age), tuple(round(each.quantile(level) * TENTHS) for level in LEVELS))
        for age, each in zip(actual, told, strict=True)
    ]
    return tuple(sorted(rows, key=lambda row: (row.actual, row.quantiles)))
