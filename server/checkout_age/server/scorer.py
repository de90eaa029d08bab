"""The scorer: from the bytes of a photo to a distribution over ages, many photos at a time."""

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from checkout_age.server.age import AgeDistribution
from checkout_age.server.calibration import Calibration
from checkout_age.server.face import Face, FaceError
from checkout_age.server.photo import PhotoError, Pixels
from checkout_age.server.queue import Job, PhotoQueue, Step, Urgency
from checkout_age.server.runtime import Runtime
from checkout_age.server.shopper import Shopper, ShopperFinder
from checkout_age.server.watch import PROBLEM_OF_FAULT, Unwatched, Watch


@dataclass(frozen=True)
class Scored:
    """What a photo says: how old the shopper is, and whose face that was told by."""

    ages: AgeDistribution
    interval: tuple[float, float]
    """The years between which the age lies nine times in ten."""
    shopper: Shopper


def _whole(side: int) -> Face:
    """The face that a chip shows: all of it."""
    corners = np.array([[0, 0], [side, side]], np.float32)
    return Face(corners, np.full((6, 2), np.nan, np.float32), 1.0)


def _answer_all(outcomes: Sequence[tuple[Job, Scored | BaseException]]) -> None:
    """Give each answer on the event loop that waits for it; a loop is woken once for all of its."""
    for loop in {job.answer.get_loop() for job, _ in outcomes}:
        its = [(job, outcome) for job, outcome in outcomes if job.answer.get_loop() is loop]
        with contextlib.suppress(RuntimeError):  # that event loop is gone
            loop.call_soon_threadsafe(_give, its)


def _give(outcomes: Sequence[tuple[Job, Scored | BaseException]]) -> None:
    """Answer those who still wait."""
    for job, outcome in outcomes:
        if job.answer.done():
            continue
        if isinstance(outcome, BaseException):
            job.answer.set_exception(outcome)
        else:
            job.answer.set_result(outcome)


def _forget_frames(error: BaseException) -> None:
    """Frames hold the photo, its pixels and its job, and the job's answer the error: a circle."""
    last: BaseException | None = error
    while last is not None:
        last.__traceback__ = None
        last = last.__cause__ or last.__context__


def _give_way() -> None:
    """Tell the system that this thread computes at length: others that wake up are not kept."""
    with contextlib.suppress(OSError):  # a sandbox may forbid it
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


class Scorer:
    """A few threads that read photos and run the network; the event loop only hands over.

    Where the runtime is OpenVINO's, there is a thread for each core, and each does one thing at a
    time with nothing under it that starts threads of its own.
    """

    def __init__(
        self,
        runtime: Runtime,
        shoppers: ShopperFinder,
        *,
        calibration: Calibration,
        threads: int = 2,
        watch: Watch | None = None,
    ) -> None:
        self._runtime = runtime
        self._shoppers = shoppers
        self._calibration = calibration
        self._watch = watch or Unwatched()
        self.queue = PhotoQueue(runtime.streams, lambda: runtime.batch)
        self._threads = [
            threading.Thread(target=self._work, name=f"scorer {number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    async def score(self, photo: bytes, urgency: Urgency = Urgency.TILL) -> Scored:
        """How old the shopper in the photo is.

        Raises:
            PhotoError: the bytes are no photo that can be read.
            FaceError: the photo shows no face that can be used.
        """
        return await self._answer(photo, urgency)

    async def score_chip(self, chip: Pixels, urgency: Urgency = Urgency.TILL) -> Scored:
        """How old the face on a chip of shape (side, side, 3) is, cut as the bundle says."""
        return await self._answer(b"", urgency, Shopper(chip, _whole(len(chip)), 1))

    def ready(self) -> None:
        """Make all ready for every thread; until then they take turns, and unusual photos wait."""
        self._runtime.ready()
        self._shoppers.faces.ready()

    def close(self) -> None:
        """Do what waits, then let the threads go."""
        self.queue.close()
        for thread in self._threads:
            thread.join()

    async def _answer(
        self, photo: bytes, urgency: Urgency, shopper: Shopper | None = None
    ) -> Scored:
        answer: asyncio.Future[Scored] = asyncio.get_running_loop().create_future()
        job = Job(photo, urgency, answer, shopper)
        self.queue.put(job)
        try:
            scored = await answer
        except (PhotoError, FaceError) as error:
            self._watch.photo(PROBLEM_OF_FAULT[error.fault])
            raise
        else:
            self._watch.photo("estimate")
            return scored
        finally:
            for stage in job.stages:
                self._watch.stage(*stage)
            job.photo = b""  # who gave up may stand in the queue for a while
            # an error's traceback holds this frame: what holds the error must not be held by it
            del answer, job

    def _work(self) -> None:
        _give_way()
        while (step := self.queue.take()) is not None:
            self._take(step)
            del step  # a thread that waits holds no photo

    def _take(self, step: Step) -> None:
        found: list[Job] = []
        try:
            if step.reads:
                self._read(step, found)
            else:
                self._run(step)
        except BaseException as error:  # whatever went wrong is their answer
            _answer_all([(job, error) for job in step.jobs])
        finally:
            self.queue.done(step, found)

    def _read(self, step: Step, found: list[Job]) -> None:
        """Add to `found` the jobs whose shoppers are known now; others have their answer."""
        began = time.perf_counter()
        outcomes = self._outcomes([job.photo for job in step.jobs])
        ended = time.perf_counter()
        failed: list[tuple[Job, BaseException]] = []
        for job, outcome in zip(step.jobs, outcomes, strict=True):
            job.passed("queue", "read", began, ended)
            if isinstance(outcome, Shopper):
                job.shopper = outcome
                found.append(job)
                continue
            if isinstance(outcome, PhotoError | FaceError):
                _forget_frames(outcome)
            failed.append((job, outcome))
        _answer_all(failed)

    def _outcomes(self, photos: Sequence[bytes]) -> Sequence[Shopper | BaseException]:
        """For each photo its shopper, or why there is none."""
        try:
            return self._shoppers.find_all(photos)
        except BaseException as error:
            if len(photos) == 1:
                return [error]
        return [outcome for photo in photos for outcome in self._outcomes([photo])]

    def _run(self, step: Step) -> None:
        shoppers = [job.shopper for job in step.jobs if job.shopper is not None]
        chips = np.stack([shopper.chip for shopper in shoppers])
        began = time.perf_counter()
        logits = self._runtime.logits(chips, alone=step.alone)
        ended = time.perf_counter()
        self._watch.batch(len(chips))
        scored: list[tuple[Job, Scored]] = []
        for job, shopper, row in zip(step.jobs, shoppers, logits, strict=True):
            job.passed("gather", "network", began, ended)
            ages = self._calibration.distribution(row)
            scored.append((job, Scored(ages, self._calibration.interval(ages), shopper)))
        _answer_all(scored)
