"""Augmentation: how far what a camera sees may differ from a training chip, drawn at random."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PATCH = (0.1, 0.35)
"""The shortest and longest side of an erased patch, as a share of the chip's side."""
DIM = (0.3, 0.8)
"""Between these shares of brightness and contrast are left of a dimmed chip."""
COARSE = (0.3, 0.9)
"""Between these shares of a side's pixels are left of a coarse chip's detail."""
COMPRESSED = (0.4, 2.5)
"""Between these multiples of the standard's tables JPEG rounds; 1 is what is called quality 50."""

Views = Mapping[str, NDArray[np.float32]]
"""What was drawn for each chip of a batch, as `rendering` reads it; one row a chip."""


@dataclass(frozen=True)
class Augmentation:
    """How far a training chip may differ from the photo it was cut from."""

    mirrored: float = 0.5
    """The share of chips that are seen in a mirror."""
    smallest_crop: float = 0.88
    """The shortest side that a crop may have, as a share of the chip's side."""
    largest_crop: float = 1.08
    """The longest; beyond the chip its edges are drawn out."""
    shift: float = 0.04
    """How far the crop's middle may lie from the chip's, as a share of the chip's side."""
    rotation: float = 6.0
    """Degrees to either side."""
    light: float = 0.25
    """Brightness and contrast each change by up to this share."""
    colour: float = 0.0
    """Saturation and the brightness of each channel change by up to this share."""
    dimmed: float = 0.0
    """The share of chips in little light: 0.3 to 0.8 of their brightness and contrast."""
    coarse: float = 0.0
    """The share of chips as from a far or blurred face: 0.3 to 0.9 of their pixels a side."""
    compressed: float = 0.0
    """The share of chips as a JPEG of quality 20 to 80 would show them."""
    grey: float = 0.1
    """The share of chips that lose their colour."""
    erased: float = 0.0
    """The share of chips that lose a patch (random erasing, Zhong et al. 2017)."""

    def draw(self, generator: np.random.Generator, chips: int) -> Views:
        """What becomes of so many chips; the same for the same state of the generator."""
        return {
            "placements": self._placements(generator, chips),
            "tones": self._tones(generator, chips),
            "blurs": _some(generator, self.coarse, _blurs(generator, chips), 0.0),
            "tables": _some(generator, self.compressed, _uniform(generator, COMPRESSED, chips), 0),
            "patches": _some(generator, self.erased, _patches(generator, chips), 0.0),
        }

    def _placements(self, generator: np.random.Generator, chips: int) -> NDArray[np.float32]:
        """From a place in the view to one in the chip, both from -0.5 to 0.5; (chips, 2, 3)."""
        scales = _uniform(generator, (self.smallest_crop, self.largest_crop), (chips, 2))
        shifts = _uniform(generator, (-self.shift, self.shift), (chips, 2))
        angles = np.radians(_uniform(generator, (-self.rotation, self.rotation), chips))
        mirrors = np.where(generator.random(chips) < self.mirrored, -1, 1)
        cosines, sines = np.cos(angles), np.sin(angles)
        rows = (
            (scales[:, 0] * cosines * mirrors, -scales[:, 1] * sines, shifts[:, 0]),
            (scales[:, 0] * sines * mirrors, scales[:, 1] * cosines, shifts[:, 1]),
        )
        return np.moveaxis(np.array(rows, np.float32), 2, 0)

    def _tones(self, generator: np.random.Generator, chips: int) -> NDArray[np.float32]:
        """Brightness, contrast, saturation and each channel's gain; (chips, 6)."""
        light = 1 + _uniform(generator, (-self.light, self.light), (chips, 2))
        light *= _some(generator, self.dimmed, _uniform(generator, DIM, (chips, 1)), 1.0)
        saturation = 1 + _uniform(generator, (-self.colour, self.colour), (chips, 1))
        saturation = np.where(generator.random((chips, 1)) < self.grey, 0, saturation)
        gains = 1 + _uniform(generator, (-self.colour / 2, self.colour / 2), (chips, 3))
        return np.concatenate([light, saturation, gains], axis=1).astype(np.float32)


def _uniform(
    generator: np.random.Generator, between: tuple[float, float], shape: int | tuple[int, ...]
) -> NDArray[np.float32]:
    return generator.uniform(*between, shape).astype(np.float32)


def _some(
    generator: np.random.Generator, share: float, values: NDArray[np.float32], else_: float
) -> NDArray[np.float32]:
    """The values for about that share of the chips, another value for the rest."""
    chosen = generator.random(len(values)) < share
    return np.where(chosen.reshape(-1, *[1] * (values.ndim - 1)), values, np.float32(else_))


def _blurs(generator: np.random.Generator, chips: int) -> NDArray[np.float32]:
    """Standard deviations, in pixels, that leave the detail of fewer pixels; (chips,)."""
    shares = _uniform(generator, COARSE, chips)
    return np.asarray(0.5 * np.sqrt(shares**-2 - 1), np.float32)


def _patches(generator: np.random.Generator, chips: int) -> NDArray[np.float32]:
    """Left, top, right, bottom as shares of the side, and red, green, blue; (chips, 7)."""
    sizes = _uniform(generator, PATCH, (chips, 2))
    corners = _uniform(generator, (0, 1), (chips, 2)) * (1 - sizes)
    colours = _uniform(generator, (0, 255), (chips, 3))
    return np.concatenate([corners, corners + sizes, colours], axis=1)
