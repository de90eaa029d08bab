"""Decoding: bytes in, upright RGB pixels out, or a PhotoError."""

from io import BytesIO

import numpy as np
import simplejpeg
from PIL import Image

from checkout_age.server.photo import (
    DEFAULT_LIMITS,
    FIRST_BYTES,
    Photo,
    PhotoError,
    PhotoFault,
    PhotoLimits,
    Pixels,
    damaged,
    file_format,
)

ORIENTATION = 0x0112
"""The EXIF tag that tells how the camera was held."""
TURNS = {1: (0, False), 2: (0, True), 3: (2, False), 4: (2, True)} | {
    5: (3, True),
    6: (3, False),
    7: (1, True),
    8: (1, False),
}
"""For each value of the tag: quarter turns to the left, then whether left and right change."""
DEEP = ("I;16", "I;16B", "I;16L", "I")
"""Pillow's modes for one channel of 16 bits."""
LARGEST_REDUCTION = 8


def decode(photo: bytes, limits: PhotoLimits = DEFAULT_LIMITS, enough: int | None = None) -> Photo:
    """Read a JPEG, PNG or WebP into upright RGB pixels.

    The EXIF orientation is applied, greyscale and CMYK are converted, and transparent
    parts are shown on white, as a browser would on an empty page. Colour profiles are not
    looked at.

    Args:
        photo: the file's bytes.
        limits: checked on the header, before memory is taken.
        enough: pixels of the longer side that suffice. A JPEG is then decoded at 1/2, 1/4 or
            1/8 of its size, as long as it keeps so many; None decodes all pixels.

    Raises:
        PhotoError: the bytes are empty, over a limit, no photo, or break off early.
    """
    image = _opened(photo, limits)
    try:
        if file_format(photo) == "JPEG" and image.mode in ("RGB", "L"):
            reduction = _reduction(max(image.size), enough)
            pixels = _jpeg(photo, image, reduction)
            if pixels is not None:
                return Photo(_upright(pixels, image), reduction)
        image.load()
        return Photo(_upright(_rgb(image), image))
    except MemoryError:
        raise  # ours, not the photo's
    except Exception as error:  # a damaged file makes codecs raise nearly anything
        raise damaged(photo) from error


def _opened(photo: bytes, limits: PhotoLimits) -> Image.Image:
    """The photo with its header read and found within the limits, no pixel decoded."""
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
        if file_format(photo):
            raise damaged(photo) from error
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


def _reduction(longer: int, enough: int | None) -> int:
    reduction = 1
    while enough and reduction < LARGEST_REDUCTION and longer >= 2 * reduction * enough:
        reduction *= 2
    return reduction


def _jpeg(photo: bytes, image: Image.Image, reduction: int) -> Pixels | None:
    """The pixels as stored, or None where the file is odd enough for Pillow to judge it."""
    try:
        return np.asarray(
            simplejpeg.decode_jpeg(
                photo,
                "RGB",
                min_height=-(-image.height // reduction),
                min_width=-(-image.width // reduction),
                min_factor=1,
            )
        )
    except ValueError:
        return None


def _upright(pixels: Pixels, image: Image.Image) -> Pixels:
    turns, mirrored = TURNS.get(_orientation(image), (0, False))
    turned = np.rot90(pixels, turns)
    return np.ascontiguousarray(turned[:, ::-1] if mirrored else turned)


def _orientation(image: Image.Image) -> int:
    """The tag's value; 1, upright, where the camera wrote nothing that can be read."""
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except MemoryError:
        raise
    except Exception:  # a damaged tag does not make the picture unreadable
        return 1


def _rgb(image: Image.Image) -> Pixels:
    """What Pillow decoded, as it would be shown on white."""
    if image.mode in DEEP:
        return np.repeat((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8)[..., None], 3, 2)
    if not image.has_transparency_data:
        return np.asarray(image.convert("RGB"))
    with_alpha = image.convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(with_alpha, mask=with_alpha)
    return np.asarray(white)
