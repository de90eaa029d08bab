"""Reading: the requests of a stream, as fast as its client may send them and as long as it may."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from checkout_age.server.guard import PACED, Guard, Refusal, unreadable
from checkout_age.server.messages import Malformed
from checkout_age.server.reread import LOOKS


class Reading:
    """The requests of a stream, slowed to the client's rate, up to one that is refused."""

    def __init__(
        self,
        requests: AsyncIterator[Any],
        guard: Guard,
        method: str,
        *,
        client: str,
        authorization: str | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`client` is who is held to a rate; `authorization` is what it was let in with."""
        self._requests, self._guard = requests, guard
        self._rates = guard.rates if method in PACED else None
        self._method, self._client, self._authorization = method, client, authorization
        self._clock = clock
        self._admitted_until = clock() + LOOKS
        self.refusal: Refusal | None = None
        """Why nothing more is read; None where the client has sent all."""

    async def read(self) -> AsyncIterator[Any]:
        """The requests; where they end early, `refusal` says why."""
        async for request in self._requests:
            try:
                self._require(request)
            except Refusal as refusal:
                self.refusal = refusal
                return
            if self._rates is not None and (pause := self._rates.owe(self._client)):
                await asyncio.sleep(pause)
            yield request

    def _require(self, request: Any) -> None:
        """Raise Refusal where it cannot be read, or its sender has been shut out meanwhile."""
        if isinstance(request, Malformed):
            raise unreadable(request)
        now = self._clock()
        if now >= self._admitted_until:
            self._admitted_until = now + LOOKS
            self._guard.caller(self._method, self._authorization)
