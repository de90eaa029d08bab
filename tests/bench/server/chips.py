"""Chips in, ages out: the server's own queue, threads and calibration around the runtime."""

import asyncio
import time

import uvloop

from checkout_age.server.bundle import Bundle
from checkout_age.server.photo import Pixels
from checkout_age.server.runtime import cores
from checkout_age.server.scorer import Scorer
from tests.bench.server.load import CLIENTS
from tests.bench.server.parts import Network

TURNS = 4
"""Of bare runtime and scorer in a round: the machine's pace changes meanwhile."""


def chips_against_bare(
    bundle: Bundle, network: Network, seconds: float, rounds: int
) -> list[float]:
    """What share of the bare runtime's chips a second the server's scorer reaches, each round."""
    return [_round(bundle, network, seconds / TURNS) for _ in range(rounds)]


def _round(bundle: Bundle, network: Network, seconds: float) -> float:
    bare = reached = 0.0
    for _ in range(TURNS):
        bare += network.rate(seconds)
        scorer = Scorer(
            network.runtime,
            network.shoppers,
            calibration=bundle.facts.calibration,
            threads=cores(),
        )
        reached += uvloop.run(_rate(scorer, network.chips, seconds))  # on the server's own loop
        scorer.close()
    return reached / bare


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
