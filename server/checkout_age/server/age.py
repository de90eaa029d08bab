"""Ages: the distribution over whole years, the intervals and the groups drawn from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

OLDEST = 100
YEARS = OLDEST + 1
"""Whole years of age that are told apart: 0 to 100, where 100 stands for 100 and above."""

EDGES = np.arange(YEARS + 1) - 0.5
"""The ages in years between which whole years lie: -0.5 to 100.5."""
SUM_TOLERANCE = 1e-5
"""How far from 1 the sum of probabilities may lie."""

Logits: TypeAlias = NDArray[np.float32]
"""The network's answer before softmax, shape (..., 101), one entry a year of age."""


@dataclass(frozen=True)
class AgeGroup:
    """A range of whole years, both ends included; `oldest` 100 takes in everyone above."""

    youngest: int
    oldest: int

    def __post_init__(self) -> None:
        if not 0 <= self.youngest <= self.oldest <= OLDEST:
            raise ValueError(
                f"an age group needs 0 <= youngest <= oldest <= {OLDEST}, "
                f"got {self.youngest} to {self.oldest}"
            )

    @property
    def label(self) -> str:
        """The name that people read: `25-34`, `65+`."""
        if self.oldest == OLDEST:
            return f"{self.youngest}+"
        return f"{self.youngest}-{self.oldest}"


@dataclass(frozen=True)
class AgeGroups:
    """Groups in order of age that cover 0 to 100 without a gap or an overlap."""

    groups: tuple[AgeGroup, ...]

    def __post_init__(self) -> None:
        edges = [group.youngest for group in self.groups]
        ends = [group.oldest + 1 for group in self.groups]
        if not self.groups or [*edges, YEARS] != [0, *ends]:
            labels = ", ".join(group.label for group in self.groups) or "none"
            raise ValueError(f"age groups must cover 0 to {OLDEST} without gaps, got {labels}")

    @classmethod
    def starting_at(cls, youngest: Sequence[int]) -> "AgeGroups":
        """Groups that each run to the year before the next begins."""
        ends = [year - 1 for year in youngest[1:]] + [OLDEST]
        return cls(tuple(map(AgeGroup, youngest, ends)))

    @cached_property
    def beginnings(self) -> NDArray[np.intp]:
        """The youngest year of each group."""
        return np.array([group.youngest for group in self.groups])


DEFAULT_GROUPS = AgeGroups.starting_at((0, 13, 18, 25, 35, 45, 55, 65))


@dataclass(frozen=True)
class AgeDistribution:
    """How likely each whole year of age is: entry 30 is P(age = 30). Shape (101,), sums to 1."""

    by_year: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.by_year.shape != (YEARS,):
            raise ValueError(f"a distribution has shape ({YEARS},), got {self.by_year.shape}")
        if not abs(self.by_year.sum() - 1.0) <= SUM_TOLERANCE or self.by_year.min() < 0:
            raise ValueError("probabilities must be at least 0 and sum to 1")

    @classmethod
    def from_logits(cls, logits: Logits, temperature: float = 1.0) -> "AgeDistribution":
        """Softmax of one face's logits, shape (101,), softened by a temperature above 1."""
        scaled = logits.astype(np.float64) / temperature
        exponentials = np.exp(scaled - scaled.max())
        return cls(exponentials / exponentials.sum())

    @cached_property
    def age(self) -> float:
        """The age in years that the person is as likely above as below, 0 to 100.

        The median, because of all single ages it has the least expected error in years.
        """
        return self.quantile(0.5)

    def quantile(self, share: float) -> float:
        """The age in years below which `share` of the probability lies.

        A whole year y stands for ages from y - 0.5 to y + 0.5; the ends stay in 0 to 100.
        """
        if not 0 <= share <= 1:
            raise ValueError(f"share must be 0 to 1, got {share}")
        return min(max(float(np.interp(share, self._below, EDGES)), 0.0), float(OLDEST))

    def interval(self, level: float = 0.9) -> tuple[float, float]:
        """The central range of ages that holds `level` of the probability."""
        tail = (1 - level) / 2
        return self.quantile(tail), self.quantile(1 - tail)

    def probabilities(self, groups: AgeGroups) -> NDArray[np.float64]:
        """How likely the age lies in each group, 0 to 1 each."""
        return np.add.reduceat(self.by_year, groups.beginnings)

    def likeliest(self, groups: AgeGroups) -> AgeGroup:
        """The group with the highest probability; the younger one of two that tie."""
        return groups.groups[self.probabilities(groups).argmax()]

    @cached_property
    def _below(self) -> NDArray[np.float64]:
        """How likely the age lies below each of EDGES, ascending from 0."""
        return np.concatenate(([0.0], self.by_year.cumsum()))
