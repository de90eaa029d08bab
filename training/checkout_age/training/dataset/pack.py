"""The pack: all photos of a split as chips, cut once as the server would cut them."""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from checkout_age.server import chip, face_finder
from checkout_age.server.face import FaceError
from checkout_age.server.face_finder import FaceFinder
from checkout_age.server.photo import PhotoError, Pixels
from checkout_age.server.quality import QualityLimits
from checkout_age.server.shopper import Acceptance, ShopperFinder
from checkout_age.training.dataset.faces import Faces
from checkout_age.training.dataset.photo_file import FacesError

CACHE = Path(".cache") / "packs"
ANY = Acceptance(quality=QualityLimits(width=0, sharpness=0, brightness=0))
"""A labelled photo teaches also where the server would not answer by it."""


@dataclass(frozen=True)
class Pack:
    """The chips of those photos in which a face was found."""

    chips: Pixels
    """Shape (n, side, side, 3), values 0 to 255."""
    rows: NDArray[np.int64]
    """Which photo each chip was cut from, shape (n,)."""


def pack(faces: Faces, side: int, title: str, cache: Path | None = CACHE) -> Pack:
    """Cut every photo's chip just as the server does; a second time, take it from the cache.

    Chips that come without their photos are scaled.

    Raises:
        FacesError: a photo cannot be read, or no photo shows a face.
    """
    if faces.chips is not None:
        return Pack(scaled(faces.chips, side), np.arange(len(faces)))
    photos = faces.photos
    stored = None if cache is None else cache / f"{_name(photos, side)}.npz"
    if stored is not None and stored.is_file():
        with np.load(stored) as arrays:
            return Pack(arrays["chips"], arrays["rows"])
    finder = ShopperFinder(FaceFinder(), side, ANY)

    def cut(photo: Path) -> Pixels | None:
        try:
            return finder.find(photo.read_bytes()).chip
        except PhotoError as error:
            raise FacesError(f"{photo}: {error}") from error
        except FaceError:
            return None

    with ThreadPoolExecutor(2) as readers:
        cuts = list(track(readers.map(cut, photos), title, total=len(photos)))
    rows = [row for row, each in enumerate(cuts) if each is not None]
    if not rows:
        raise FacesError(f"no face was found in any of the {len(photos)} {title}")
    found = Pack(np.stack([each for each in cuts if each is not None]), np.array(rows, np.int64))
    if stored is not None:
        stored.parent.mkdir(parents=True, exist_ok=True)
        written = stored.with_name(f"new-{os.getpid()}-{stored.name}")  # another run may cut, too
        np.savez(written, chips=found.chips, rows=found.rows)
        written.replace(stored)
    return found


def scaled(chips: Pixels, side: int) -> Pixels:
    """Chips that come to so many pixels a side, shape (n, side, side, 3)."""
    if chips.shape[1] == side:
        return chips
    way = cv2.INTER_AREA if side < chips.shape[1] else cv2.INTER_LINEAR
    scaled = [cv2.resize(each, (side, side), interpolation=way) for each in chips]
    return np.asarray(np.stack(scaled), np.uint8)


def _name(photos: Sequence[Path], side: int) -> str:
    """Tells photos, how their chips are cut and of what side from all others."""
    digest = hashlib.sha256(f"{face_finder.DEFINITION} {chip.DEFINITION} {side}\n".encode())
    for photo in photos:
        stat = photo.stat()
        digest.update(f"{photo.resolve()} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]
