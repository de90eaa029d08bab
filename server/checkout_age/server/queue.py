"""The queue: photos and chips that wait for a thread, tills before the night."""

import asyncio
import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from checkout_age.server.shopper import Shopper

CROWD = 4
"""Beyond so many photos and chips in the server, waiting or worked on, for each that the network
runs on, those that wait are a crowd."""
IN_A_ROW = 4
"""Photos of a crowd that a thread reads at once: decoder, networks and scalers are fetched into the
core's caches once for all of them. As many as the face finder looks at in one run (TOGETHER)."""
PAIR = 2
"""Photos or chips that are taken at once where a second one waits, but no crowd."""


class Urgency(IntEnum):
    """Who waits for an answer; the lower value goes first."""

    TILL = 0
    """A shopper stands there."""
    NIGHT = 1
    """A batch job reads on while it is answered."""


@dataclass(eq=False)
class Job:
    """One photo on its way through the server."""

    photo: bytes
    urgency: Urgency
    answer: "asyncio.Future[Any]"
    """Set on its own event loop; cancelled when nobody waits any more."""
    shopper: Shopper | None = None
    """Whose chip waits for the network; None until the photo was read."""
    number: int = field(default_factory=itertools.count().__next__)
    """Of two equally urgent jobs the one that came first goes first."""
    since: float = field(default_factory=time.perf_counter)
    """The second at which it began to wait for its next step."""
    stages: list[tuple[str, float, float]] = field(default_factory=list)
    """What it went through: the stage, and the seconds at which that began and ended."""

    def passed(self, waiting: str, working: str, began: float, ended: float) -> None:
        """It has waited until a step began, which has ended now."""
        self.stages += ((waiting, self.since, began), (working, began, ended))
        self.since = ended

    def __lt__(self, other: "Job") -> bool:
        return (self.urgency, self.number) < (other.urgency, other.number)


@dataclass(frozen=True)
class Step:
    """What a thread is to do next."""

    jobs: Sequence[Job]
    reads: bool
    """Read the photos of the jobs; otherwise run the network on their chips."""
    alone: bool = False
    """Nobody else waits or is worked on: it has the cores of all streams, and no other step is
    given meanwhile."""


