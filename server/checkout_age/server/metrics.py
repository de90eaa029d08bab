"""Metrics: what the server counts, as OpenMetrics tells it."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

from checkout_age.server.tally import Counts, Spread

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
BATCHES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """The counts of one server; added to by the event loop, batches by any thread."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        self._running = 0
        self._calls = Counts(
            "checkout_age_requests", "Calls by outcome.", ("method", "code"), registry
        )
        self._call_seconds = Spread(
            "checkout_age_request_seconds",
            "Seconds from a call's arrival to its end.",
            "method",
            SECONDS,
            registry,
        )
        self._photos = Counts("checkout_age_photos", "Photos by outcome.", ("outcome",), registry)
        self._stages = Spread(
            "checkout_age_stage_seconds",
            "Seconds that a photo waits or is worked on in one stage.",
            "stage",
            SECONDS,
            registry,
        )
        self._batches = Spread(
            "checkout_age_batch_size",
            "Chips that the network ran on at once.",
            "",
            BATCHES,
            registry,
        )
        running = Gauge("checkout_age_requests_running", "Calls being answered.", registry=registry)
        running.set_function(lambda: self._running)
        self._queue = Gauge(
            "checkout_age_queue_photos",
            "Photos that wait for a thread.",
            ("urgency",),
            registry=registry,
        )
        self._model = Gauge(
            "checkout_age_model", "1 for the model served.", ("name", "version"), registry=registry
        )

    def call_begins(self) -> None:
        """A call has arrived."""
        self._running += 1

    def call_ends(self, method: str, code: str, seconds: float) -> None:
        """That call has been answered, with the name of a status code."""
        self._running -= 1
        self.refused(method, code, seconds)

    def refused(self, method: str, code: str, seconds: float = 0.0) -> None:
        """A call has been refused before its handler began."""
        self._calls.add(method, code)
        self._call_seconds.add(method, seconds)

    def stage(self, name: str, seconds: float) -> None:
        """A photo has spent so many seconds in a stage of its way."""
        self._stages.add(name, seconds)

    def batch(self, size: int) -> None:
        """The network has run on so many chips."""
        self._batches.add("", size)

    def photo(self, outcome: str) -> None:
        """A photo was answered: "estimate", or the name of its problem in small letters."""
        self._photos.add(outcome)

    def model(self, name: str, version: str) -> None:
        """Another model is served from now on."""
        self._model.clear()
        self._model.labels(name, version).set(1)

    def queue(self, urgency: str, length: Callable[[], float]) -> None:
        """Where to look for how many photos wait."""
        self._queue.labels(urgency).set_function(length)
