"""A face in a photo, and why a photo's face cannot be used."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Face:
    """Where a face is; x to the right and y down, in pixels."""

    corners: NDArray[np.float32]
    """Top left and bottom right of the box, shape (2, 2)."""
    landmarks: NDArray[np.float32]
    """The eye at the left of an upright photo, the other eye, nose, mouth, the ear at the left,
    the other ear; shape (6, 2)."""
    probability: float
    """That it is a face, 0 to 1."""

    @property
    def width(self) -> float:
        """Of the box, in pixels."""
        return float(self.corners[1, 0] - self.corners[0, 0])

    @property
    def centre(self) -> NDArray[np.float32]:
        """Of the box, shape (2,)."""
        return np.asarray((self.corners[0] + self.corners[1]) / 2)

    def moved(self, scale: float, shift: NDArray[np.float64] | float = 0.0) -> "Face":
        """The same face where each point p is at `scale * p + shift`."""
        return Face(
            np.asarray(scale * self.corners + shift, np.float32),
            np.asarray(scale * self.landmarks + shift, np.float32),
            self.probability,
        )


class FaceFault(Enum):
    """Why the face in a photo that can be read cannot be given an age."""

    NO_FACE = "no face"
    SEVERAL_FACES = "several faces"
    TOO_SMALL = "too small"
    TOO_BLURRED = "too blurred"
    TOO_DARK = "too dark"


class FaceError(LookupError):
    """The photo can be read, but shows no usable face; another photo may."""

    def __init__(
        self, fault: FaceFault, message: str, *, measured: float, threshold: float, faces_found: int
    ) -> None:
        super().__init__(message)
        self.fault = fault
        self.measured = measured
        self.threshold = threshold
        self.faces_found = faces_found