class PhotoQueue:
    """Hands steps to threads: read photos, or run the network on chips that have gathered.

    Where there is a crowd, a thread reads on while fewer chips are there than make a full batch,
    and runs the network as soon as one is full or no photo as urgent waits: batches form under
    load, and a lone chip waits for nobody. Where a few wait, two are taken at once, and a chip
    waits for a second one only while the network runs for others and a photo can be read meanwhile.
    Photos that are read together, and a batch, are of one urgency, so that no till waits for the
    night's in it; threads that have nothing to do get their share of photos. Where there is a
    stream for each core, a lone chip is run on all of them; whoever comes meanwhile waits for the
    few milliseconds of that, since a core taken from it would keep the others waiting, too.
    """

    def __init__(self, streams: int, batch: Callable[[], int]) -> None:
        """At most `streams` steps run the network at once, `batch()` chips at most each."""
        self._photos: list[Job] = []
        self._chips: list[Job] = []
        self._streams, self._batch = streams, batch
        self._running = self._reading = self._idle = 0
        self._alone = self._closed = False
        self._worked_on = dict.fromkeys(Urgency, 0)
        self._change = threading.Condition()

    def put(self, job: Job) -> None:
        """A photo to read or, where the shopper is known, a chip for the network."""
        with self._change:
            self._push(job)
            self._change.notify()

    def take(self) -> Step | None:
        """Wait for the next step, which `done` must follow; None once closed and empty."""
        with self._change:
            while (step := self._next()) is None:
                if self._closed and not (self._photos or self._chips or self._reading):
                    self._change.notify_all()
                    return None
                self._idle += 1
                self._change.wait()
                self._idle -= 1
            self._alone = step.alone
            self._count(step, 1)
            if self._photos or self._chips:
                self._change.notify()  # each that finds something to do wakes the next
            return step

    def done(self, step: Step, found: Sequence[Job] = ()) -> None:
        """A step was done, and whose shoppers it found go on; who did it takes the next one."""
        with self._change:
            if step.alone:
                self._alone = False
                self._change.notify()  # those who came meanwhile were not handed on
            self._count(step, -1)
            for job in found:
                self._push(job)

    def waiting(self, urgency: Urgency) -> int:
        """Jobs of that urgency that no thread works on now."""
        with self._change:
            return sum(
                job.urgency is urgency and not job.answer.done()
                for job in itertools.chain(self._photos, self._chips)
            )

    def close(self) -> None:
        """Let threads go once all that waits is done."""
        with self._change:
            self._closed = True
            self._change.notify_all()

    def _count(self, step: Step, steps: int) -> None:
        if step.reads:
            self._reading += steps
        else:
            self._running += steps
        for job in step.jobs:
            self._worked_on[job.urgency] += steps

    def _push(self, job: Job) -> None:
        heapq.heappush(self._photos if job.shopper is None else self._chips, job)

    def _next(self) -> Step | None:
        if self._alone:
            return None
        photo, chip = _first(self._photos), _first(self._chips)
        if chip is not None and self._running < self._streams:
            if photo is None or chip.urgency < photo.urgency:
                return self._run(chip.urgency)
            enough = _are_more(self._chips, self._gathered(chip.urgency) - 1, chip.urgency)
            if enough and chip.urgency == photo.urgency:
                return self._run(chip.urgency)
        if photo is None:
            return None
        return Step(self._together(self._photos, self._share(photo.urgency)), reads=True)

    def _share(self, urgency: Urgency) -> int:
        """Photos that are read at once, such that whoever is idle gets as many."""
        sharing = self._idle + 1
        as_urgent = (job for job in self._photos if job.urgency <= urgency)
        most = sharing * self._most(urgency, IN_A_ROW)
        photos = sum(1 for _ in itertools.islice(as_urgent, most))
        return -(-photos // sharing)

    def _gathered(self, urgency: Urgency) -> int:
        """Chips that must be there before the network runs while photos wait."""
        waits = self._running or self._crowded(urgency)
        return self._most(urgency, self._batch()) if waits else 1

    def _most(self, urgency: Urgency, of_crowd: int) -> int:
        """Photos or chips that are taken at once.

        Those who are less urgent do not count: nobody gathers on their account.
        """
        return of_crowd if self._crowded(urgency) else min(PAIR, of_crowd)

    def _crowded(self, urgency: Urgency) -> bool:
        worked_on = sum(number for of, number in self._worked_on.items() if of <= urgency)
        room = CROWD * self._streams - worked_on
        waiting = itertools.chain(self._photos, self._chips)
        return room < 0 or _are_more(waiting, room, urgency)

    def _run(self, urgency: Urgency) -> Step:
        jobs = self._together(self._chips, self._most(urgency, self._batch()))
        others = self._photos or self._chips or self._running or self._reading
        return Step(jobs, reads=False, alone=self._streams > 1 and not others)

    def _together(self, waiting: list[Job], most: int) -> list[Job]:
        """The first of those who wait, and others of the same urgency."""
        jobs: list[Job] = []
        while len(jobs) < most and (job := _first(waiting)) is not None:
            if jobs and job.urgency is not jobs[0].urgency:
                break
            jobs.append(heapq.heappop(waiting))
        return jobs


def _are_more(jobs: Iterable[Job], number: int, urgency: Urgency) -> bool:
    """Whether more than so many are at least as urgent."""
    as_urgent = (job for job in jobs if job.urgency <= urgency)
    return next(itertools.islice(as_urgent, number, None), None) is not None


def _first(jobs: list[Job]) -> Job | None:
    """The job that goes first, after those that nobody waits for are dropped."""
    while jobs and jobs[0].answer.done():
        heapq.heappop(jobs)
    return jobs[0] if jobs else None
