"""The bare parts, with nothing around them: what no server can be faster than."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean, median

import numpy as np

from checkout_age.server.bundle import Bundle
from checkout_age.server.decoder import decode
from checkout_age.server.face_finder import FaceFinder
from checkout_age.server.photo import Pixels
from checkout_age.server.runtime import Runtime, cores
from checkout_age.server.shopper import ENOUGH, ShopperFinder

SETTLING = 3.0
"""Seconds."""


@dataclass(frozen=True)
class Bare:
    """Milliseconds for one photo; chips a second on all cores."""

    decode: float
    """On one core, as finding: the mean, since some photos have more faces than others."""
    find: float
    """Finding the face, cutting the chip and judging it, without decoding."""
    network: float
    """One chip on one core, while every core runs one."""
    batched: float
    """A chip of a full batch, or of a batch of one where that is faster."""
    lone: float
    """From the photo to the logits where it has the machine to itself: the better of the next.

    All three are medians."""
    lone_on_one: float
    """The network on one core."""
    lone_on_all: float
    """The network on every core."""
    chips: float
    """Chips a second: the larger of batches of one and full ones, every core busy."""


@cache
def finder() -> FaceFinder:
    """One for the whole run, which has made ready what it may."""
    faces = FaceFinder()
    faces.ready()
    return faces


def bare(bundle: Bundle, photos: Sequence[bytes], runtime: Runtime, seconds: float) -> Bare:
    """Measure each part alone, in this process."""
    shoppers = ShopperFinder(finder(), bundle.facts.chip_side)
    chips = np.stack([shoppers.find(photo).chip for photo in photos])
    settle(runtime, chips[:1])

    def lone(number: int, *, alone: bool) -> None:
        chip = shoppers.find(photos[number % len(photos)]).chip
        runtime.logits(chip[None], alone=alone)

    reading = fmean(_each(lambda n: decode(photos[n % len(photos)], enough=ENOUGH), seconds))
    whole = fmean(_each(lambda n: shoppers.find(photos[n % len(photos)]), seconds))
    on_one = median(_each(lambda n: lone(n, alone=False), seconds))
    on_all = median(_each(lambda n: lone(n, alone=True), seconds))
    singly = rate(runtime, chips[:1], seconds)
    full = np.resize(chips, (runtime.batch, *chips.shape[1:]))
    batched = rate(runtime, full, seconds)
    return Bare(
        decode=reading,
        find=whole - reading,
        network=1e3 * runtime.streams / singly,
        batched=1e3 * runtime.streams / max(singly, batched),
        lone=min(on_one, on_all),
        lone_on_one=on_one,
        lone_on_all=on_all,
        chips=max(singly, batched),
    )


@dataclass(frozen=True)
class Together:
    """The parts in a row, in a thread for each core, with nothing around them."""

    rate: float
    """Photos a second."""
    processor_ms: float
    """Of processor time for a photo: more than the parts take alone, since threads share caches and
    Python's lock."""


def together(bundle: Bundle, photos: Sequence[bytes], runtime: Runtime, seconds: float) -> Together:
    """Let every core read photos and run the network on as many chips as are best run at once."""
    shoppers = ShopperFinder(finder(), bundle.facts.chip_side)
    settle(runtime, shoppers.find(photos[0]).chip[None])
    free = threading.Semaphore(runtime.streams)
    paces: list[float] = []
    photos_done: list[int] = []

    def run(number: int) -> None:
        start, done = time.perf_counter(), 0
        while (passed := time.perf_counter() - start) < seconds:
            taken = range(number + done, number + done + runtime.batch)
            chips = [shoppers.find(photos[each % len(photos)]).chip for each in taken]
            with free:
                runtime.logits(np.stack(chips))
            done += len(chips)
        paces.append(done / passed)
        photos_done.append(done)

    everyone = [threading.Thread(target=run, args=(n,)) for n in range(cores())]
    began = time.process_time()
    for thread in everyone:
        thread.start()
    for thread in everyone:
        thread.join()
    used = time.process_time() - began
    return Together(sum(paces), 1e3 * used / sum(photos_done))


def rate(runtime: Runtime, chips: Pixels, seconds: float) -> float:
    """Chips a second where each thread that may run the network runs these, again and again."""
    paces: list[float] = []

    def run() -> None:
        runtime.logits(chips)
        start, runs = time.perf_counter(), 0
        while (passed := time.perf_counter() - start) < seconds:
            runtime.logits(chips)
            runs += 1
        paces.append(runs * len(chips) / passed)

    everyone = [threading.Thread(target=run) for _ in range(runtime.streams)]
    for thread in everyone:
        thread.start()
    for thread in everyone:
        thread.join()
    return sum(paces)


def settle(runtime: Runtime, chip: Pixels) -> None:
    """Let the runtime make ready for lone chips on every core, and find its batch."""
    runtime.ready()
    end = time.perf_counter() + SETTLING
    while time.perf_counter() < end:
        runtime.logits(chip, alone=True)
        runtime.logits(np.resize(chip, (runtime.batch, *chip.shape[1:])))


def _each(call: Callable[[int], object], seconds: float) -> list[float]:
    """Milliseconds of each call."""
    taken: list[float] = []
    call(0)
    end = time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        call(len(taken))
        taken.append(1e3 * (time.perf_counter() - start))
    return taken
