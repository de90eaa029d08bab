"""A view: a square of a photo, scaled for a detector; what lies beyond the photo is black."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from checkout_age.server.face import Face
from checkout_age.server.photo import Pixels

REDUCING_GAP = 1.01
"""Pillow averages whole blocks of pixels first, nearly down to the size asked for."""


@dataclass(frozen=True)
class View:
    """A square in the pixels of a photo; it may reach beyond the photo's edges."""

    left: float
    top: float
    side: float

    @classmethod
    def of_whole(cls, pixels: Pixels, margin: float = 0.0) -> "View":
        """All of a photo in the middle; `margin` is black on each side, in longer sides."""
        height, width, _ = pixels.shape
        side = max(width, height) * (1 + 2 * margin)
        return cls((width - side) / 2, (height - side) / 2, side)

    @classmethod
    def tiles(cls, pixels: Pixels, share: float) -> "list[View]":
        """Squares that cover a photo and overlap by half, `share` of the longer side each."""
        height, width, _ = pixels.shape
        side = max(width, height) * share
        return [
            cls(left, top, side) for top in _starts(height, side) for left in _starts(width, side)
        ]

    @classmethod
    def around(cls, face: Face, widths: float) -> "View":
        """A square about a face, so many times as wide as its box."""
        side = max(face.width * widths, 1.0)
        x, y = face.centre
        return cls(float(x) - side / 2, float(y) - side / 2, side)

    def seen(self, pixels: Pixels, side: int) -> Pixels:
        """What the view shows of a photo, shape (side, side, 3)."""
        height, width, _ = pixels.shape
        frame = np.zeros((side, side, 3), np.uint8)
        left, right = max(self.left, 0.0), min(self.left + self.side, width)
        top, bottom = max(self.top, 0.0), min(self.top + self.side, height)
        scale = side / self.side
        x, y = round((left - self.left) * scale), round((top - self.top) * scale)
        across = min(max(round((right - left) * scale), 1), side - x)
        down = min(max(round((bottom - top) * scale), 1), side - y)
        if right - left < 1 or bottom - top < 1 or across < 1 or down < 1:
            return frame
        x0, y0 = int(left), int(top)
        part = Image.fromarray(pixels[y0 : int(np.ceil(bottom)), x0 : int(np.ceil(right))])
        scaled = part.resize(
            (across, down),
            Image.Resampling.BILINEAR,
            box=(left - x0, top - y0, right - x0, bottom - y0),
            reducing_gap=REDUCING_GAP,
        )
        frame[y : y + down, x : x + across] = np.asarray(scaled)
        return frame

    def to_photo(self, face: Face, side: int) -> Face:
        """A face found in what was seen, in the photo's own pixels."""
        corner: NDArray[np.float64] = np.array([self.left, self.top])
        return face.moved(self.side / side, corner)


def _starts(length: int, side: float) -> list[float]:
    """Where squares begin that cover a length and overlap by half at least."""
    if length <= side:
        return [(length - side) / 2]
    steps = math.ceil((length - side) / (side / 2))
    return [(length - side) * step / steps for step in range(steps + 1)]
