"""A view: a rectangle of a photo, scaled for a detector; what lies beyond the photo is black."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from checkout_age.server.face import Face
from checkout_age.server.photo import Pixels
from checkout_age.server.scaling import halved, halvings

STEPS = 5
"""A view's shorter side is so many parts of the longer one, at most: whole pixels for detectors."""

FEWEST = 3
"""Parts that the shorter side has at least: few photos are longer strips, and each shape of view
costs a detector memory."""


@dataclass(frozen=True)
class View:
    """A rectangle in the pixels of a photo; it may reach beyond the photo's edges."""

    left: int
    top: int
    longer: int
    """Pixels of its longer side."""
    rows: int = STEPS
    """The height in fifths of the longer side."""
    columns: int = STEPS
    """The width in fifths of the longer side."""

    @classmethod
    def of_whole(cls, pixels: Pixels) -> "View":
        """All of a photo, with as little black below or beside it as the fifths allow."""
        height, width, _ = pixels.shape
        longer = max(width, height)
        rows, columns = (
            max(FEWEST, math.ceil(length * STEPS / longer)) for length in (height, width)
        )
        return cls(0, 0, longer, rows, columns)

    @classmethod
    def with_margin(cls, pixels: Pixels, margin: float) -> "View":
        """A square with the photo in the middle, and black around it: `margin` longer sides."""
        height, width, _ = pixels.shape
        side = round(max(width, height) * (1 + 2 * margin))
        return cls((width - side) // 2, (height - side) // 2, side)

    @classmethod
    def tiles(cls, pixels: Pixels, share: float) -> "list[View]":
        """Squares that cover a photo and overlap by half, `share` of the longer side each."""
        height, width, _ = pixels.shape
        side = math.ceil(max(width, height) * share)
        return [
            cls(left, top, side) for top in _starts(height, side) for left in _starts(width, side)
        ]

    @classmethod
    def around(cls, face: Face, widths: float) -> "View":
        """A square about a face, so many times as wide as its box."""
        side = max(round(face.width * widths), 1)
        x, y = face.centre
        return cls(round(float(x) - side / 2), round(float(y) - side / 2), side)

    def seen(self, pixels: Pixels, side: int) -> Pixels:
        """What the view shows of a photo, its longer side scaled to `side`, a multiple of 5.

        A square view may be scaled to any side. Shape (height, width, 3).
        """
        scale = side / self.longer
        frame = np.zeros((self.rows * side // STEPS, self.columns * side // STEPS, 3), np.uint8)
        height, width, _ = pixels.shape
        left, right = max(self.left, 0), min(self.left + self.longer, width)
        top, bottom = max(self.top, 0), min(self.top + self.longer, height)
        if right <= left or bottom <= top:
            return frame
        x, y = round((left - self.left) * scale), round((top - self.top) * scale)
        across = min(max(round((right - left) * scale), 1), frame.shape[1] - x)
        down = min(max(round((bottom - top) * scale), 1), frame.shape[0] - y)
        if across > 0 and down > 0:
            part = halved(pixels[top:bottom, left:right], halvings(1 / scale))
            cv2.resize(part, (across, down), dst=frame[y : y + down, x : x + across])
        return frame

    def to_photo(self, face: Face, side: int) -> Face:
        """A face found in what was seen, in the photo's own pixels."""
        return face.moved(self.longer / side, np.array([self.left, self.top], np.float64))


def _starts(length: int, side: int) -> list[int]:
    """Where squares begin that cover a length and overlap by half at least."""
    if length <= side:
        return [(length - side) // 2]
    steps = math.ceil((length - side) / (side / 2))
    return [round((length - side) * step / steps) for step in range(steps + 1)]
