"""The pace: how long a photo takes now, learnt from those that were answered."""

import math
import time
from collections.abc import Callable

MEMORY = 5.0
"""Seconds after which what was learnt counts for 1/e."""
PRIOR = 4.0
"""As many photos' worth of trust is put in the latency of lone photos."""
LEARNING = 0.1
"""How much of a lone photo's latency is taken over at once."""
FIRST_GUESS = 0.05
"""Seconds that a photo is thought to take before any was answered."""


class Pace:
    """Watches photos enter and leave; tells how long one would take that enters now.

    The cost of a photo to those behind it is the time between two answers while every worker is
    busy. Where there has been no such time lately, it is taken to be the latency of photos that had
    nobody before them, as if there were one worker: what is let in too freely is late as a whole.
    """

    def __init__(self, workers: int, clock: Callable[[], float] = time.monotonic) -> None:
        """`workers` photos are worked on at once."""
        self._workers, self._clock = workers, clock
        self._inside = 0
        self._busy_since: float | None = None
        """When the last photo was answered, if all workers have been busy since."""
        self._seconds = self._answers = 0.0
        self._learnt_at = clock()
        self._alone = self._quickest = FIRST_GUESS
        self._seen = False

    @property
    def alone(self) -> float:
        """Seconds that a photo takes which has nobody before it."""
        return self._alone

    @property
    def quickest(self) -> float:
        """The least seconds that a photo has taken that waited for none; 0 before there was one."""
        return self._quickest if self._seen else 0.0

    @property
    def cost(self) -> float:
        """Seconds by which each photo before it delays another."""
        self._forget()
        return (self._seconds + PRIOR * self._alone) / (self._answers + PRIOR)

    def expected(self, ahead: int) -> float:
        """Seconds until a photo is answered that enters behind `ahead` others."""
        return self._alone + ahead * self.cost

    def enter(self) -> float:
        """A photo enters; give what is returned to `leave`."""
        self._inside += 1
        now = self._clock()
        if self._inside == self._workers:
            self._busy_since = now
        return now

    def leave(self, entered: float, *, ahead: int | None, answered: bool) -> None:
        """That photo leaves, answered or given up.

        `ahead` were before it when it entered; None for one that let others pass.
        """
        now = self._clock()
        self._inside -= 1
        if answered:
            if self._busy_since is not None:
                self._forget()
                self._seconds += now - self._busy_since
                self._answers += 1
            if ahead is not None:
                self._learn(now - entered, ahead)
        if self._inside < self._workers:
            self._busy_since = None
        elif answered:
            self._busy_since = now

    def doubt(self) -> None:
        """A photo was refused for what the quickest took: the machine may be quicker by now."""
        self._quickest /= 2

    def forget_all(self) -> None:
        """Another model is served: nothing that was learnt holds any more."""
        self._seconds = self._answers = 0.0
        self._seen = False

    def _learn(self, took: float, ahead: int) -> None:
        if ahead >= self._workers:
            return  # most of what it took was waiting
        share = LEARNING if self._seen else 1.0
        self._alone += share * (took - self._alone)
        self._quickest = min(took, self._quickest) if self._seen else took
        self._seen = True

    def _forget(self) -> None:
        now = self._clock()
        left = math.exp((self._learnt_at - now) / MEMORY)
        self._seconds *= left
        self._answers *= left
        self._learnt_at = now
