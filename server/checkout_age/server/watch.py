"""The watch: is told what happens to each photo, and tells metrics and traces."""

from typing import Protocol

from checkout_age.server import traces
from checkout_age.server.metrics import Metrics


class Watch(Protocol):
    """Is told what happens to photos, on the event loop, in the context of their call."""

    def stage(self, name: str, began: float, ended: float) -> None:
        """A photo was in a stage between two seconds of time.perf_counter."""

    def batch(self, size: int) -> None:
        """The network has run on so many chips; from any thread."""

    def photo(self, outcome: str) -> None:
        """A photo was answered: "estimate", or the name of its problem in small letters."""


class Unwatched:
    """Tells nobody."""

    def stage(self, name: str, began: float, ended: float) -> None:
        """See Watch."""

    def batch(self, size: int) -> None:
        """See Watch."""

    def photo(self, outcome: str) -> None:
        """See Watch."""


class Watched:
    """Counts, and adds to the span of a call that is traced."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.batch = metrics.batch
        self.photo = metrics.photo

    def stage(self, name: str, began: float, ended: float) -> None:
        """See Watch."""
        self._metrics.stage(name, ended - began)
        span = traces.current.get()
        if span is not None:
            span.stage(name, began, ended)
