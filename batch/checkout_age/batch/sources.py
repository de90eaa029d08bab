"""Where nights are read from, scored and written to, and how."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from checkout_age.batch.connection import RemoteServer, Server, reached
from checkout_age.batch.own_server import started
from checkout_age.batch.place import Place
from checkout_age.batch.progress import Watch
from checkout_age.batch.purchases import Shop
from checkout_age.batch.scoring import Patience
from checkout_age.client import Access

READERS = 8


@dataclass(frozen=True)
class Scorer:
    """Who scores, and how long to wait for them."""

    server: str | None = None
    """host:port of a running server; None starts one for the run, with `model`."""
    model: Path | None = None
    """None: the one that the server ships."""
    access: Access | None = None
    patience: Patience = field(default_factory=Patience)
    readers: int = READERS
    """Threads that read photos."""

    def __post_init__(self) -> None:
        if self.readers < 1:
            raise ValueError(f"at least one thread must read photos, got {self.readers}")

    @contextmanager
    def reached(self, watch: Watch) -> Iterator[Server]:
        """The server, once it serves; one of our own ends with the block.

        Raises:
            NoServerError: none serves, however long we wait.
            AccessError: the certificates or the token cannot be used.
        """
        if self.server is None:
            watch.say("starting a server")
            with started(self.model) as own:
                yield own
        else:
            watch.say(f"reaching {self.server}")
            remote: RemoteServer
            with reached(self.server, self.access, min(self.patience.away, 60.0)) as remote:
                yield remote


@dataclass(frozen=True)
class Sources:
    """A shop's purchases, photos and lake. Each place is a path or a URI that pyarrow knows."""

    purchases: str | Path | Place
    photos: str | Path | Place
    out: str | Path | Place
    zone: ZoneInfo
    scorer: Scorer = field(default_factory=Scorer)

    def shop(self) -> Shop:
        """Where the purchases are listed. Raises PlaceError."""
        return Shop(Place.of(self.purchases), self.zone)
