"""Reread: what a file says, read again when the file changes."""

import logging
import math
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")
LOOKS = 1.0
"""Seconds between two looks at a file."""
REMINDS = 60.0
"""Seconds after which the log says again that a file cannot be used."""


class Reread(Generic[T]):
    """A value read from files; where a change cannot be read, the old value goes on.

    The log says so at once and each minute until it is mended, as long as the value is asked for.
    """

    def __init__(
        self,
        *files: Path,
        read: Callable[..., T],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read the files, which `read` takes as its arguments; its errors pass on.

        Args:
            files: looked at for a change of size, time or place.
            read: makes the value; raises ValueError or OSError where it cannot.
            clock: tells the seconds.
        """
        self._files, self._read, self._clock = files, read, clock
        self._lock = Lock()
        self._seen = self._look()
        self._value = read(*files)
        self._next = clock() + LOOKS
        self._remind = math.inf
        """When to say again that the files cannot be used; never where they can."""

    def value(self) -> T:
        """The present value; safe to call from several threads."""
        if self._clock() >= self._next and self._lock.acquire(blocking=False):
            try:
                self._next = self._clock() + LOOKS
                self._renew()
            finally:
                self._lock.release()
        return self._value

    def _renew(self) -> None:
        before, self._seen = self._seen, self._look()
        changed = self._seen != before
        if not changed and self._remind == math.inf:
            return
        names = ", ".join(map(str, self._files))
        try:
            self._value = self._read(*self._files)
        except (ValueError, OSError) as error:
            if changed or self._clock() >= self._remind:
                self._remind = self._clock() + REMINDS
                logger.error(
                    "%s changed but cannot be used, what it said before goes on: %s", names, error
                )
        else:
            self._remind = math.inf
            logger.info("read %s again", names)

    def _look(self) -> tuple[object, ...]:
        return tuple(_state(file) for file in self._files)


def _state(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
