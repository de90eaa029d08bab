"""Rendering: the views of training chips, computed where the network is, in Keras' own operations.

Whatever is random was drawn before (see `augmentation`), so a view is the same on every backend
but for rounding.
"""

import math
from typing import Any

import numpy as np
from keras import ops

from checkout_age.training.fitting.augmentation import Augmentation

LUMA = (0.299, 0.587, 0.114)
"""How much each of R, G, B adds to brightness (ITU-R BT.601)."""
REACH = 4
"""Pixels to either side that a blurred pixel is drawn from."""
BLOCK = 8
TABLES = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.float32,
)
"""JPEG's table for brightness (ITU-T T.81, Annex K); colour takes the same one, twice."""


def rendered(chips: Any, views: dict[str, Any], side: int, augmentation: Augmentation) -> Any:
    """Chips of shape (n, any, any, 3), 0 to 255, as views of shape (n, side, side, 3), float32.

    What an augmentation never does is left out of the graph.
    """
    levels = _placed(chips, views["placements"], side)
    if augmentation.coarse:
        levels = _blurred(levels, views["blurs"])
    levels = _toned(levels, views["tones"])
    if augmentation.compressed:
        levels = _compressed(levels, views["tables"])
    if augmentation.erased:
        levels = _erased(levels, views["patches"])
    return levels


def mixed(levels: Any, shares: Any) -> Any:
    """Each of n with a share of itself and the rest of its neighbour, the last of the first."""
    shares = ops.reshape(shares, (-1,) + (1,) * (len(levels.shape) - 1))
    return shares * levels + (1 - shares) * ops.roll(levels, -1, axis=0)


def _placed(chips: Any, placements: Any, side: int) -> Any:
    """Bilinear samples; beyond the chip its edge is drawn out."""
    count, full = ops.shape(chips)[0], chips.shape[1]
    middle = (np.arange(side, dtype=np.float32) + 0.5) / side - 0.5
    grid = np.stack([*np.meshgrid(middle, middle), np.ones((side, side), np.float32)], axis=-1)
    places = ops.einsum("nij,hwj->nhwi", ops.cast(placements, "float32"), grid)
    pixels = ops.clip((places + 0.5) * full - 0.5, 0, full - 1)
    low = ops.minimum(ops.floor(pixels), full - 2)
    across, down = ops.split(pixels - low, 2, axis=-1)
    first = ops.reshape(ops.arange(count), (-1, 1, 1)) * (full * full)
    corner = first + ops.cast(low[..., 1] * full + low[..., 0], "int32")
    flat = ops.reshape(chips, (-1, 3))

    def at(offset: int) -> Any:
        return ops.cast(ops.take(flat, corner + offset, axis=0), "float32")

    upper = at(0) * (1 - across) + at(1) * across
    lower = at(full) * (1 - across) + at(full + 1) * across
    return upper * (1 - down) + lower * down


def _blurred(levels: Any, blurs: Any) -> Any:
    """A Gaussian of its own standard deviation, in pixels, for each; 0 leaves a chip as it is."""
    side = levels.shape[1]
    distances = np.arange(-REACH, REACH + 1, dtype=np.float32)
    weights = ops.exp(-0.5 * ops.square(distances / ops.maximum(blurs[:, None], 1e-3)))
    weights = ops.reshape(weights / ops.sum(weights, axis=1, keepdims=True), (-1, 1, 1, 1, 9))
    for axis in (1, 2):
        beside = [(0, 0)] * 4
        beside[axis] = (REACH, REACH)
        padded = ops.pad(levels, beside, mode="symmetric")
        shifted = (
            padded[:, i : i + side] if axis == 1 else padded[:, :, i : i + side]
            for i in range(2 * REACH + 1)
        )
        levels = sum(weights[..., i] * each for i, each in enumerate(shifted))
    return levels


def _toned(levels: Any, tones: Any) -> Any:
    brightness, contrast, saturation = (
        ops.reshape(tones[:, column], (-1, 1, 1, 1)) for column in range(3)
    )
    gains = ops.reshape(tones[:, 3:], (-1, 1, 1, 3))
    luma = ops.sum(levels * np.array(LUMA, np.float32), axis=-1, keepdims=True)
    levels = (luma + (levels - luma) * saturation) * gains
    middle = ops.mean(levels, axis=(1, 2, 3), keepdims=True)
    return ops.clip((levels - middle) * contrast + middle * brightness, 0, 255)


def _compressed(levels: Any, tables: Any) -> Any:
    """What JPEG's rounding leaves, by blocks of eight pixels, colour at full resolution."""
    side = levels.shape[1]
    beyond = -side % BLOCK
    padded = ops.pad(levels, ((0, 0), (0, beyond), (0, beyond), (0, 0)), mode="symmetric")
    across = (side + beyond) // BLOCK
    blocks = ops.reshape(padded - 128, (-1, across, BLOCK, across, BLOCK, 3))
    cosines, colours = _cosines(), _colours()
    waves = ops.einsum("ui,vj,ck,nxiyjk->nxyuvc", cosines, cosines, colours, blocks)
    steps = ops.reshape(tables, (-1, 1, 1, 1, 1, 1)) * np.stack(
        [TABLES, 2 * TABLES, 2 * TABLES], axis=-1
    )
    steps = ops.maximum(steps, 1.0)
    waves = ops.round(waves / steps) * steps
    back = np.linalg.inv(colours)
    blocks = ops.einsum("ui,vj,kc,nxyuvc->nxiyjk", cosines, cosines, back, waves)
    whole = ops.reshape(blocks, (-1, side + beyond, side + beyond, 3))[:, :side, :side] + 128
    kept = ops.reshape(tables, (-1, 1, 1, 1)) == 0
    return ops.where(kept, levels, ops.clip(whole, 0, 255))


def _cosines() -> Any:
    """The orthonormal discrete cosine transform of eight values, shape (8, 8)."""
    place, wave = np.arange(BLOCK) + 0.5, np.arange(BLOCK)[:, None]
    basis = np.cos(math.pi * wave * place / BLOCK) * math.sqrt(2 / BLOCK)
    basis[0] /= math.sqrt(2)
    return basis.astype(np.float32)


def _colours() -> Any:
    """From R, G, B to Y, Cb, Cr (JFIF), shape (3, 3)."""
    blue, red = (
        (np.eye(3)[channel] - np.array(LUMA)) / (2 * (1 - LUMA[channel])) for channel in (2, 0)
    )
    return np.stack([LUMA, blue, red]).astype(np.float32)


def _erased(levels: Any, patches: Any) -> Any:
    side = levels.shape[1]
    middle = (np.arange(side, dtype=np.float32) + 0.5) / side
    left, top, right, bottom = (
        ops.reshape(patches[:, column], (-1, 1, 1, 1)) for column in range(4)
    )
    across, down = middle[None, None, :, None], middle[None, :, None, None]
    inside = (across > left) & (across < right) & (down > top) & (down < bottom)
    return ops.where(inside, ops.reshape(patches[:, 4:], (-1, 1, 1, 3)), levels)
