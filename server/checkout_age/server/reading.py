"""Reading: the requests of a stream, as fast as their client may send them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from checkout_age.server.guard import PACED, Guard, Refusal, unreadable
from checkout_age.server.messages import Malformed


class Reading:
    """The requests of a stream, slowed to the client's rate, up to one that is refused."""

    def __init__(
        self, requests: AsyncIterator[Any], guard: Guard, method: str, client: str
    ) -> None:
        self._requests, self._client = requests, client
        self._rates = guard.rates if method in PACED else None
        self.refusal: Refusal | None = None
        """Why nothing more is read; None where the client has sent all."""

    async def read(self) -> AsyncIterator[Any]:
        """The requests; where they end early, `refusal` says why."""
        async for request in self._requests:
            if isinstance(request, Malformed):
                self.refusal = unreadable(request)
                return
            if self._rates is not None and (pause := self._rates.owe(self._client)):
                await asyncio.sleep(pause)
            yield request
