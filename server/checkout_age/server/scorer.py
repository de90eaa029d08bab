"""The scorer: from the bytes of a photo to a distribution over ages, many photos at a time."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from checkout_age.server.age import AgeDistribution, Logits
from checkout_age.server.calibration import Calibration
from checkout_age.server.photo import Pixels
from checkout_age.server.runtime import Runtime
from checkout_age.server.shopper import Shopper, ShopperFinder

LARGEST_BATCH = 32


@dataclass(frozen=True)
class Scored:
    """What a photo says: how old the shopper is, and whose face that was told by."""

    ages: AgeDistribution
    interval: tuple[float, float]
    """The years between which the age lies nine times in ten."""
    shopper: Shopper


@dataclass
class _Waiting:
    chip: Pixels
    answer: "asyncio.Future[Logits]"


class Scorer:
    """Decodes on some threads, runs the network on one, and never blocks the event loop.

    While the network is busy, chips gather; its next batch is all that have gathered, so a
    lone photo waits for nobody.
    """

    def __init__(
        self,
        runtime: Runtime,
        shoppers: ShopperFinder,
        *,
        calibration: Calibration,
        readers: int = 2,
    ) -> None:
        self._runtime = runtime
        self._shoppers = shoppers
        self._calibration = calibration
        self._readers = ThreadPoolExecutor(readers, "reader")
        self._model = ThreadPoolExecutor(1, "model")
        self._waiting: list[_Waiting] = []
        self._running: asyncio.Task[None] | None = None

    async def score(self, photo: bytes) -> Scored:
        """How old the shopper in the photo is.

        Raises:
            PhotoError: the bytes are no photo that can be read.
            FaceError: the photo shows no face that can be used.
        """
        loop = asyncio.get_running_loop()
        shopper = await loop.run_in_executor(self._readers, self._shoppers.find, photo)
        logits = await self._logits(shopper.chip)
        ages = self._calibration.distribution(logits)
        return Scored(ages, self._calibration.interval(ages), shopper)

    async def warm_up(self) -> None:
        """Answer for grey chips, so that the first shoppers do not wait for first-time work.

        A network may be built anew for the first batch of more than one chip.
        """
        side = self._shoppers.chip_side
        grey = np.full((side, side, 3), 127, np.uint8)
        await self._logits(grey)
        await asyncio.gather(self._logits(grey), self._logits(grey))

    def close(self) -> None:
        """Let the threads go."""
        self._readers.shutdown()
        self._model.shutdown()

    async def _logits(self, chip: Pixels) -> Logits:
        waiting = _Waiting(chip, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._running is None:
            self._running = asyncio.create_task(self._run_batches())
        return await waiting.answer

    async def _run_batches(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while batch := self._next_batch():
                try:
                    chips = np.stack([waiting.chip for waiting in batch])
                    logits = await loop.run_in_executor(self._model, self._runtime.logits, chips)
                    for waiting, row in zip(batch, logits, strict=True):
                        if not waiting.answer.done():
                            waiting.answer.set_result(row)
                except Exception as error:  # whatever went wrong is these callers' answer
                    for waiting in batch:
                        if not waiting.answer.done():
                            waiting.answer.set_exception(error)
        finally:
            self._running = None

    def _next_batch(self) -> list[_Waiting]:
        """The oldest chips that someone still waits for."""
        wanted = [waiting for waiting in self._waiting if not waiting.answer.done()]
        self._waiting = wanted[LARGEST_BATCH:]
        return wanted[:LARGEST_BATCH]
