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
from checkout_age.server.runtime import Runtime
from checkout_age.server.shopper import ENOUGH, ShopperFinder

SETTLING = 3.0
"""Seconds."""


@dataclass(frozen=True)
class Bare:
    """Milliseconds for one photo, medians; chips a second on all cores."""

    decode: float
    """Of processor time, as all but the lone ones."""
    find: float
    """Finding the face, cutting the chip and judging it, without decoding."""
    network: float
    """One chip on one core."""
    batched: float
    """A chip of a full batch while every core runs one."""
    lone: float
    """From the photo to the logits where it has the machine to itself: the better of the next."""
    lone_on_one: float
    """The network on one core."""
    lone_on_all: float
    """The network on every core."""
    chips: float
    """Chips a second: the larger of batches of one and full ones, every core busy."""


def bare(bundle: Bundle, photos: Sequence[bytes], runtime: Runtime, seconds: float) -> Bare:
    """Measure each part alone, in this process."""
    shoppers = ShopperFinder(FaceFinder(), bundle.facts.chip_side)
    chips = np.stack([shoppers.find(photo).chip for photo in photos])
    settle(runtime, chips[:1])

    def lone(number: int, *, alone: bool) -> None:
        chip = shoppers.find(photos[number % len(photos)]).chip
        runtime.logits(chip[None], alone=alone)

    processor = time.thread_time
    reading = _each(lambda n: decode(photos[n % len(photos)], enough=ENOUGH), seconds, processor)
    whole = _each(lambda n: shoppers.find(photos[n % len(photos)]), seconds, processor)
    on_one = _each(lambda n: lone(n, alone=False), seconds)
    on_all = _each(lambda n: lone(n, alone=True), seconds)
    singly = rate(runtime, chips[:1], seconds)
    full = np.resize(chips, (runtime.batch, *chips.shape[1:]))
    batched = rate(runtime, full, seconds)
    return Bare(
        decode=reading,
        find=whole - reading,
        network=singly.processor_ms,
        batched=min(singly.processor_ms, batched.processor_ms),
        lone=min(on_one, on_all),
        lone_on_one=on_one,
        lone_on_all=on_all,
        chips=max(singly.chips, batched.chips),
    )


@dataclass(frozen=True)
class Rate:
    """What a runtime reaches with every thread busy."""

    chips: float
    """A second."""
    processor_ms: float
    """Milliseconds of a core for each."""


def rate(runtime: Runtime, chips: Pixels, seconds: float) -> Rate:
    """Each of as many threads as may run it at once runs these chips, one batch after the other."""
    paces: list[float] = []
    costs: list[float] = []

    def run() -> None:
        runtime.logits(chips)
        start, used, runs = time.perf_counter(), time.thread_time(), 0
        while (passed := time.perf_counter() - start) < seconds:
            runtime.logits(chips)
            runs += 1
        paces.append(runs * len(chips) / passed)
        costs.append((time.thread_time() - used) * 1e3 / max(runs * len(chips), 1))

    everyone = [threading.Thread(target=run) for _ in range(runtime.streams)]
    for thread in everyone:
        thread.start()
    for thread in everyone:
        thread.join()
    return Rate(sum(paces), median(costs))


def settle(runtime: Runtime, chip: Pixels) -> None:
    """Let the runtime make ready for lone chips on every core, and find its batch."""
    end = time.perf_counter() + SETTLING
    while time.perf_counter() < end:
        runtime.logits(chip, alone=True)
        runtime.logits(np.resize(chip, (runtime.batch, *chip.shape[1:])))


def _each(
    call: Callable[[int], object], seconds: float, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Milliseconds of a call by that clock, the median."""
    taken: list[float] = []
    call(0)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = clock()
        call(len(taken))
        taken.append(clock() - start)
    return median(taken) * 1e3
