"""Saliency: which parts of the chip an age rests on, found by hiding them one after another.

Occlusion sensitivity, Zeiler and Fergus 2014 (arXiv:1311.2901). It asks nothing of a network but
answers, so it works with every backend. Chips are aligned, so maps of many may be averaged.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from checkout_age.server.age import Logits
from checkout_age.server.calibration import Calibration
from checkout_age.server.photo import Pixels
from checkout_age.training.evaluation.evaluation import ages_of
from checkout_age.training.evaluation.scores import Scores

Network: TypeAlias = Callable[[Pixels], Logits]
"""Chips of shape (n, side, side, 3) to logits of shape (n, 101)."""

STEPS = 7
"""Places of the patch along each side; 49 in all, half a patch apart."""
PATCH = 4
"""The patch's side is this part of the chip's."""
BANDS = {
    "forehead": (0.0, 0.2),
    "eyes": (0.2, 0.42),
    "nose and cheeks": (0.42, 0.62),
    "mouth": (0.62, 0.85),
    "chin": (0.85, 1.0),
}
"""Heights on the aligned chip, in its sides from the top; see `chip.PLACES`."""


@dataclass(frozen=True)
class Saliency:
    """How far the age told moves when a part of the chip is hidden."""

    scores: Scores
    """The photos looked at."""
    moved: NDArray[np.float64]
    """Years, at least 0, shape (n, side, side): the mean over the patches that hid a pixel."""

    @cached_property
    def by_group(self) -> dict[str, NDArray[np.float64]]:
        """The mean map of each age group that photos were looked at of, shape (side, side)."""
        return {
            group.label: self.moved[self.scores.actual_groups == number].mean(axis=0)
            for number, group in enumerate(self.scores.groups.groups)
            if (self.scores.actual_groups == number).any()
        }

    @property
    def bands(self) -> pd.DataFrame:
        """Years moved on average by hiding a pixel of each height of the face, by age group."""
        side = self.moved.shape[1]
        rows = {name: slice(round(a * side), round(b * side)) for name, (a, b) in BANDS.items()}
        maps = {**self.by_group, "all": self.moved.mean(axis=0)}
        return pd.DataFrame(
            [
                {"group": group, **{name: seen[part].mean() for name, part in rows.items()}}
                for group, seen in maps.items()
            ]
        )


def saliency(network: Network, scores: Scores, photos: int = 64) -> Saliency:
    """Hide parts of some photos' chips, spread over the age groups; 50 answers a chip."""
    some = scores_of(scores, spread_over_groups(scores, photos))
    return Saliency(some, occlusion(network, some.chips, some.calibration))


def occlusion(network: Network, chips: Pixels, calibration: Calibration) -> NDArray[np.float64]:
    """How far in years the age told moves for chips of shape (n, side, side, 3).

    Returns:
        Shape (n, side, side): for each pixel the mean distance between the age told of the
        whole chip and that of the chip with a patch over this pixel.
    """
    side = chips.shape[1]
    corners = list(_corners(side))
    maps = np.empty(chips.shape[:3])
    for row, chip in enumerate(chips):
        ages = ages_of(network(np.stack([chip, *_hidden(chip, corners)])), calibration)
        total, times = np.zeros((side, side)), np.zeros((side, side))
        for corner, moved in zip(corners, np.abs(ages[1:] - ages[0]), strict=True):
            total[corner] += moved
            times[corner] += 1
        maps[row] = total / times
    return maps


def spread_over_groups(scores: Scores, photos: int) -> NDArray[np.int64]:
    """Rows of about so many photos, as many of each age group where there are, from all over it."""
    number = len(scores.groups.groups)
    each = max(1, photos // number)
    rows: list[int] = []
    for group in range(number):
        inside = np.flatnonzero(scores.actual_groups == group)
        places = np.linspace(0, len(inside) - 1, min(each, len(inside)))
        rows.extend(inside[places.round().astype(np.int64)].tolist())
    return np.array(rows, np.int64)


def scores_of(scores: Scores, rows: NDArray[np.int64]) -> Scores:
    """Those rows alone, in that order."""
    return Scores(
        scores.faces.chosen(rows),
        scores.chips[rows],
        scores.logits[rows],
        scores.calibration,
        scores.groups,
    )


def _corners(side: int) -> Iterator[tuple[slice, slice]]:
    """Where the patch lies, place by place; every pixel lies under one of them at least."""
    patch = -(-side // PATCH)
    starts = np.linspace(0, side - patch, STEPS).round().astype(int).tolist()
    for top in starts:
        for left in starts:
            yield slice(top, top + patch), slice(left, left + patch)


def _hidden(chip: Pixels, corners: list[tuple[slice, slice]]) -> Iterator[Pixels]:
    """The chip with each patch blurred away: no detail, but no edge that no face has either."""
    blurred = np.asarray(cv2.GaussianBlur(chip, (0, 0), chip.shape[0] / PATCH / 2), np.uint8)
    for corner in corners:
        changed = chip.copy()
        changed[corner] = blurred[corner]
        yield changed
