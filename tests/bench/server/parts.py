"""The bare parts, with nothing around them: what no server can be faster than."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from checkout_age.server.bundle import Bundle
from checkout_age.server.decoder import decode
from checkout_age.server.face_finder import FaceFinder
from checkout_age.server.photo import Pixels
from checkout_age.server.runtime import Precision, Runtime, openvino_runtime
from checkout_age.server.shopper import ENOUGH, ShopperFinder


@dataclass(frozen=True)
class Bare:
    """Milliseconds of one core for one photo, medians; chips a second on all cores."""

    decode: float
    find: float
    """Finding the face, cutting the chip and judging it, without decoding."""
    network: float
    """One chip on one core."""
    wide: float
    """One chip on every core at once."""
    batched: float
    """A chip of a full batch while every core runs one."""
    chips: float
    """Chips a second: the larger of batches of one and full ones, every core busy."""

    @property
    def lone(self) -> float:
        """Milliseconds that one photo takes where it has the machine to itself, at best."""
        return self.decode + self.find + min(self.network, self.wide)


def bare(bundle: Bundle, photos: Sequence[bytes], threads: int, seconds: float) -> Bare:
    """Measure each part alone, in this process."""
    runtime = openvino_runtime(bundle, Precision.BEST, threads)
    shoppers = ShopperFinder(FaceFinder(), bundle.facts.chip_side)
    chips = np.stack([shoppers.find(photo).chip for photo in photos])
    _widened(runtime, chips[:1])
    reading = _each(lambda n: decode(photos[n % len(photos)], enough=ENOUGH), seconds)
    whole = _each(lambda n: shoppers.find(photos[n % len(photos)]), seconds)
    rates = {
        size: rate(runtime, np.resize(chips, (size, *chips.shape[1:])), threads, seconds)
        for size in sorted({1, runtime.batch})
    }
    return Bare(
        decode=reading,
        find=whole - reading,
        network=_each(lambda _: runtime.logits(chips[:1]), seconds),
        wide=_each(lambda _: runtime.logits(chips[:1], alone=True), seconds),
        batched=1e3 * threads / rates[runtime.batch],
        chips=max(rates.values()),
    )


def rate(runtime: Runtime, chips: Pixels, threads: int, seconds: float) -> float:
    """Chips a second when each thread runs batches of these, over all the threads' own time."""
    paces: list[float] = []

    def run() -> None:
        runtime.logits(chips)
        start, runs = time.perf_counter(), 0
        while (passed := time.perf_counter() - start) < seconds:
            runtime.logits(chips)
            runs += 1
        paces.append(runs * len(chips) / passed)

    everyone = [threading.Thread(target=run) for _ in range(threads)]
    for thread in everyone:
        thread.start()
    for thread in everyone:
        thread.join()
    return sum(paces)


def _widened(runtime: Runtime, chip: Pixels) -> None:
    """Let the runtime make ready for lone chips on every core."""
    runtime.logits(chip, alone=True)
    time.sleep(2)


def _each(call: Callable[[int], object], seconds: float) -> float:
    """Milliseconds of a call, the median."""
    taken: list[float] = []
    call(0)
    end = time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        call(len(taken))
        taken.append(time.perf_counter() - start)
    return median(taken) * 1e3
