"""Photos in, ages out, without a server: the scorer in this process, no gRPC, no client."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from checkout_age.server.bundle import Bundle
from checkout_age.server.face_finder import FaceFinder
from checkout_age.server.runtime import Runtime, cores
from checkout_age.server.scorer import Scorer
from checkout_age.server.shopper import ShopperFinder
from tests.bench.server.load import Answered, load


class Scoring:
    """The scorer, asked as a running server is."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    @property
    def processor_s(self) -> float:
        """Seconds of processor time that this process has used."""
        return time.process_time()

    def ask(self, folder: Path, clients: int, rate: float, seconds: float) -> Answered:
        """Load from this process, see load."""
        photos = [path.read_bytes() for path in sorted(folder.iterdir())]
        return uvloop.run(load(self._scorer.score, photos, clients, rate, seconds))


@contextmanager
def scoring(bundle: Bundle, runtime: Runtime) -> Iterator[Scoring]:
    """A scorer as the server makes it, without its process's settings and its watch; all ready."""
    scorer = Scorer(
        runtime,
        ShopperFinder(FaceFinder(), bundle.facts.chip_side),
        calibration=bundle.facts.calibration,
        threads=cores(),
    )
    try:
        scorer.ready()
        yield Scoring(scorer)
    finally:
        scorer.close()
