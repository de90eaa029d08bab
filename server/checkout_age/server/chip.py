"""The chip: the one square picture of a face that the network looks at.

Training and serving both cut their chips here, so they cannot differ.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from checkout_age.server.face import Face
from checkout_age.server.photo import Pixels
from checkout_age.server.scaling import halved, halvings

DEFINITION = "eyes-and-mouth/1"
"""Names this way of finding and cutting; a bundle states the one it was trained with, and packs of
chips are kept under it. Another detector or other places need another name."""

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
    times = halvings(_spread(matrix))
    part, corner = _part_with(pixels, matrix, side, 2 * 2**times)
    part = halved(part, times)
    # from a point of the finer chip to one of the part, then from pixel to pixel: their middles
    turn = matrix[:, :2] / FINER / 2**times
    shift = (matrix[:, 2] - corner) / 2**times + turn @ [0.5, 0.5] - 0.5
    fine = cv2.warpAffine(
        part,
        np.column_stack([turn, shift]),
        (side * FINER, side * FINER),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(cv2.resize(fine, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


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
    here_mean, there_mean = here.mean(axis=0), there.mean(axis=0)
    a, b = here - here_mean, there - there_mean
    size = (a**2).sum()
    cosine = (a * b).sum() / size
    sine = (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / size
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([turn, there_mean - turn @ here_mean])


def _spread(matrix: NDArray[np.float64]) -> float:
    """Pixels of the photo for one of the chip."""
    return math.hypot(matrix[0, 0], matrix[1, 0])


def _part_with(
    pixels: Pixels, matrix: NDArray[np.float64], side: int, margin: int
) -> tuple[Pixels, NDArray[np.int64]]:
    """The part of the photo that the chip shows, at least a pixel of it, and its top left."""
    size = np.array([pixels.shape[1], pixels.shape[0]])
    square = np.array([[0, 0, 1], [side, 0, 1], [0, side, 1], [side, side, 1]], np.float64)
    reached = square @ matrix.T
    low = np.clip(np.floor(reached.min(axis=0)).astype(int) - margin, 0, size - 1)
    high = np.clip(np.ceil(reached.max(axis=0)).astype(int) + margin, low + 1, size)
    return pixels[low[1] : high[1], low[0] : high[0]], low
