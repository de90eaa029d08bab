"""A place: a folder or file on any file system that pyarrow speaks, with writes that are whole."""

import os
import posixpath
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pafs

CREDENTIALS = re.compile(r"(?<=://)[^/@]*@")


class PlaceError(ValueError):
    """The URI names no file system that can be used."""


@dataclass(frozen=True)
class Place:
    """A path on a file system; `shown` is how people name it, without credentials."""

    filesystem: pafs.FileSystem
    path: str
    shown: str

    @classmethod
    def of(cls, given: "str | Path | Place") -> "Place":
        """From a path of this machine or a URI such as `s3://bucket/folder?region=eu-central-1`.

        Raises:
            PlaceError: there is no such file system, or the URI cannot be read.
        """
        if isinstance(given, Place):
            return given
        text = str(given)
        if "://" not in text:
            return cls(pafs.LocalFileSystem(), os.path.abspath(text), text)
        shown = CREDENTIALS.sub("", text).partition("?")[0]
        try:
            filesystem, path = pafs.FileSystem.from_uri(text)
        except (ValueError, OSError) as error:
            raise PlaceError(f"{shown} names no place that can be used: {error}") from error
        return cls(filesystem, path, shown)

    def __truediv__(self, name: str) -> "Place":
        joined = posixpath.join(self.path, name)
        return Place(self.filesystem, joined, posixpath.join(self.shown, name))

    @property
    def local(self) -> Path | None:
        """The path on this machine; None where the place is elsewhere."""
        return Path(self.path) if isinstance(self.filesystem, pafs.LocalFileSystem) else None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return posixpath.basename(self.path)

    def info(self) -> pafs.FileInfo:
        """What is there. Raises OSError where the file system does not answer."""
        return self.filesystem.get_file_info(self.path)

    def exists(self) -> bool:
        """Whether a file or folder is there."""
        return bool(self.info().type != pafs.FileType.NotFound)

    def is_folder(self) -> bool:
        """Whether it is a folder, or a prefix that objects lie below."""
        return bool(self.info().type == pafs.FileType.Directory)

    def children(self, *, recursive: bool = False) -> list["Place"]:
        """What lies in the folder, sorted by path; nothing where it is absent."""
        selector = pafs.FileSelector(self.path, recursive=recursive, allow_not_found=True)
        return [
            Place(self.filesystem, info.path, self.shown + info.path.removeprefix(self.path))
            for info in sorted(self.filesystem.get_file_info(selector), key=lambda i: str(i.path))
            if recursive is False or info.type == pafs.FileType.File
        ]

    def read_bytes(self) -> bytes:
        """The file's bytes."""
        with self.filesystem.open_input_stream(self.path) as file:
            return bytes(file.read())

    def delete(self) -> None:
        """Remove the file or the folder with all in it; nothing where it is absent."""
        kind = self.info().type
        if kind == pafs.FileType.Directory:
            self.filesystem.delete_dir(self.path)
        elif kind == pafs.FileType.File:
            with suppress(FileNotFoundError):
                self.filesystem.delete_file(self.path)


def write_whole(target: Place, staging: Place, data: bytes) -> None:
    """Make small content appear at a place at once, durably.

    Raises:
        OSError: it could not be written; what was at the place before is still there.
    """
    if target.local is None:  # one request, seen only when it has succeeded
        with target.filesystem.open_output_stream(target.path) as file:
            file.write(data)
        return
    with staged(target, staging) as path, open(path, "wb") as file:  # noqa: PTH123  # a str
        file.write(data)


@contextmanager
def staged(target: Place, staging: Place) -> Iterator[str]:
    """A path to write; what the block wrote there is at the target, durably, once it ends well.

    The file appears at once, in place of an older one. Where the block fails, or the process dies,
    the target stays as it was.
    """
    filesystem = target.filesystem
    written = staging / f"{uuid.uuid4().hex}.part"
    if target.local is not None:
        Path(written.path).parent.mkdir(parents=True, exist_ok=True)
        target.local.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield written.path
        _sync(written)
        filesystem.move(written.path, target.path)
        _sync(target, of_folder=True)
    except BaseException:
        with suppress(OSError):
            written.delete()
        raise


def _sync(place: Place, *, of_folder: bool = False) -> None:
    """Have the disk keep what was written; other file systems keep what they have taken."""
    if place.local is None:
        return
    descriptor = os.open(place.local.parent if of_folder else place.local, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def from_storage(call: Callable[[], object]) -> None:
    """Call, and turn what pyarrow raises for a place that is full or gone into OSError."""
    try:
        call()
    except pa.ArrowException as error:
        raise OSError(str(error)) from error
