"""A calibration: what makes a model's probabilities and intervals as true as they say."""

from dataclasses import dataclass

from checkout_age.server.age import AgeDistribution, Logits

COVERAGE = 0.9
"""The share of true ages that an interval is to take in."""


@dataclass(frozen=True)
class Calibration:
    """Two numbers fitted on photos that the network was not trained on."""

    temperature: float = 1.0
    """What the logits are divided by before softmax; above 1 is less sure."""
    interval_level: float = COVERAGE
    """How much probability an interval must hold to take in 90 % of true ages, 0 to 1."""

    def __post_init__(self) -> None:
        if self.temperature <= 0 or not 0 < self.interval_level < 1:
            raise ValueError(
                f"temperature must be above 0 and interval_level between 0 and 1, "
                f"got {self.temperature} and {self.interval_level}"
            )

    def distribution(self, logits: Logits) -> AgeDistribution:
        """Of one face's logits, shape (101,). Guo et al. 2017, arXiv:1706.04599."""
        return AgeDistribution.from_logits(logits, self.temperature)

    def interval(self, distribution: AgeDistribution) -> tuple[float, float]:
        """The ages in years between which the true one lies nine times in ten."""
        return distribution.interval(self.interval_level)
