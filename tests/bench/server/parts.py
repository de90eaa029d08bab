"""The bare parts, with nothing around them: what no server can be faster than."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from checkout_age.server.bundle import Bundle
from checkout_age.server.photo import Pixels
from checkout_age.server.runtime import Runtime
from checkout_age.server.shopper import ShopperFinder
from tests.bench.server.readers import Cost, finder

SETTLING = 3.0
"""Seconds."""


@dataclass(frozen=True)
class Network:
    """A network of this process, and what it is asked with."""

    runtime: Runtime
    chips: Pixels
    shoppers: ShopperFinder
    photos: Sequence[bytes]

    @classmethod
    def of(cls, bundle: Bundle, photos: Sequence[bytes], runtime: Runtime) -> "Network":
        """With the chips of the photos; it is settled."""
        shoppers = ShopperFinder(finder(), bundle.facts.chip_side)
        chips = np.stack([shoppers.find(photo).chip for photo in photos])
        settle(runtime, chips[:1])
        return cls(runtime, chips, shoppers, photos)

    @property
    def full(self) -> Pixels:
        """As many chips as are best run at once."""
        return np.resize(self.chips, (self.runtime.batch, *self.chips.shape[1:]))

    def cost(self, seconds: float) -> Cost:
        """Of a chip, alone or in a full batch, whichever is less, every core busy."""
        streams = self.runtime.streams
        costs = []
        for chips in (self.chips[:1], self.full):
            used = time.process_time()
            pace, done = _rate(self.runtime, chips, seconds)
            costs.append(Cost(1e3 * streams / pace, 1e3 * (time.process_time() - used) / done))
        return min(costs, key=lambda cost: cost.wall)

    def rate(self, seconds: float) -> float:
        """Chips a second: the larger of one at a time and full batches, every core busy."""
        return max(_rate(self.runtime, some, seconds)[0] for some in (self.full, self.chips[:1]))

    def lone(self, seconds: float, *, alone: bool) -> float:
        """Milliseconds from a photo to its logits, the median, nothing else running.

        `alone` runs the network on every core.
        """
        taken: list[float] = []
        end = time.perf_counter() + seconds
        while (start := time.perf_counter()) < end:
            chip = self.shoppers.find(self.photos[len(taken) % len(self.photos)]).chip
            self.runtime.logits(chip[None], alone=alone)
            taken.append(1e3 * (time.perf_counter() - start))
        return median(taken)


def _rate(runtime: Runtime, chips: Pixels, seconds: float) -> tuple[float, int]:
    """Chips a second, and all, where each thread that may run the network runs these."""
    paces: list[float] = []
    counts: list[int] = []

    def run() -> None:
        start, runs = time.perf_counter(), 0
        while (passed := time.perf_counter() - start) < seconds:
            runtime.logits(chips)
            runs += 1
        paces.append(runs * len(chips) / passed)
        counts.append(runs * len(chips))

    everyone = [threading.Thread(target=run) for _ in range(runtime.streams)]
    for thread in everyone:
        thread.start()
    for thread in everyone:
        thread.join()
    return sum(paces), sum(counts)


def settle(runtime: Runtime, chip: Pixels) -> None:
    """Let the runtime make ready for lone chips on every core, and find its batch."""
    runtime.ready()
    end = time.perf_counter() + SETTLING
    while time.perf_counter() < end:
        runtime.logits(chip, alone=True)
        runtime.logits(np.resize(chip, (runtime.batch, *chip.shape[1:])))
