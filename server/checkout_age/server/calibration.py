"""A calibration: what makes a model's probabilities and intervals as true as they say."""

from bisect import bisect_right
from dataclasses import dataclass

from checkout_age.server.age import AgeDistribution, Logits

COVERAGE = 0.9
"""The share of true ages that an interval is to take in."""


@dataclass(frozen=True)
class Calibration:
    """A few numbers fitted on photos that the network was not trained on."""

    temperature: float = 1.0
    """What the logits are divided by before softmax; above 1 is less sure."""
    told_from: tuple[float, ...] = (0.0,)
    """Where bands of told ages begin, in years, ascending from 0."""
    levels: tuple[float, ...] = (COVERAGE,)
    """For each band, how much probability an interval must hold to take in 90 % of true ages."""

    def __post_init__(self) -> None:
        if self.temperature <= 0:
            raise ValueError(f"temperature must be above 0, got {self.temperature}")
        ascending = list(self.told_from) == sorted(set(self.told_from))
        if not ascending or self.told_from[:1] != (0.0,):
            raise ValueError(f"told_from must ascend from 0, got {self.told_from}")
        if len(self.levels) != len(self.told_from) or not all(0 < each < 1 for each in self.levels):
            raise ValueError(
                f"levels must be {len(self.told_from)} numbers between 0 and 1, got {self.levels}"
            )

    def distribution(self, logits: Logits) -> AgeDistribution:
        """Of one face's logits, shape (101,). Guo et al. 2017, arXiv:1706.04599."""
        return AgeDistribution.from_logits(logits, self.temperature)

    def level(self, told: float) -> float:
        """How much probability the interval around a told age must hold, 0 to 1."""
        return self.levels[bisect_right(self.told_from, told) - 1]

    def interval(self, distribution: AgeDistribution) -> tuple[float, float]:
        """The ages in years between which the true one lies nine times in ten."""
        return distribution.interval(self.level(distribution.age))
