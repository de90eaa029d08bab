"""The chip: the one square picture of a face that the network looks at.

Training and serving both cut their chips here, so they cannot differ.
"""

import numpy as np
from PIL import Image

from checkout_age.server.photo import Pixels

DEFINITION = "centre-square/1"
"""Names this way of cutting; a bundle states the one it was trained with."""

SMALLEST_SIDE = 32
"""Pixels; ResNet50 halves the side five times."""


def cut_chip(pixels: Pixels, side: int) -> Pixels:
    """Cut the largest centred square and scale it, antialiased, to (side, side, 3)."""
    height, width, _ = pixels.shape
    square = min(height, width)
    left, top = (width - square) / 2, (height - square) / 2
    scaled = Image.fromarray(pixels).resize(
        (side, side),
        Image.Resampling.BILINEAR,
        box=(left, top, left + square, top + square),
    )
    return np.asarray(scaled)
