"""Scores: what a model says of every labelled photo with a face, as the server would say it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from checkout_age.server.age import DEFAULT_GROUPS, OLDEST, AgeDistribution, AgeGroups, Logits
from checkout_age.server.calibration import Calibration
from checkout_age.server.photo import Pixels
from checkout_age.training.dataset.faces import Faces


@dataclass(frozen=True)
class Scores:
    """Row by row: a photo, its label, its chip and the model's answer."""

    faces: Faces
    chips: Pixels
    """Shape (n, side, side, 3)."""
    logits: Logits
    """Shape (n, 101)."""
    calibration: Calibration
    groups: AgeGroups = DEFAULT_GROUPS

    @cached_property
    def distributions(self) -> list[AgeDistribution]:
        """P(age) of each photo, calibrated."""
        return [self.calibration.distribution(row) for row in self.logits]

    @cached_property
    def ages(self) -> NDArray[np.float64]:
        """The age told of each photo in years, shape (n,)."""
        return np.array([each.age for each in self.distributions])

    @cached_property
    def errors(self) -> NDArray[np.float64]:
        """How far it lies from the label, in years, shape (n,), at least 0."""
        return np.abs(self.ages - self.faces.ages)

    @cached_property
    def intervals(self) -> NDArray[np.float64]:
        """The low and high end told of each photo in years, shape (n, 2)."""
        return np.array([self.calibration.interval(each) for each in self.distributions])

    @cached_property
    def covered(self) -> NDArray[np.bool_]:
        """Whether each label lies in its interval, shape (n,)."""
        actual = np.minimum(self.faces.ages, OLDEST)
        return (self.intervals[:, 0] <= actual) & (actual <= self.intervals[:, 1])

    @cached_property
    def group_probabilities(self) -> NDArray[np.float64]:
        """The probability of each age group, shape (n, groups); rows sum to 1."""
        return np.array([each.probabilities(self.groups) for each in self.distributions])

    @cached_property
    def actual_groups(self) -> NDArray[np.int64]:
        """Which group each label lies in, counted from the youngest, shape (n,)."""
        starts = [group.youngest for group in self.groups.groups]
        return np.asarray(np.searchsorted(starts, np.floor(self.faces.ages), side="right") - 1)

    @cached_property
    def told_groups(self) -> NDArray[np.int64]:
        """Which group is the likeliest, shape (n,)."""
        return np.asarray(self.group_probabilities.argmax(axis=1))
