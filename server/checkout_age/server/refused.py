"""Refused versions: what the canary has found against them, kept beside them over a restart.

models/NAME/refused    a line for each: VERSION REASON
"""

import logging
from dataclasses import dataclass
from pathlib import Path

from checkout_age.server.bundle import BundleError

logger = logging.getLogger(__name__)

FILE = "refused"


@dataclass(frozen=True)
class Refused:
    """The versions of one model that are not served unless somebody asks for them by name."""

    folder: Path
    """models/NAME."""

    @property
    def file(self) -> Path:
        """Where they stand; a line taken out lets its version be tried again."""
        return self.folder / FILE

    def all(self) -> dict[str, str]:
        """The reasons by version.

        Raises:
            BundleError: the file is there and cannot be read.
        """
        try:
            lines = self.file.read_text("utf-8").splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, UnicodeDecodeError) as error:
            raise BundleError(f"{self.file} cannot be read: {error}") from error
        parted = (line.strip().partition(" ") for line in lines)
        return {version: reason for version, _, reason in parted if version}

    def add(self, version: str, reason: str) -> None:
        """Keep a version from being served at the next start; where that fails, it is logged."""
        self._write(version, " ".join(reason.split()))

    def remove(self, version: str) -> None:
        """It has been served after all."""
        self._write(version, None)

    def _write(self, version: str, reason: str | None) -> None:
        written = self.file.with_name(f"{FILE}.new")
        try:
            told = self.all()
            if told.pop(version, None) is None and reason is None:
                return
            if reason is not None:
                told[version] = reason
            written.write_text("".join(f"{name} {why}\n" for name, why in told.items()), "utf-8")
            written.replace(self.file)
        except (OSError, BundleError) as error:
            logger.warning("what the next start is to know of %s is not kept: %s", version, error)
