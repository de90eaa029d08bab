"""A pool: things that serve one thread at a time, made when none is idle, up to a number."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, LifoQueue
from typing import Generic, TypeVar

logger = logging.getLogger(__name__)

Thing = TypeVar("Thing")


class Pool(Generic[Thing]):
    """Whoever finds none idle makes another, or waits where there are as many as there may be."""

    def __init__(self, make: Callable[[], Thing], most: int) -> None:
        """Nothing is made yet; `make` is never called by two threads at once."""
        self._make, self._most = make, most
        self._made = 0
        self._making = threading.Lock()
        self._idle: LifoQueue[Thing] = LifoQueue()

    def prepare(self, count: int) -> None:
        """Make so many, as far as there may be so many.

        Raises whatever making the first one raises. Where another cannot be made, for want of
        memory perhaps, that is logged, and there are no more from then on.
        """
        while self._made < min(count, self._most):
            with self._making:
                if self._made < min(count, self._most):
                    self._add()

    @contextmanager
    def one(self) -> Iterator[Thing]:
        """One that nobody else uses meanwhile."""
        if self._idle.empty():
            self._make_another()
        thing = self._idle.get()
        try:
            yield thing
        finally:
            self._idle.put(thing)

    @contextmanager
    def idle_one(self) -> Iterator[Thing | None]:
        """One that nobody else uses meanwhile, or None where none is made and idle."""
        try:
            thing = self._idle.get_nowait()
        except Empty:
            yield None
            return
        try:
            yield thing
        finally:
            self._idle.put(thing)

    @property
    def made(self) -> int:
        """How many there are, idle or not."""
        return self._made

    def _make_another(self) -> None:
        """Unless somebody makes one just now: then that one or another is idle sooner."""
        if self._making.acquire(blocking=self._made == 0):
            try:
                if self._idle.empty() and self._made < self._most:
                    self._add()
            finally:
                self._making.release()

    def _add(self) -> None:
        try:
            self._idle.put(self._make())
        except Exception:
            if not self._made:
                raise
            logger.exception("no more than %d can be made, threads take turns", self._made)
            self._most = self._made
        else:
            self._made += 1
