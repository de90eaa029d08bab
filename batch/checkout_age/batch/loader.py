"""The loader: reads photos ahead of the server, a bounded number at once, in the plan's order."""

import errno
import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, TypeAlias

from checkout_age.batch.outcome import Outcome, Status
from checkout_age.batch.photos import (
    LargePhotoError,
    MissingPhotoError,
    PhotoOutsideRootError,
    PhotoRoot,
)
from checkout_age.batch.purchases import Purchase

PIECE = 8
"""Photos that one thread reads in one go."""
STORAGE_WAITS = (0.5, 2.0, 8.0, 20.0)
"""Seconds before each new try where the storage does not answer."""
ROOT_LOOKED_AT = 1.0
"""Seconds between two looks whether the folder is still there, while photos are missing."""
NOT_TRIED_AGAIN = (errno.EROFS, errno.ENOSPC, errno.EMFILE)


class StorageError(OSError):
    """The photos' storage does not answer; the night can be run again when it does."""


class LoadedPhoto(NamedTuple):
    """A photo to be sent."""

    purchase: Purchase
    photo: bytes
    sha256: str


class Unsent(NamedTuple):
    """A purchase that has its outcome without the server."""

    purchase: Purchase
    outcome: Outcome


Loaded: TypeAlias = LoadedPhoto | Unsent


class Loader:
    """Reads the photos of purchases with several threads."""

    def __init__(
        self,
        photos: PhotoRoot,
        max_photo_bytes: int,
        readers: int = 8,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._photos = photos
        self._max_photo_bytes = max_photo_bytes
        self._readers = readers
        self._pool = ThreadPoolExecutor(readers, "photos")
        self._wait = wait
        self._root_seen = time.monotonic()

    def ahead(self, pieces: Iterable[list[Purchase]]) -> Iterator[Loaded]:
        """The purchases in order, their photos read by the time they are drawn, if possible.

        At most `readers` pieces are read or waiting at any time.

        Raises:
            StorageError: the storage did not answer, not even after some waits.
            PhotoRootError: the folder of photos went away.
        """
        reading: deque[Future[list[Loaded]]] = deque()
        try:
            for piece in pieces:
                reading.append(self._pool.submit(self._load_all, piece))
                if len(reading) >= self._readers:
                    yield from reading.popleft().result()
            while reading:
                yield from reading.popleft().result()
        finally:
            for future in reading:
                future.cancel()

    def load(self, purchase: Purchase) -> Loaded:
        """The photo of one purchase, or why there is nothing to send."""
        if purchase.photo is None:
            return Unsent(purchase, Outcome(Status.NO_PHOTO, "the purchase names no photo"))
        try:
            photo = self._read(purchase.photo)
        except MissingPhotoError as error:
            self._require_root()
            return Unsent(purchase, Outcome(Status.MISSING_PHOTO, str(error)))
        except PhotoOutsideRootError as error:
            return Unsent(purchase, Outcome(Status.PHOTO_OUTSIDE_ROOT, str(error)))
        except LargePhotoError as error:
            return Unsent(purchase, Outcome(Status.PHOTO_TOO_LARGE, str(error)))
        return LoadedPhoto(purchase, photo, hashlib.sha256(photo).hexdigest())

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _load_all(self, piece: list[Purchase]) -> list[Loaded]:
        return [self.load(purchase) for purchase in piece]

    def _read(self, photo: str) -> bytes:
        for pause in (*STORAGE_WAITS, None):
            try:
                return self._photos.read(photo, self._max_photo_bytes)
            except OSError as error:
                if pause is None or error.errno in NOT_TRIED_AGAIN:
                    raise StorageError(f"the photo {photo} cannot be read: {error}") from error
                self._wait(pause)
        raise AssertionError("unreachable")

    def _require_root(self) -> None:
        """A photo is missing only where the folder of photos is still there."""
        if time.monotonic() - self._root_seen >= ROOT_LOOKED_AT:
            self._photos.require()
            self._root_seen = time.monotonic()
