"""Versions: which of the models in a folder is to be served.

models/NAME/VERSION/bundle.json ...   any number of versions side by side
models/NAME/serve                     the version to serve, if it is to be another than the newest
models/NAME/refused                   versions that the canary refused, see refused.py
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from checkout_age.server.bundle import FACTS, BundleError
from checkout_age.server.refused import Refused

PIN = "serve"


class NoSuchVersionError(BundleError):
    """The models folder holds no version of that name."""


Fingerprint: TypeAlias = tuple[tuple[str, int, int], ...]
"""Of each file: its name, when it was written, its size."""


@dataclass(frozen=True)
class Versions:
    """The versions of one model."""

    folder: Path
    """models/NAME."""
    only: Path | None = None
    """The one that the operator named; no other is served unless a call names it."""

    @classmethod
    def within(cls, named: Path) -> "Versions":
        """Of a model named as models/NAME, or as models/NAME/VERSION."""
        if (named / FACTS).is_file():
            return cls(named.resolve().parent, named)
        return cls(named)

    def wanted(self) -> tuple[Path, ...]:
        """The folders that may be served, the best first: the pinned one alone, else the newest.

        Those that the canary refused are none of them, unless all are.

        Raises:
            BundleError: there is none, or the folder cannot be read.
        """
        if self.only is not None:
            return (self.only,)
        pinned = self.pinned
        if pinned is not None:
            return (self.named(pinned),)
        return self.newest()

    def newest(self) -> tuple[Path, ...]:
        """The same, whatever is pinned."""
        found = self.all()
        if not found:
            raise BundleError(
                f"there is no model in {self.folder}; name a folder as models/NAME/VERSION"
            )
        refused = self.refused.all()
        return tuple(folder for folder in found if folder.name not in refused) or found

    @property
    def refused(self) -> Refused:
        """Those that the canary refused."""
        return Refused(self.folder)

    def all(self) -> tuple[Path, ...]:
        """The folders of all versions, the newest first, by when their last file was written."""
        dated = [
            ((folder / FACTS).stat().st_mtime_ns, folder.name, folder)
            for folder in self.folder.glob("*")
            if (folder / FACTS).is_file()
        ]
        return tuple(folder for _, _, folder in sorted(dated, reverse=True))

    def named(self, version: str) -> Path:
        """The folder of a version.

        Raises:
            NoSuchVersionError: there is none of that name.
        """
        for folder in self.all():
            if folder.name == version:
                return folder
        known = ", ".join(folder.name for folder in self.all()) or "none"
        raise NoSuchVersionError(f"{self.folder} has no version {version!r}; there are: {known}")

    @property
    def pinned(self) -> str | None:
        """The version that the file `serve` names; None where there is no such file.

        Raises:
            BundleError: the file is there and cannot be read.
        """
        file = self.folder / PIN
        try:
            return file.read_text("utf-8").strip() or None
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise BundleError(f"{file} cannot be read, it names a version: {error}") from error

    def require_pinnable(self) -> None:
        """Raise OSError where no version could be pinned."""
        written = self._new_pin
        written.write_text("")
        written.unlink()

    def pin(self, version: str | None) -> None:
        """Have a version served until further notice; None: the newest. Raises OSError."""
        if version is None:
            (self.folder / PIN).unlink(missing_ok=True)
            return
        self._new_pin.write_text(version + "\n", "utf-8")
        self._new_pin.replace(self.folder / PIN)

    @property
    def _new_pin(self) -> Path:
        return self.folder / f"{PIN}.new"


def fingerprint(folder: Path) -> Fingerprint:
    """What changes when a file of a folder does."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    stats = [(path.name, path.stat()) for path in files]
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)
