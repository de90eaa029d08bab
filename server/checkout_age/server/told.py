"""What a model told of photos whose true ages are known: its error, for others to correct by."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class ToldAge:
    """How many photos of people of one true age were told one age; both in whole years."""

    actual: int
    told: int
    """The whole year that the told age, a median, lies in: 34 for 34.0 to 34.9."""
    photos: int

    def __post_init__(self) -> None:
        if min(self.actual, self.told) < 0 or self.photos < 1:
            raise ValueError(
                f"a told age needs ages of 0 and more and at least 1 photo, got {self}"
            )


def count_told(actual: Iterable[float], told: Iterable[float]) -> tuple[ToldAge, ...]:
    """Photos by true and told age in years, in whole years rounded down, in order of both."""
    counts: dict[tuple[int, int], int] = {}
    for pair in zip(actual, told, strict=True):
        years = (int(pair[0]), int(pair[1]))
        counts[years] = counts.get(years, 0) + 1
    return tuple(ToldAge(*years, photos) for years, photos in sorted(counts.items()))
