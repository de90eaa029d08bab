"""A condition that threads wait for awake, as long as waits are short."""

import os
import threading
import time
from types import TracebackType

AWAKE = 2
"""So many stay awake at once, at most: each asks for Python's lock again and again."""


class Condition:
    """A condition variable whose waiters spin for a while before they sleep.

    A core that has nothing to do halts. Until it runs again at its pace takes time, in a virtual
    machine above all, and a call wakes threads a dozen times. One that stays awake keeps its core
    from that, and yields it to whoever has something to do. It does so only after a wait that was
    short, as when photos come one upon the other; where they are rare, all sleep at once. As the
    kernel's guest_halt_poll does for a whole virtual machine.
    """

    def __init__(self, busy_wait: float) -> None:
        """Waits of less than so many seconds are short; with 0 all sleep at once."""
        self._condition = threading.Condition()
        self._busy_wait = self._last_wait = busy_wait
        self._changes = 0
        self.awake = 0
        """Threads that wait awake now."""

    def __enter__(self) -> None:
        self._condition.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._condition.release()

    def wait(self, *, awake: bool) -> None:
        """Until something changes, at first `awake` if that may help. To be entered, as all below.

        It may end where nothing has changed for this thread.
        """
        began, seen = time.perf_counter(), self._changes
        if awake and self.awake < AWAKE and self._last_wait < self._busy_wait:
            self._spin(seen, began + self._busy_wait)
        if self._changes == seen:
            self._condition.wait()
        self._last_wait = time.perf_counter() - began

    def notify(self) -> None:
        """Something has changed: wake one that sleeps; all that are awake see it."""
        self._changes += 1
        self._condition.notify()

    def notify_all(self) -> None:
        """Something has changed for all."""
        self._changes += 1
        self._condition.notify_all()

    def notify_awake(self) -> None:
        """Something has changed for those that are awake; none is woken."""
        self._changes += 1

    def _spin(self, seen: int, until: float) -> None:
        self.awake += 1
        self._condition.release()
        try:
            while self._changes == seen and time.perf_counter() < until:
                os.sched_yield()
        finally:
            self._condition.acquire()
            self.awake -= 1
