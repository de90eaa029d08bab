"""What a checkout camera might have seen instead: a chip cropped, mirrored, lit another way."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from checkout_age.server.photo import Pixels

LUMA: NDArray[np.float32] = np.array([[0.299], [0.587], [0.114]], np.float32)
"""How much each of R, G, B adds to brightness (ITU-R BT.601), shape (3, 1)."""
MIRRORED = 0.5


@dataclass(frozen=True)
class Augmentation:
    """How far a training chip may differ from the photo it was cut from."""

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
    dimmed: float = 0.0
    """The share of chips in little light: 0.3 to 0.8 of their brightness and contrast."""
    coarse: float = 0.0
    """The share of chips as from a far or blurred face: 0.4 to 0.9 of their pixels a side."""
    grey: float = 0.1
    """The share of chips that lose their colour."""
    erased: float = 0.0
    """The share of chips that lose a patch (random erasing, Zhong et al. 2017)."""

    def apply(self, chip: Pixels, side: int, generator: np.random.Generator) -> Pixels:
        """One variant of the chip, shape (side, side, 3), drawn by the generator."""
        cropped = self._cropped(chip, side, generator)
        if generator.random() < self.coarse:
            cropped = _coarsened(cropped, generator)
        varied = self._recoloured(cropped, generator)
        if generator.random() < self.erased:
            _erase(varied, generator)
        return varied

    def _cropped(self, chip: Pixels, side: int, generator: np.random.Generator) -> Pixels:
        full = chip.shape[0]
        turned = math.sin(math.radians(self.rotation)) / 2  # corners come in from beyond the chip
        beyond = math.ceil(((self.largest_crop - 1) / 2 + self.shift + turned) * full)
        drawn_out = np.pad(chip, ((beyond, beyond), (beyond, beyond), (0, 0)), mode="edge")
        image = Image.fromarray(drawn_out)
        if self.rotation:
            angle = generator.uniform(-self.rotation, self.rotation)
            image = image.rotate(angle, Image.Resampling.BILINEAR)
        width, height = generator.uniform(self.smallest_crop, self.largest_crop, 2) * full
        shift = generator.uniform(-self.shift, self.shift, 2) * full
        x, y = np.clip(full / 2 + beyond + shift, (width / 2, height / 2), None)
        right, bottom = np.minimum((x + width / 2, y + height / 2), full + 2 * beyond)
        scaled = image.resize(
            (side, side),
            Image.Resampling.BILINEAR,
            box=(x - width / 2, y - height / 2, float(right), float(bottom)),
        )
        pixels = np.asarray(scaled)
        return pixels[:, ::-1] if generator.random() < MIRRORED else pixels

    def _recoloured(self, chip: Pixels, generator: np.random.Generator) -> Pixels:
        brightness, contrast = 1 + generator.uniform(-self.light, self.light, 2)
        if generator.random() < self.dimmed:
            dimmed = generator.uniform(0.3, 0.8)
            brightness, contrast = brightness * dimmed, contrast * dimmed
        levels: NDArray[np.float32] = chip.astype(np.float32)
        if generator.random() < self.grey:
            levels = np.repeat(levels @ LUMA, 3, axis=2)
        middle = levels.mean()
        levels = (levels - middle) * np.float32(contrast) + middle * np.float32(brightness)
        return np.clip(levels, 0, 255).astype(np.uint8)


def _coarsened(chip: Pixels, generator: np.random.Generator) -> Pixels:
    side = chip.shape[0]
    fewer = max(round(side * generator.uniform(0.4, 0.9)), 1)
    small = Image.fromarray(chip).resize((fewer, fewer), Image.Resampling.BOX)
    return np.asarray(small.resize((side, side), Image.Resampling.BILINEAR))


def _erase(chip: Pixels, generator: np.random.Generator) -> None:
    side = chip.shape[0]
    height, width = (generator.uniform(0.1, 0.35, 2) * side).astype(int)
    top, left = generator.integers(0, side - height), generator.integers(0, side - width)
    chip[top : top + height, left : left + width] = generator.integers(0, 256, 3)
