"""A stream: photos read as they can be taken on, answers given as they come."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Coroutine
from typing import Any, Generic, TypeVar

from checkout_age.server.drain import Drain, DrainingError

HAND_OVER = (
    "the server is stopping; send the photos that have no answer yet elsewhere or in a few seconds"
)

SILENT = (
    "the stream has sent no photo for {:g} s and waits for no answer, so it is ended; "
    "open another one for further photos"
)


class SilentStreamError(TimeoutError):
    """A stream held its place for nothing; another one may take it, this one's client too."""


Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Stream(Generic[Asked, Answer]):
    """One stream's requests, worked on side by side.

    Whoever takes the answers is the only one who writes: a call that ends with an error while
    another task still writes to it may leave its client without a status.
    """

    def __init__(
        self,
        requests: AsyncIterable[Asked],
        answer: Callable[[Asked], Awaitable[Answer]],
        *,
        at_once: int,
        room: asyncio.Semaphore,
        drain: Drain,
        most_silence: float = 0.0,
    ) -> None:
        """Set a stream up.

        Args:
            requests: is read on only while there is room.
            answer: gives the answer to one request.
            at_once: requests that are read and whose answers are not yet taken, at most.
            room: what all streams share; a request takes one place until it is answered.
            drain: tells when nothing more is to be read, and when there is no more time.
            most_silence: seconds without a request, all others answered, after which it ends;
                0: never.
        """
        self._requests, self._answer = requests, answer
        self._free, self._room = asyncio.Semaphore(at_once), room
        self._drain, self._most_silence = drain, most_silence or None
        self._listening = False
        self._reader: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._done: asyncio.Queue[Answer | BaseException | None] = asyncio.Queue()

    async def answers(self) -> AsyncGenerator[Answer]:
        """The answers in the order in which they are ready.

        Raises:
            DrainingError: the stream was to be handed over; what was read is answered, unless
                there was no time left.
            SilentStreamError: it sent nothing for too long.
        """
        reader = self._reader = self._start(self._read())
        handing_over = asyncio.create_task(self._stop_reading(reader))
        try:
            while (answer := await self._next()) is not None:
                if isinstance(answer, BaseException):
                    raise answer
                yield answer
                self._free.release()
            if reader.cancelled():
                raise DrainingError(HAND_OVER)
        finally:
            running = [handing_over, *self._tasks]
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _next(self) -> Answer | BaseException | None:
        while True:
            try:
                async with asyncio.timeout(self._most_silence):
                    return await self._done.get()
            except TimeoutError:
                idle = self._listening and self._tasks == {self._reader}
                if idle and self._done.empty():
                    return SilentStreamError(SILENT.format(self._most_silence))

    async def _read(self) -> None:
        await self._free.acquire()
        self._listening = True
        async for request in self._requests:
            self._listening = False
            await self._room.acquire()
            self._start(self._one(request)).add_done_callback(lambda _: self._room.release())
            await self._free.acquire()
            self._listening = True

    async def _one(self, request: Asked) -> None:
        self._done.put_nowait(await self._answer(request))

    async def _stop_reading(self, reader: "asyncio.Task[None]") -> None:
        await self._drain.hand_over.wait()
        reader.cancel()
        await self._drain.let_go.wait()
        self._done.put_nowait(DrainingError(HAND_OVER))

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            error = task.exception()
        else:
            error = None if task is self._reader else RuntimeError("an answer was cancelled")
        if error is not None:
            self._done.put_nowait(error)
        if not self._tasks:
            self._done.put_nowait(None)
