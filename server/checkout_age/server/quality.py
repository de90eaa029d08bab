"""Whether a face is good enough to be given an age: large enough, sharp enough, lit."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from checkout_age.server.face import FaceError, FaceFault
from checkout_age.server.photo import Pixels

SIDE = 64
"""Sharpness and brightness are measured at this size, whatever the model's own; chips are cut no
smaller for it."""
ROUNDING = (4**2 + 4) / 12
"""The variance that levels rounded to whole numbers (1/12 each) have in the Laplacian."""
LIGHTEST = 0.9
"""Share of the pixels that are darker. The lightest tenth tells light from skin: a dark face that
is lit has highlights, a face in the dark has none."""


@dataclass(frozen=True)
class QualityLimits:
    """The least that a face must have; 0 lets everything pass."""

    width: float = 24.0
    """Pixels of the photo that the face is wide."""
    sharpness: float = 0.08
    """See `sharpness`."""
    brightness: float = 60.0
    """See `brightness`; 0 to 255."""

    def __post_init__(self) -> None:
        for name in ("width", "sharpness", "brightness"):
            if not getattr(self, name) >= 0:  # so that not-a-number is refused too
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}")


DEFAULT_QUALITY = QualityLimits()


def require_quality(chip: Pixels, limits: QualityLimits, *, width: float, faces_found: int) -> None:
    """Pass a face that is good enough, given its chip and how many pixels of the photo it is wide.

    Raises:
        FaceError: it is too small, too blurred or too dark; with what was measured.
    """
    grey = grey_of(chip)
    for fault, measured, threshold, told in (
        (
            FaceFault.TOO_SMALL,
            width,
            limits.width,
            "the face is too small: {:.0f} pixels wide, {:g} are needed",
        ),
        (
            FaceFault.TOO_DARK,
            brightness(grey),
            limits.brightness,
            "the face is too dark: its lightest tenth reaches {:.0f} of 255, {:g} is needed",
        ),
        (
            FaceFault.TOO_BLURRED,
            sharpness(grey),
            limits.sharpness,
            "the face is too blurred: its sharpness is {:.3f}, {:g} is needed",
        ),
    ):
        if measured < threshold:
            raise FaceError(
                fault,
                told.format(measured, threshold),
                measured=measured,
                threshold=threshold,
                faces_found=faces_found,
            )


def grey_of(chip: Pixels) -> NDArray[np.float32]:
    """The brightness (ITU-R BT.601) of a chip, 0 to 255, shape (64, 64)."""
    grey = cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)


def brightness(grey: NDArray[np.float32]) -> float:
    """What the lightest tenth of the pixels reaches, 0 to 255."""
    place = int(LIGHTEST * grey.size)
    return float(np.partition(grey, place, axis=None)[place])


def sharpness(grey: NDArray[np.float32]) -> float:
    """The deviation of the Laplacian as a share of that of the pixels; 0 for an even picture.

    The variance of the Laplacian as a measure of focus (Pech-Pacheco et al. 2000), freed of
    contrast and of what rounding to whole levels adds: faces in focus have 0.2 to 0.6, noise 4.
    """
    laplacian = cv2.Laplacian(grey, cv2.CV_32F)[1:-1, 1:-1]
    detail = max(float(laplacian.var()) - ROUNDING, 0.0)
    return float(np.sqrt(detail) / max(float(grey.std()), 1.0))
