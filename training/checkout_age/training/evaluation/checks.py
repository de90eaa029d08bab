"""Checks: how often CheckAge would wave through somebody who is under age."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from checkout_age.server.check import AgeRule
from checkout_age.training.evaluation.scores import Scores

MINIMUM_AGES = (16, 18, 21)
ALLOWED = (0.001, 0.01, 0.05)
NEARLY = 3
"""Years below the minimum age within which somebody is hardest to tell."""
Z = 1.96


@dataclass(frozen=True)
class Share:
    """So many of so many photos."""

    some: int
    all: int

    def __str__(self) -> str:
        if not self.all:
            return "no photos"
        low, high = self.interval
        return f"{self.some / self.all:.1%} ({low:.1%} to {high:.1%}), {self.some} of {self.all}"

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % interval (Wilson 1927), which has a width even where none or all are counted."""
        share, spread = self.some / self.all, Z**2 / self.all
        middle = (share + spread / 2) / (1 + spread)
        half = np.sqrt(share * (1 - share) * spread + spread**2 / 4) / (1 + spread)
        return max(0.0, float(middle - half)), min(1.0, float(middle + half))


@dataclass(frozen=True)
class CheckFigures:
    """What one rule does to labelled photos."""

    rule: AgeRule
    false_clear: Share
    """Of those under age: waved through."""
    false_clear_nearly: Share
    """Of those who are under age by no more than NEARLY years: waved through."""
    challenged: Share
    """Of those who are old enough: asked for ID."""


def check_figures(
    scores: Scores, minimum_ages: Sequence[int] = MINIMUM_AGES
) -> Iterator[CheckFigures]:
    """For each minimum age and allowed probability, what becomes of the photos with a face."""
    actual = scores.faces.ages
    for minimum in minimum_ages:
        for allowed in ALLOWED:
            rule = AgeRule(minimum, allowed)
            clear = np.array([rule.clears(each) for each in scores.distributions])
            under = actual < minimum
            nearly = under & (actual >= minimum - NEARLY)
            yield CheckFigures(
                rule,
                Share(int((clear & under).sum()), int(under.sum())),
                Share(int((clear & nearly).sum()), int(nearly.sum())),
                Share(int((~clear & ~under).sum()), int((~under).sum())),
            )
