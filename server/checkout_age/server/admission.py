"""Admission: what is let in, so that everything let in is answered in time."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager

from checkout_age.server.pace import Pace

MARGIN = 0.75
"""A photo is let in that is expected within this share of the time it has: what was expected of
those before it can be wrong, and an answer after the deadline is work for nothing."""
LONGEST_HINT = 30.0


class OverloadedError(RuntimeError):
    """The server is full; asking again after `retry_after` seconds will help."""

    def __init__(self, message: str, retry_after: float) -> None:
        # not all who are told so at once shall come back at once
        self.retry_after = min(LONGEST_HINT, retry_after * random.uniform(1.0, 1.5))  # noqa: S311
        super().__init__(f"{message}; try again in {self.retry_after:.2f} s")


class Admission:
    """Counts photos in and out. Used on one event loop; nothing here waits for a lock or a disk.

    Tills (one photo, somebody stands there) are refused before any work is done on their photo:
    beyond `tills` at once, or where the answer would come too late for the call's deadline.
    Streams are slowed instead: of all their photos together, `photos` are worked on at once.
    """

    def __init__(self, pace: Pace, *, tills: int, streams: int, photos: int) -> None:
        self.pace = pace
        self._most_tills, self._most_streams = tills, streams
        self._streams = 0
        self.photos = asyncio.Semaphore(photos)
        """Places for the photos of streams."""
        self.tills = 0
        """Photos of tills that are waiting or worked on."""
        self._of_calls = 0
        """Those of calls with several."""

    @contextmanager
    def till(self, remaining: float | None) -> Iterator[None]:
        """Let one photo in that has so many seconds left; None: all the time in the world.

        Raises:
            OverloadedError: it would be too late, or too many wait.
        """
        ahead = self.tills
        self._require_room(remaining, ahead, ahead)
        self.tills += 1
        try:
            with self._timed(ahead):
                yield
        finally:
            self.tills -= 1

    @contextmanager
    def call(self, photos: int, remaining: float | None) -> Iterator[None]:
        """Let the photos of one call in that has so many seconds left for all of them.

        They are worked on as a stream's are, after those of tills; until the call ends they count
        as waiting.

        Raises:
            OverloadedError: they would be too late, or too many wait.
        """
        waiting = self.tills + self._of_calls
        self._require_room(remaining, waiting, ahead=waiting + photos - 1)
        self._of_calls += photos
        try:
            yield
        finally:
            self._of_calls -= photos

    @contextmanager
    def stream(self) -> Iterator[None]:
        """Let one stream of photos in.

        Raises:
            OverloadedError: there are too many.
        """
        if self._streams >= self._most_streams:
            raise OverloadedError(
                f"the server is full: {self._streams} streams of photos are open, "
                f"as many as it takes",
                retry_after=1.0,
            )
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1

    @contextmanager
    def photo(self) -> Iterator[None]:
        """One photo of a stream is worked on; whoever calls holds a place in `photos`."""
        with self._timed(ahead=None):
            yield

    @contextmanager
    def _timed(self, ahead: int | None) -> Iterator[None]:
        entered = self.pace.enter()
        answered = True
        try:
            yield
        except asyncio.CancelledError:
            answered = False  # whoever asked has gone, nothing is known of how long it takes
            raise
        except Exception:
            ahead = None  # a photo that cannot be read is no measure for those that can
            raise
        finally:
            self.pace.leave(entered, ahead=ahead, answered=answered)

    def _require_room(self, remaining: float | None, waiting: int, ahead: int) -> None:
        expected = self.pace.expected(ahead)
        if waiting >= self._most_tills:
            raise OverloadedError(
                f"the server is full: {waiting} photos wait, as many as it lets in",
                retry_after=expected / 2,
            )
        if remaining is None:
            return
        # with nobody before it, only what has never been done is refused, and ever less of that: or
        # else a bad guess of the latency would never be put right
        late = expected > MARGIN * remaining if ahead else self.pace.quickest > remaining
        if late and not ahead:
            self.pace.doubt()
        if late:
            raise OverloadedError(
                f"the server is full: the answer would come in about {expected:.2f} s, "
                f"the call has {remaining:.2f} s left",
                retry_after=max(self.pace.alone, expected - MARGIN * remaining),
            )
