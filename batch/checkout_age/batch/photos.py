"""The night's photos: files below one root, read only when their turn comes."""

from pathlib import Path


class PhotoRootError(ValueError):
    """There is no folder of photos; nothing was scored."""


class PhotoRoot:
    """A folder that photos are read from, and nothing outside it."""

    def __init__(self, folder: Path) -> None:
        """Raises PhotoRootError where there is no such folder."""
        if not folder.is_dir():
            raise PhotoRootError(f"there is no folder of photos at {folder}")
        self._folder = folder.resolve()

    def read(self, photo: str) -> bytes:
        """The photo's bytes.

        Raises:
            OSError: there is no such file below the root, or it cannot be read.
        """
        path = self._path(photo)
        try:
            return path.read_bytes()
        except OSError as error:
            raise type(error)(f"{photo} cannot be read: {error.strerror}") from error

    def size(self, photo: str) -> int:
        """The photo's size in bytes; raises as `read` does."""
        return self._path(photo).stat().st_size

    def _path(self, photo: str) -> Path:
        try:
            path = (self._folder / photo).resolve()
        except (RuntimeError, ValueError) as error:  # links in a circle, a NUL in the name
            raise FileNotFoundError(f"{photo!r} leads nowhere") from error
        if not path.is_relative_to(self._folder):
            raise FileNotFoundError(f"{photo} lies outside the folder of photos")
        if not path.is_file():
            raise FileNotFoundError(f"{photo} cannot be read: there is no such file")
        return path
