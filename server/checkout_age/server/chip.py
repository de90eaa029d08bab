"""The chip: the one square picture of a face that the network looks at.

Training and serving both cut their chips here, so they cannot differ.
"""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from checkout_age.server.face import Face
from checkout_age.server.photo import Pixels

DEFINITION = "eyes-and-mouth/1"
"""Names this way of cutting; a bundle states the one it was trained with."""

SMALLEST_SIDE = 32
"""Pixels; ResNet50 halves the side five times."""

LANDMARKS = [0, 1, 3]
"""Both eyes and the mouth."""
PLACES: NDArray[np.float64] = np.array([[0.29, 0.30], [0.71, 0.30], [0.50, 0.75]])
"""Where they come to lie, in sides of the chip: forehead and chin just inside, as in photos that
are cut to the face."""
FINER = 2
"""Sampled this many times as finely as needed, then averaged."""


def cut_chip(pixels: Pixels, face: Face, side: int) -> Pixels:
    """Turn, scale and cut a face to shape (side, side, 3), antialiased.

    What lies beyond the photo is filled with the pixel at its edge.
    """
    matrix = placement(face, side)
    blocks = max(1, math.floor(_spread(matrix)))
    part, corner = _part_with(pixels, matrix, side, blocks)
    reduced = part.reduce(blocks) if blocks > 1 else part
    sampled = matrix / (blocks * FINER)
    sampled[:, 2] = (matrix[:, 2] - corner) / blocks
    fine = reduced.transform(
        (side * FINER, side * FINER),
        Image.Transform.AFFINE,
        tuple(sampled.flatten()),
        Image.Resampling.BILINEAR,
    )
    return np.asarray(fine.reduce(FINER))


def enlargement(face: Face, side: int) -> float:
    """Pixels of the chip for one of the photo; above 1 the photo has fewer than the chip."""
    return 1 / max(_spread(placement(face, side)), 1e-9)


def placement(face: Face, side: int) -> NDArray[np.float64]:
    """From a point of the chip to one of the photo: shape (2, 3), a similarity.

    The least-squares fit of the landmarks, Umeyama 1991. With the mouth beside the eyes, a face
    turned to the side is not taken for a small one.
    """
    here: NDArray[np.float64] = PLACES * side
    there = face.landmarks[LANDMARKS].astype(np.float64)
    a, b = here - here.mean(axis=0), there - there.mean(axis=0)
    size = (a**2).sum()
    cosine = (a * b).sum() / size
    sine = (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / size
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([turn, there.mean(axis=0) - turn @ here.mean(axis=0)])


def _spread(matrix: NDArray[np.float64]) -> float:
    """Pixels of the photo for one of the chip."""
    return float(np.hypot(matrix[0, 0], matrix[1, 0]))


def _part_with(
    pixels: Pixels, matrix: NDArray[np.float64], side: int, blocks: int
) -> tuple[Image.Image, NDArray[np.float64]]:
    """The part of the photo that the chip shows, edges drawn out, and its top left corner."""
    height, width, _ = pixels.shape
    square = np.array([[0, 0, 1], [side, 0, 1], [0, side, 1], [side, side, 1]], np.float64)
    reached = square @ matrix.T
    low = np.floor(reached.min(axis=0)).astype(int) - 2 * blocks
    high = np.ceil(reached.max(axis=0)).astype(int) + 2 * blocks
    columns = np.clip(np.arange(low[0], high[0]), 0, width - 1)
    rows = np.clip(np.arange(low[1], high[1]), 0, height - 1)
    if low.min() >= 0 and high[0] <= width and high[1] <= height:
        part = pixels[low[1] : high[1], low[0] : high[0]]
    else:
        part = pixels[rows[:, None], columns[None]]
    return Image.fromarray(part), low.astype(np.float64)
