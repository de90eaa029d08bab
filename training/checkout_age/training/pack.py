"""The pack: all photos of a split as chips, cut once as the server would cut them."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from checkout_age.server import chip
from checkout_age.server.chip import cut_chip
from checkout_age.server.face_finder import FaceFinder
from checkout_age.server.photo import Pixels
from checkout_age.training.photo_file import FacesError, read_photo

CACHE = Path(".cache") / "packs"


@dataclass(frozen=True)
class Pack:
    """The chips of those photos in which a face was found."""

    chips: Pixels
    """Shape (n, side, side, 3), values 0 to 255."""
    rows: NDArray[np.int64]
    """Which photo each chip was cut from, shape (n,)."""


def pack(photos: Sequence[Path], side: int, title: str, cache: Path | None = CACHE) -> Pack:
    """Decode every photo, find its likeliest face and cut the chip; a second time, from the cache.

    Raises:
        FacesError: a photo cannot be read, or no photo shows a face.
    """
    stored = None if cache is None else cache / f"{_name(photos, side)}.npz"
    if stored is not None and stored.is_file():
        with np.load(stored) as arrays:
            return Pack(arrays["chips"], arrays["rows"])
    finder = FaceFinder()

    def cut(photo: Path) -> Pixels | None:
        pixels = read_photo(photo)
        faces, _ = finder.find(pixels)
        return cut_chip(pixels, faces[0], side) if faces else None

    with ThreadPoolExecutor(2) as readers:
        cuts = list(track(readers.map(cut, photos), title, total=len(photos)))
    rows = [row for row, each in enumerate(cuts) if each is not None]
    if not rows:
        raise FacesError(f"no face was found in any of the {len(photos)} {title}")
    found = Pack(np.stack([each for each in cuts if each is not None]), np.array(rows, np.int64))
    if stored is not None:
        stored.parent.mkdir(parents=True, exist_ok=True)
        written = stored.with_name(f"new-{stored.name}")
        np.savez(written, chips=found.chips, rows=found.rows)
        written.replace(stored)
    return found


def _name(photos: Sequence[Path], side: int) -> str:
    """Tells photos, chip definition and side from all others."""
    digest = hashlib.sha256(f"{chip.DEFINITION} {side}\n".encode())
    for photo in photos:
        stat = photo.stat()
        digest.update(f"{photo.resolve()} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]
