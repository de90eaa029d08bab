"""Chips in, ages out: the server's own queue, threads and calibration around the runtime."""

import asyncio
import time

import numpy as np

from checkout_age.server.bundle import Bundle
from checkout_age.server.photo import Pixels
from checkout_age.server.runtime import Runtime, cores
from checkout_age.server.scorer import Scorer
from checkout_age.server.shopper import ShopperFinder
from tests.bench.server.parts import finder, rate, settle

CLIENTS = 16


def chips_against_bare(
    bundle: Bundle, photos: list[bytes], runtime: Runtime, seconds: float, rounds: int
) -> list[float]:
    """What share of the bare runtime's chips a second the server's scorer reaches, each round."""
    shoppers = ShopperFinder(finder(), bundle.facts.chip_side)
    chips = np.stack([shoppers.find(photo).chip for photo in photos])
    settle(runtime, chips[:1])
    full = np.resize(chips, (runtime.batch, *chips.shape[1:]))
    shares = []
    for _ in range(rounds):
        bare = max(rate(runtime, some, seconds) for some in (full, chips[:1]))
        scorer = Scorer(runtime, shoppers, calibration=bundle.facts.calibration, threads=cores())
        shares.append(asyncio.run(_rate(scorer, chips, seconds)) / bare)
        scorer.close()
    return shares


async def _rate(scorer: Scorer, chips: Pixels, seconds: float) -> float:
    start = time.perf_counter()

    async def client(number: int) -> int:
        done = 0
        while time.perf_counter() - start < seconds:
            await scorer.score_chip(chips[(number + done) % len(chips)])
            done += 1
        return done

    done = await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    return sum(done) / (time.perf_counter() - start)
