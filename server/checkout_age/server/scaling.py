"""Scaling: photos made smaller without aliasing, in the two steps that cost least."""

import math

import cv2
import numpy as np

from checkout_age.server.photo import Pixels


def halved(pixels: Pixels, times: int) -> Pixels:
    """Each two by two pixels averaged into one, so many times; an odd last row or column goes.

    A side of one pixel stays one.
    """
    for _ in range(times):
        height, width = (max(1, length // 2) for length in pixels.shape[:2])
        even = pixels[: max(1, 2 * (pixels.shape[0] // 2)), : max(1, 2 * (pixels.shape[1] // 2))]
        pixels = np.asarray(
            cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8
        )
    return pixels


def halvings(shrink: float) -> int:
    """How often a photo can be halved before it is this many times smaller: 0 below 2."""
    return int(math.log2(max(shrink, 1.0)))
