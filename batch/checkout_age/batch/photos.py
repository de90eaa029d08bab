"""The night's photos: files below one root, read only when their turn comes."""

import errno
import os
import posixpath
import stat
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pafs

from checkout_age.batch.place import Place

GONE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EINVAL)
CLOSED = (errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENXIO)


class PhotoRootError(ValueError):
    """There is no folder of photos; nothing more was scored."""


class PhotoError(Exception):
    """This photo cannot be had, whoever asks; the message says why."""


class MissingPhotoError(PhotoError):
    """There is no such file, or it may not be opened."""


class PhotoOutsideRootError(PhotoError):
    """The path leads out of the root."""


class LargePhotoError(PhotoError):
    """The photo is over the limit that was given."""


class PhotoRoot:
    """A folder that photos are read from, and nothing outside it, on any file system.

    Every call raises MissingPhotoError or PhotoOutsideRootError where the photo cannot be had, and
    OSError where the storage does not answer, which another try may mend.
    """

    def __init__(self, folder: Place) -> None:
        """Raises PhotoRootError where there is no such folder."""
        self.folder = folder
        self.require()
        local = folder.local
        self._local = None if local is None else os.path.realpath(local)
        self._real_folder = lru_cache(4096)(os.path.realpath)

    def require(self) -> None:
        """Raise PhotoRootError where the folder is not there (any more)."""
        try:
            there = self.folder.is_folder()
        except OSError as error:
            raise PhotoRootError(
                f"the folder of photos at {self.folder.shown} cannot be reached: {error}"
            ) from error
        if not there:
            raise PhotoRootError(f"there is no folder of photos at {self.folder.shown}")

    def read(self, photo: str, at_most: int | None = None) -> bytes:
        """The photo's bytes. Raises LargePhotoError where there are more than `at_most`."""
        if self._local is None:
            return self._read_remote(photo, at_most)
        descriptor = self._open(photo)
        with open(descriptor, "rb", buffering=0) as file:  # noqa: PTH123  # a descriptor
            size = os.fstat(descriptor).st_size
            _require_at_most(size, at_most)
            return file.readall()

    def has(self, photo: str) -> bool:
        """Whether the photo could be read."""
        try:
            if self._local is None:
                self._remote(photo)
            else:
                os.close(self._open(photo))
        except PhotoError:
            return False
        return True

    def delete(self, photo: str) -> None:
        """Remove the photo itself; a link is removed, not what it leads to."""
        if self._local is None:
            self.folder.filesystem.delete_file(self._remote(photo))
        else:
            os.close(self._open(photo))
            Path(self._local, photo).unlink()

    def _open(self, photo: str) -> int:
        """A descriptor of a local photo that lies below the root, links followed."""
        assert self._local is not None
        path = _joined(self._local, photo)
        folder = self._real_folder(posixpath.dirname(path))
        self._require_inside(folder + "/", photo)
        path = posixpath.join(folder, posixpath.basename(path))
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW
        try:
            try:
                descriptor = os.open(path, flags)
            except OSError as error:
                if error.errno != errno.ELOOP:
                    raise
                real = os.path.realpath(path)
                self._require_inside(real, photo)
                descriptor = os.open(real, flags)
        except OSError as error:
            raise _told(photo, error) from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise MissingPhotoError(f"{photo} cannot be read: it is no file")
        return descriptor

    def _require_inside(self, real: str, photo: str) -> None:
        assert self._local is not None
        if not real.startswith(self._local.rstrip("/") + "/"):
            raise PhotoOutsideRootError(f"{photo} lies outside the folder of photos")

    def _read_remote(self, photo: str, at_most: int | None) -> bytes:
        path = self._below(photo)
        try:
            with self.folder.filesystem.open_input_file(path) as file:
                _require_at_most(file.size(), at_most)
                return bytes(file.read())
        except FileNotFoundError as error:
            raise MissingPhotoError(f"{photo} cannot be read: there is no such file") from error
        except pa.ArrowException as error:
            raise OSError(f"{photo} cannot be read: {error}") from error

    def _remote(self, photo: str) -> str:
        path = self._below(photo)
        if self.folder.filesystem.get_file_info(path).type != pafs.FileType.File:
            raise MissingPhotoError(f"{photo} cannot be read: there is no such file")
        return path

    def _below(self, photo: str) -> str:
        path = _joined(self.folder.path, photo)
        if not path.startswith(self.folder.path.rstrip("/") + "/"):
            raise PhotoOutsideRootError(f"{photo} lies outside the folder of photos")
        return path


def _joined(root: str, photo: str) -> str:
    if "\0" in photo:
        raise MissingPhotoError(f"{photo!r} leads nowhere")
    return posixpath.normpath(posixpath.join(root, photo))


def _require_at_most(size: int, at_most: int | None) -> None:
    if at_most is not None and size > at_most:
        raise LargePhotoError(f"the photo has {size} bytes, the server reads {at_most}")


def _told(photo: str, error: OSError) -> Exception:
    if error.errno in GONE:
        return MissingPhotoError(f"{photo} cannot be read: there is no such file")
    if error.errno == errno.ELOOP:
        return MissingPhotoError(f"{photo!r} leads nowhere")
    if error.errno in CLOSED:
        return MissingPhotoError(f"{photo} cannot be read: {error.strerror}")
    return error


def photo_root(folder: str | Path | Place) -> PhotoRoot:
    """The root at a path or URI. Raises PhotoRootError or PlaceError."""
    return PhotoRoot(Place.of(folder))
