"""A photo file of the training set, read as the server reads photos."""

from pathlib import Path

from checkout_age.server.decoder import decode
from checkout_age.server.photo import PhotoError, Pixels


class FacesError(ValueError):
    """The folder is not a set of labelled faces as these commands read it."""


def read_photo(path: Path) -> Pixels:
    """Upright RGB pixels, shape (height, width, 3). Raises FacesError, naming the file."""
    try:
        return decode(path.read_bytes()).pixels
    except PhotoError as error:
        raise FacesError(f"{path}: {error}") from error
