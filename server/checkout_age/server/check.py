"""The age check: whether ID need not be asked for before restricted goods are sold."""

from dataclasses import dataclass

from checkout_age.server.age import OLDEST, AgeDistribution

ALLOWED = 0.01
"""The probability of being under age up to which somebody is waved through by default."""


class MinimumAgeError(ValueError):
    """The age that the caller gave is none that goods are sold from."""


@dataclass(frozen=True)
class AgeRule:
    """From which age goods may be sold, and how likely a mistake may be.

    It goes by the calibrated distribution, never by the age told: half of those who are told to be
    18 are younger.
    """

    minimum_age: int
    """In whole years, 1 to 100."""
    allowed: float = ALLOWED
    """The most that P(age < minimum_age) may be."""

    def __post_init__(self) -> None:
        if not 1 <= self.minimum_age <= OLDEST:
            raise MinimumAgeError(f"minimum_age must be 1..{OLDEST}, got {self.minimum_age}")

    def under_age(self, ages: AgeDistribution) -> float:
        """How likely somebody is younger than the minimum age, 0 to 1."""
        return float(ages.by_year[: self.minimum_age].sum())

    def clears(self, ages: AgeDistribution) -> bool:
        """Whether ID need not be asked for."""
        return self.under_age(ages) <= self.allowed
