"""The survey: one look at every photo file, and what it shows without knowing of faces."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.progress import track

from checkout_age.server.decoder import decode
from checkout_age.server.photo import PhotoError, Pixels
from checkout_age.training.dataset.split import hash_of

GREY_WITHIN = 16
"""Levels of 255 by which the channels of a grey photo may differ, for compression's sake."""
GREY_SHARE = 0.99
"""The share of a grey photo's pixels whose channels lie so close."""
EVERY = 2
"""Colour is looked for at every so many-th pixel across and down."""
MISSING = "missing"
COLUMNS = ("fault", "detail", "width", "height", "grey", "hash")


def survey(photos: Sequence[Path], console: Console) -> pd.DataFrame:
    """Decode each photo once, two at a time.

    Returns:
        A row a photo: `fault` (empty where it can be read), `detail` of the fault, `width` and
        `height` in pixels, `grey`, and `hash` (an integer as `split.hash_of` makes it).
    """
    with ThreadPoolExecutor(2) as readers:
        looks = readers.map(_look, photos)
        rows = list(track(looks, "photos", total=len(photos), console=console))
    table = pd.DataFrame([row[:-1] for row in rows], columns=list(COLUMNS[:-1]))
    return table.assign(hash=pd.Series([row[-1] for row in rows], dtype=object))


def is_grey(pixels: Pixels) -> bool:
    """Whether red, green and blue are equal or nearly so in all but a few pixels."""
    some = pixels[::EVERY, ::EVERY]
    spread = some.max(axis=2) - some.min(axis=2)
    return bool((spread <= GREY_WITHIN).mean() >= GREY_SHARE)


def _look(photo: Path) -> tuple[str, str, int, int, bool, int]:
    try:
        pixels = decode(photo.read_bytes()).pixels
    except FileNotFoundError:
        return (MISSING, "there is no such file", 0, 0, False, 0)
    except OSError as error:
        return ("closed", error.strerror or "cannot be opened", 0, 0, False, 0)
    except PhotoError as error:
        return (error.fault.value, str(error), 0, 0, False, 0)
    height, width, _ = pixels.shape
    return ("", "", width, height, is_grey(pixels), hash_of(pixels))
