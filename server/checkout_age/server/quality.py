"""Whether a face is good enough to be given an age: large enough, sharp enough, lit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from checkout_age.server.chip import cut_chip
from checkout_age.server.face import Face, FaceError, FaceFault
from checkout_age.server.photo import Pixels

SIDE = 64
"""Sharpness and brightness are measured on a chip of this side, whatever the model's own."""
LIGHTEST = 90
"""Percentile of the pixels. The lightest tenth tells light from skin: a dark face that is lit
has highlights, a face in the dark has none."""


@dataclass(frozen=True)
class QualityLimits:
    """The least that a face must have; 0 lets everything pass."""

    width: float = 24.0
    """Pixels of the photo that the face is wide."""
    sharpness: float = 0.08
    """See `sharpness`."""
    brightness: float = 40.0
    """See `brightness`; 0 to 255."""

    def __post_init__(self) -> None:
        for name in ("width", "sharpness", "brightness"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}")


DEFAULT_QUALITY = QualityLimits()


def require_quality(
    pixels: Pixels, face: Face, limits: QualityLimits, *, reduction: int, faces_found: int
) -> None:
    """Pass a face that is good enough; `face` is in the decoded pixels.

    Raises:
        FaceError: it is too small, too blurred or too dark; with what was measured.
    """
    grey = grey_chip(pixels, face)
    for fault, measured, threshold, told in (
        (
            FaceFault.TOO_SMALL,
            face.width * reduction,
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


def grey_chip(pixels: Pixels, face: Face) -> NDArray[np.float32]:
    """The brightness (ITU-R BT.601) of the face, 0 to 255, shape (64, 64)."""
    chip = Image.fromarray(cut_chip(pixels, face, SIDE))
    return np.asarray(chip.convert("L"), np.float32)


def brightness(grey: NDArray[np.float32]) -> float:
    """What the lightest tenth of the pixels reaches, 0 to 255."""
    return float(np.percentile(grey, LIGHTEST))


def sharpness(grey: NDArray[np.float32]) -> float:
    """The deviation of the Laplacian as a share of that of the pixels; 0 for an even picture.

    The variance of the Laplacian as a measure of focus (Pech-Pacheco et al. 2000), freed of
    contrast: sharp faces have 0.2 to 0.6, noise has 4.
    """
    inner = grey[1:-1, 1:-1]
    laplacian = 4 * inner - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    return float(laplacian.std() / max(float(grey.std()), 1.0))
