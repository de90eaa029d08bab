"""Photos in, ages out, without a server: the scorer in this process, no gRPC, no client."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvloop

from checkout_age.server.bundle import Bundle
from checkout_age.server.face_finder import FaceFinder
from checkout_age.server.runtime import Runtime, cores
from checkout_age.server.runtime_options import RuntimeOptions
from checkout_age.server.scorer import Scorer
from checkout_age.server.shopper import ShopperFinder
from tests.bench.server.load import Answered, closed, opened


class Scoring:
    """What asks the scorer as load asks a server."""

    def __init__(self, scorer: Scorer, photos: Sequence[bytes]) -> None:
        self._scorer, self._photos = scorer, list(photos)

    def crowd(self, clients: int, seconds: float) -> Answered:
        """So many that each ask again once answered."""
        with _loop() as runner:
            return runner.run(closed(self._scorer.score, self._photos, clients, seconds))

    def turn(self, rate: float, seconds: float) -> Answered:
        """Photos that arrive at random; what they cost is told as the client's."""
        with _loop() as runner:
            return runner.run(opened(self._scorer.score, self._photos, rate, seconds))


@contextmanager
def scoring(bundle: Bundle, runtime: Runtime, photos: Sequence[bytes]) -> Iterator[Scoring]:
    """A scorer as the server makes it, without its process's settings and its watch; all ready."""
    scorer = Scorer(
        runtime,
        ShopperFinder(FaceFinder(), bundle.facts.chip_side),
        calibration=bundle.facts.calibration,
        threads=cores(),
        busy_wait=RuntimeOptions().used_busy_wait,
    )
    try:
        scorer.ready()
        yield Scoring(scorer, photos)
    finally:
        scorer.close()


def _loop() -> asyncio.Runner:
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)  # the server's own
