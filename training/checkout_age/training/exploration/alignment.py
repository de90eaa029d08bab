"""The alignment: some photos as they are beside the chips that the server would cut from them."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageOps
from rich.console import Console
from rich.progress import track

from checkout_age.server.chip import placement
from checkout_age.server.face import FaceError
from checkout_age.server.photo import Pixels
from checkout_age.server.shopper import Shopper, ShopperFinder
from checkout_age.training.dataset.photo_file import read_photo


@dataclass(frozen=True, eq=False)
class Aligned:
    """A photo in which a face was found, both ways in squares of the same side."""

    row: int
    """Which of the photos that were looked at."""
    square: Pixels
    """The middle square of the photo, shape (side, side, 3)."""
    chip: Pixels
    """Shape (side, side, 3)."""
    eyes_before: NDArray[np.float64]
    """x and y of the left eye and of the right, in sides of the square; shape (2, 2)."""
    eyes_after: NDArray[np.float64]
    """The same in sides of the chip."""


@dataclass(frozen=True, eq=False)
class Alignment:
    """What alignment does to a sample of photos."""

    looked_at: int
    found: tuple[Aligned, ...]

    @cached_property
    def mean_square(self) -> Pixels:
        """The mean of the photos as they are, shape (side, side, 3). Needs a face."""
        return _mean([each.square for each in self.found])

    @cached_property
    def mean_chip(self) -> Pixels:
        """The mean of the chips, shape (side, side, 3). Needs a face."""
        return _mean([each.chip for each in self.found])

    @property
    def eyes_before(self) -> NDArray[np.float64]:
        """Both eyes, x and y in sides of the photo's square, shape (n, 2, 2)."""
        return np.stack([each.eyes_before for each in self.found])

    @property
    def eyes_after(self) -> NDArray[np.float64]:
        """The same in sides of the chip, shape (n, 2, 2)."""
        return np.stack([each.eyes_after for each in self.found])

    def table(self) -> pd.DataFrame:
        """Mean and standard deviation of where the eyes are, in percent of the side or degrees."""
        before, after = _measures(self.eyes_before), _measures(self.eyes_after)
        return pd.DataFrame(
            [
                (
                    name,
                    before[name].mean(),
                    before[name].std(),
                    after[name].mean(),
                    after[name].std(),
                )
                for name in before
            ],
            columns=["measure", "photos, mean", "photos, sd", "chips, mean", "chips, sd"],
        )


def align(photos: Sequence[Path], finder: ShopperFinder, console: Console) -> Alignment:
    """Look for the face of each photo, as the server does. Each photo must be readable."""

    def aligned(row: int) -> Aligned | None:
        try:
            shopper = finder.find(photos[row].read_bytes())
        except FaceError:
            return None
        return _aligned(row, read_photo(photos[row]), shopper)

    with ThreadPoolExecutor(2) as readers:
        found = readers.map(aligned, range(len(photos)))
        tracked = list(track(found, "faces", total=len(photos), console=console))
    return Alignment(len(photos), tuple(each for each in tracked if each is not None))


def _aligned(row: int, pixels: Pixels, shopper: Shopper) -> Aligned:
    side = shopper.chip.shape[0]
    height, width, _ = pixels.shape
    shorter = min(height, width)
    corner = np.array([width - shorter, height - shorter]) / 2
    eyes = shopper.face.landmarks[:2].astype(np.float64)
    matrix = placement(shopper.face, side)
    square = ImageOps.fit(Image.fromarray(pixels), (side, side), Image.Resampling.BOX)
    return Aligned(
        row,
        np.asarray(square),
        shopper.chip,
        (eyes - corner) / shorter,
        (eyes - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T / side,
    )


def _measures(eyes: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    between = eyes[:, 1] - eyes[:, 0]
    return {
        "left eye, x": 100 * eyes[:, 0, 0],
        "left eye, y": 100 * eyes[:, 0, 1],
        "right eye, x": 100 * eyes[:, 1, 0],
        "right eye, y": 100 * eyes[:, 1, 1],
        "between the eyes": 100 * np.hypot(between[:, 0], between[:, 1]),
        "tilt, degrees": np.degrees(np.arctan2(between[:, 1], between[:, 0])),
    }


def _mean(pictures: Sequence[Pixels]) -> Pixels:
    return np.asarray(np.rint(np.mean(pictures, axis=0)), np.uint8)
