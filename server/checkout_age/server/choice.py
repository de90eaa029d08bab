"""The choice of the shopper among the faces of a photo."""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from checkout_age.server.face import Face, FaceError, FaceFault
from checkout_age.server.photo import Pixels

AT_THE_EDGE = 0.5
"""How much a face counts at a corner of the photo, next to one of its size in the middle."""


class SeveralFaces(StrEnum):
    """What is done when more than one face is in view."""

    CHOOSE = "choose"
    """Take the largest near the middle."""
    REFUSE = "refuse"
    """Answer SEVERAL_FACES."""


def shopper_among(faces: Sequence[Face], pixels: Pixels, policy: SeveralFaces) -> Face:
    """The face of the shopper; there is at least one.

    Raises:
        FaceError: there are several and the policy is to refuse.
    """
    if len(faces) > 1 and policy is SeveralFaces.REFUSE:
        raise FaceError(
            FaceFault.SEVERAL_FACES,
            f"{len(faces)} faces were found, 1 is allowed",
            measured=len(faces),
            threshold=1,
            faces_found=len(faces),
        )
    return faces[0] if len(faces) == 1 else max(faces, key=lambda face: prominence(face, pixels))


def prominence(face: Face, pixels: Pixels) -> float:
    """The width of a face, counted less the farther it lies from the middle of the photo."""
    half = np.array([pixels.shape[1], pixels.shape[0]]) / 2
    away = np.hypot(*(face.centre - half)) / np.hypot(*half)
    return face.width * (1 - (1 - AT_THE_EDGE) * min(1.0, float(away)))
