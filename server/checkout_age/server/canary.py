"""The canary: photos that a new model must answer much as the served one does."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TypeAlias

import numpy as np

from checkout_age.server.bundle import BundleError
from checkout_age.server.face import FaceError
from checkout_age.server.photo import PhotoError
from checkout_age.server.scorer import Scorer

Ages: TypeAlias = Sequence[float | None]
"""Years for each photo; None where it shows no face that can be used."""
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})


class NoCanaryError(ValueError):
    """The folder that was named for canary photos holds none."""


class CanaryError(BundleError):
    """The new model does not answer the canary photos as the served one does."""


@dataclass(frozen=True)
class Comparison:
    """How two models answered the same photos."""

    photos: int
    mean_years: float
    """The mean absolute difference of their ages."""
    most_years: float


@dataclass(frozen=True)
class Canary:
    """Some photos, and how far apart two models may be on them."""

    photos: Sequence[bytes]
    tolerance: float
    """Years of mean absolute difference."""

    @classmethod
    def of(cls, folder: Path | None, tolerance: float) -> "Canary":
        """The photos of a folder; None: those that come with the server, of nobody's faces.

        Raises:
            NoCanaryError: the folder holds no photo.
        """
        if folder is None:
            shipped = files("checkout_age.server").joinpath("canary_photos")
            return cls([each.read_bytes() for each in shipped.iterdir()], tolerance)
        found = sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)
        if not found:
            raise NoCanaryError(f"canary must be a folder of photos, there is none in {folder}")
        return cls([path.read_bytes() for path in found], tolerance)

    async def ages(self, scorer: Scorer) -> Ages:
        """What a model says of each photo."""
        return [await _age(scorer, photo) for photo in self.photos]

    def compare(self, served: Ages, new: Ages) -> Comparison:
        """Hold a new model's ages against the served one's.

        Raises:
            CanaryError: they differ by more than is tolerated, or the new one has no age where the
                served one has.
            BundleError: the served one has no age for any of them.
        """
        apart = []
        for number, (before, after) in enumerate(zip(served, new, strict=True), 1):
            if before is None:
                continue
            if after is None or not np.isfinite(after):
                raise CanaryError(f"the new model has no age for canary photo {number}")
            apart.append(abs(after - before))
        if not apart:
            raise BundleError("no canary photo shows a face that the served model can use")
        found = Comparison(len(apart), float(np.mean(apart)), max(apart))
        if found.mean_years > self.tolerance:
            raise CanaryError(
                f"on {found.photos} canary photos its ages are {found.mean_years:.1f} years from "
                f"the served model's on average, {self.tolerance:g} are tolerated"
            )
        return found


async def _age(scorer: Scorer, photo: bytes) -> float | None:
    try:
        return (await scorer.score(photo)).ages.age
    except (PhotoError, FaceError):
        return None
