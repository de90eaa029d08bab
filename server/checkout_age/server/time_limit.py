"""The time limit: tasks that take too long are cancelled by one look at all of them at a time."""

import asyncio
from types import TracebackType

LOOKS = 0.1
"""Seconds between two looks: a timer for each call would cost more than all the others' lookups."""


class TimeLimit:
    """Cancels the task of a block that takes longer than `seconds`, and makes it a TimeoutError."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._ends: dict[asyncio.Task[object], float] = {}
        self._late: set[asyncio.Task[object]] = set()
        self._looking = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        loop = task.get_loop()
        self._ends[task] = loop.time() + self.seconds
        if not self._looking:
            self._looking = True
            loop.call_later(min(LOOKS, self.seconds), self._look, loop)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._ends.pop(task, None)
        if task in self._late:
            self._late.discard(task)
            if task.uncancel() == 0 and kind is asyncio.CancelledError:
                raise TimeoutError from error

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for task, end in list(self._ends.items()):
            if end <= now:
                del self._ends[task]
                self._late.add(task)
                task.cancel()
        self._looking = bool(self._ends)
        if self._looking:
            loop.call_later(min(LOOKS, self.seconds), self._look, loop)
