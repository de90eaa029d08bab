"""Averages: faces that are nobody's, each the mean of many aligned photos of one age.

Composite portraits (Galton 1878), so that no person's photo is shipped.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from checkout_age.server.chip import cut_chip
from checkout_age.server.face import Face
from checkout_age.server.face_finder import FaceFinder
from checkout_age.server.photo import Pixels
from checkout_age.training.dataset.photo_file import read_photo

SIDE = 200
FEWEST = 12
"""An average of fewer faces might still resemble somebody."""
MOST = 40
WIDER = 1.1
"""How much more than a chip is shown, so that brow and chin are whole."""


def average_faces(
    faces: Path, table: pd.DataFrame, ages: Sequence[int]
) -> list[tuple[int, Pixels]]:
    """For each age a man's and a woman's face, shape (200, 200, 3)."""
    finder = FaceFinder()
    averages = []
    for age in ages:
        for gender in (0, 1):
            alike = table[(table["real_age"] == age) & (table["gender"] == gender)]
            cuts = []
            for name in alike["photo"][:MOST]:
                pixels = read_photo(faces / name)
                found, _ = finder.find(pixels)
                if found:
                    cuts.append(cut_chip(pixels, _wider(found[0]), SIDE))
            averages.append((age, average(cuts)))
    return averages


def average(chips: Sequence[Pixels]) -> Pixels:
    """The mean of aligned faces, each of shape (side, side, 3), with its contrast restored.

    Raises:
        ValueError: there are too few for the average to be nobody's.
    """
    if len(chips) < FEWEST:
        raise ValueError(f"an average needs at least {FEWEST} faces, got {len(chips)}")
    stacked = np.stack(chips).astype(np.float32)
    mean: NDArray[np.float32] = stacked.mean(axis=0)
    contrast = stacked.std(axis=(1, 2)).mean() / mean.std()
    middle = mean.mean(axis=(0, 1))
    restored = np.clip(np.rint(middle + (mean - middle) * contrast), 0, 255)
    return np.asarray(restored, np.uint8)


def _wider(face: Face) -> Face:
    middle = face.landmarks.mean(axis=0)
    return Face(face.corners, middle + WIDER * (face.landmarks - middle), face.probability)
