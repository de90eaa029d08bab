"""A server that is asked in several turns, and what it told."""

from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from tests.bench.server.load import Answered
from tests.bench.server.processes import Running
from tests.bench.server.scoring import Scoring


@dataclass
class Asked:
    """What a server was asked in several turns."""

    server: Running | Scoring
    photos: Path
    """A folder."""
    told: list[Answered] = field(default_factory=list)
    used_s: float = 0.0

    def turn(self, clients: int, seconds: float, rate: float = 0.0) -> None:
        """Ask once more, with so many clients or at random at a rate."""
        before = self.server.processor_s
        self.told.append(self.server.ask(self.photos, clients, rate, seconds))
        self.used_s += self.server.processor_s - before

    def mean(self, name: str) -> float:
        """Of a figure of all turns."""
        return fmean(getattr(told, name) for told in self.told)

    @property
    def failed(self) -> int:
        """Calls of all turns that were not answered."""
        return sum(told.failed for told in self.told)

    @property
    def server_ms(self) -> float:
        """Processor time of the server for a photo."""
        return 1e3 * self.used_s / max(sum(told.answers for told in self.told), 1)
