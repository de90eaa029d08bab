"""Faces for tests: where one would be, without looking."""

from collections.abc import Sequence

import numpy as np

from checkout_age.server.chip import LANDMARKS, PLACES
from checkout_age.server.face import Face
from checkout_age.server.photo import Pixels

EXAMPLE: list[tuple[float, float]] = [
    (0.29, 0.30), (0.71, 0.30), (0.50, 0.52), (0.50, 0.75), (0.05, 0.35), (0.95, 0.35)
]  # fmt: skip
assert np.allclose(np.array(EXAMPLE)[LANDMARKS], PLACES)


def face_at(
    x: float, y: float, width: float, degrees: float = 0.0, probability: float = 0.9
) -> Face:
    """An upright face of so many pixels about (x, y), turned with the clock."""
    turn = np.deg2rad(degrees)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    landmarks = (np.array(EXAMPLE) - 0.5) * width @ matrix.T + (x, y)
    corners = np.array([[x - width / 2, y - width / 2], [x + width / 2, y + width / 2]])
    return Face(corners.astype(np.float32), landmarks.astype(np.float32), probability)


class BrightPhotosHaveFaces:
    """Finds one face in the middle of every photo but a black one."""

    def find(self, pixels: Pixels) -> tuple[list[Face], float]:
        if not pixels.any():
            return [], 0.0
        height, width, _ = pixels.shape
        return [face_at(width / 2, height / 2, 0.8 * min(width, height))], 0.9

    def find_all(self, photos: Sequence[Pixels]) -> list[tuple[list[Face], float]]:
        return [self.find(pixels) for pixels in photos]

    def closer(self, pixels: Pixels, place: Face) -> Face:
        return place

    def ready(self) -> None:
        pass
