"""The drain: the calls that run, and the end of letting new ones in."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class DrainingError(RuntimeError):
    """The server is stopping; another one, or this one started anew, will answer."""


class Drain:
    """Counts the calls that run. Used on one event loop."""

    def __init__(self) -> None:
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.draining = False
        self.hand_over = asyncio.Event()
        """Set when streams are to take no more photos and to end once theirs are answered."""
        self.let_go = asyncio.Event()
        """Set when streams are to end at once."""

    @contextmanager
    def call(self) -> Iterator[None]:
        """One call runs.

        Raises:
            DrainingError: no new ones are let in any more.
        """
        if self.draining:
            raise DrainingError("the server is stopping, ask again elsewhere or in a few seconds")
        self._running += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    def begin(self) -> None:
        """Let no new call in from now on."""
        self.draining = True

    async def idle(self, seconds: float) -> bool:
        """Wait until no call runs, so long at most; tell whether none does."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True
