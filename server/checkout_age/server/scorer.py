"""The scorer: from the bytes of a photo to a distribution over ages, many photos at a time."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from checkout_age.server.age import AgeDistribution, Logits
from checkout_age.server.chip import cut_chip
from checkout_age.server.photo import PhotoLimits, Pixels, decode
from checkout_age.server.runtime import Runtime

LARGEST_BATCH = 32


class FaceGate(Protocol):
    """Lets photos with a face pass."""

    def require_face(self, pixels: Pixels) -> None:
        """Raise NoFaceError where there is none."""


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
        faces: FaceGate,
        *,
        chip_side: int,
        temperature: float,
        limits: PhotoLimits,
        readers: int = 2,
    ) -> None:
        self._runtime = runtime
        self._faces = faces
        self._chip_side = chip_side
        self._temperature = temperature
        self._limits = limits
        self._readers = ThreadPoolExecutor(readers, "reader")
        self._model = ThreadPoolExecutor(1, "model")
        self._waiting: list[_Waiting] = []
        self._running: asyncio.Task[None] | None = None

    async def score(self, photo: bytes) -> AgeDistribution:
        """How old the person in the photo is.

        Raises:
            PhotoError: the bytes are no photo that can be read.
            NoFaceError: the photo shows no face.
        """
        loop = asyncio.get_running_loop()
        chip = await loop.run_in_executor(self._readers, self._chip_of, photo)
        logits = await self._logits(chip)
        return AgeDistribution.from_logits(logits, self._temperature)

    async def warm_up(self) -> None:
        """Answer for grey chips, so that the first shoppers do not wait for first-time work.

        A network may be built anew for the first batch of more than one chip.
        """
        grey = np.full((self._chip_side, self._chip_side, 3), 127, np.uint8)
        await self._logits(grey)
        await asyncio.gather(self._logits(grey), self._logits(grey))

    def close(self) -> None:
        """Let the threads go."""
        self._readers.shutdown()
        self._model.shutdown()

    def _chip_of(self, photo: bytes) -> Pixels:
        pixels = decode(photo, self._limits)
        self._faces.require_face(pixels)
        return cut_chip(pixels, self._chip_side)

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
