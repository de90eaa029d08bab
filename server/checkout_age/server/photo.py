"""A photo as it was sent: bytes in, upright RGB pixels out, or a reason why not."""

import re
from dataclasses import dataclass
from enum import Enum
from io import BytesIO
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

FIRST_BYTES = {
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "WEBP": re.compile(rb"RIFF....WEBP", re.DOTALL),
}
"""The formats that are read, and how a file of each begins."""

Pixels: TypeAlias = NDArray[np.uint8]
"""Upright RGB, shape (height, width, 3), values 0 to 255."""


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


def decode(photo: bytes, limits: PhotoLimits = DEFAULT_LIMITS) -> Pixels:
    """Read a JPEG, PNG or WebP into upright RGB pixels of shape (height, width, 3).

    The EXIF orientation is applied, greyscale and CMYK are converted, and transparent
    parts are shown on white, as a browser would on an empty page.

    Raises:
        PhotoError: the bytes are empty, over a limit, no photo, or break off early.
    """
    image = _open(photo, limits)
    try:
        upright = ImageOps.exif_transpose(image)
        return np.asarray(_on_white(upright).convert("RGB"))
    except MemoryError:
        raise  # ours, not the photo's
    except Exception as error:  # a damaged file makes Pillow's codecs raise nearly anything
        raise _damaged(photo, str(image.format)) from error


def _open(photo: bytes, limits: PhotoLimits) -> Image.Image:
    if not photo:
        raise PhotoError(PhotoFault.EMPTY, "the photo is empty: 0 bytes were sent")
    if len(photo) > limits.max_bytes:
        raise PhotoError(
            PhotoFault.TOO_LARGE,
            f"the photo has {len(photo)} bytes, the limit is {limits.max_bytes}",
        )
    try:
        image = Image.open(BytesIO(photo), formats=tuple(FIRST_BYTES))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PhotoError(
            PhotoFault.TOO_LARGE, f"the photo has more than {limits.max_pixels} pixels"
        ) from error
    except MemoryError:
        raise
    except Exception as error:  # an unreadable header makes Pillow raise nearly anything
        for name, beginning in FIRST_BYTES.items():
            if beginning.match(photo):
                raise _damaged(photo, name) from error
        raise PhotoError(
            PhotoFault.NOT_A_PHOTO,
            f"the {len(photo)} bytes are no photo: expected JPEG, PNG or WebP",
        ) from error
    if image.width * image.height > limits.max_pixels:
        raise PhotoError(
            PhotoFault.TOO_LARGE,
            f"the photo has {image.width} x {image.height} pixels, "
            f"the limit is {limits.max_pixels} in all",
        )
    return image


def _damaged(photo: bytes, file_format: str) -> PhotoError:
    return PhotoError(
        PhotoFault.DAMAGED,
        f"the {file_format} photo of {len(photo)} bytes is damaged or cut short",
    )


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image
    with_alpha = image.convert("RGBA")
    white = Image.new("RGBA", with_alpha.size, "white")
    return Image.alpha_composite(white, with_alpha)
