"""A photo as it was sent: its limits, and what can be wrong with it."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FIRST_BYTES = {
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "WEBP": re.compile(rb"RIFF....WEBP", re.DOTALL),
}
"""The formats that are read, and how a file of each begins."""

Pixels: TypeAlias = NDArray[np.uint8]
"""Upright RGB, shape (height, width, 3), values 0 to 255."""


@dataclass(frozen=True, eq=False)
class Photo:
    """A decoded photo."""

    pixels: Pixels
    reduction: int = 1
    """Each pixel stands for so many of the file's, across and down; 1 where all were decoded."""


class PhotoFault(Enum):
    """What is wrong with the bytes that were sent as a photo."""

    EMPTY = "empty"
    TOO_LARGE = "too large"
    NOT_A_PHOTO = "not a photo"
    DAMAGED = "damaged"


class PhotoError(ValueError):
    """The sender's photo cannot be read; sending the same bytes again will not help."""

    def __init__(self, fault: PhotoFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


def damaged(photo: bytes) -> PhotoError:
    """The error for bytes that begin as a photo but cannot be read as one."""
    name = file_format(photo) or "unknown"
    return PhotoError(
        PhotoFault.DAMAGED, f"the {name} photo of {len(photo)} bytes is damaged or cut short"
    )


def file_format(photo: bytes) -> str | None:
    """JPEG, PNG or WEBP by how the bytes begin; None for anything else."""
    for name, beginning in FIRST_BYTES.items():
        if beginning.match(photo):
            return name
    return None


@dataclass(frozen=True)
class PhotoLimits:
    """The largest photo that is read; both limits are checked before any pixel is decoded."""

    max_bytes: int = 8 * 2**20
    max_pixels: int = 50_000_000

    def __post_init__(self) -> None:
        for name in ("max_bytes", "max_pixels"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")


DEFAULT_LIMITS = PhotoLimits()
