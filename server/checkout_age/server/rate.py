"""Rates: how many photos a second one client may send."""

import time
from collections import OrderedDict
from collections.abc import Callable

MOST_CLIENTS = 10_000
"""Clients that are remembered; the one unheard of the longest is forgotten first."""


class Rates:
    """A token bucket for each client (Turner 1986): `burst` photos at once, `rate` a second."""

    def __init__(
        self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rate, self.burst = rate, burst
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """By client: how many photos it may send, and when that was so."""

    def take(self, client: str, photos: int = 1) -> float:
        """Take some photos: 0 where they may be sent, else the seconds after which they may be.

        They may be as soon as one may be; what is taken beyond that delays the next.
        """
        now = self._clock()
        left = self._left(client, now)
        if left < 1:
            return (1 - left) / self.rate
        self._keep(client, left - photos, now)
        return 0.0

    def owe(self, client: str) -> float:
        """Take one photo even in advance, and give the seconds to wait before it is read."""
        now = self._clock()
        left = self._left(client, now) - 1
        self._keep(client, left, now)
        return max(0.0, -left / self.rate)

    def _left(self, client: str, now: float) -> float:
        left, then = self._buckets.get(client, (self.burst, now))
        return min(self.burst, left + (now - then) * self.rate)

    def _keep(self, client: str, left: float, now: float) -> None:
        self._buckets[client] = (left, now)
        self._buckets.move_to_end(client)
        if len(self._buckets) > MOST_CLIENTS:
            self._buckets.popitem(last=False)
