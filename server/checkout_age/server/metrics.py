"""Metrics: what the server counts, as OpenMetrics tells it."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
BATCHES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """The counts of one server. Every child is kept, none is looked up twice."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        self._calls = Counter(
            "checkout_age_requests", "Calls by outcome.", ("method", "code"), registry=registry
        )
        self._call_seconds = Histogram(
            "checkout_age_request_seconds",
            "Seconds from a call's arrival to its end.",
            ("method",),
            buckets=SECONDS,
            registry=registry,
        )
        self._running = Gauge(
            "checkout_age_requests_running", "Calls being answered.", registry=registry
        )
        self._photos = Counter(
            "checkout_age_photos", "Photos by outcome.", ("outcome",), registry=registry
        )
        self._stages = Histogram(
            "checkout_age_stage_seconds",
            "Seconds that a photo waits or is worked on in one stage.",
            ("stage",),
            buckets=SECONDS,
            registry=registry,
        )
        self._batches = Histogram(
            "checkout_age_batch_size",
            "Chips that the network was run on at once.",
            buckets=BATCHES,
            registry=registry,
        )
        self._queue = Gauge(
            "checkout_age_queue_photos",
            "Photos that wait for a thread.",
            ("urgency",),
            registry=registry,
        )
        self._model = Gauge(
            "checkout_age_model", "1 for the model served.", ("name", "version"), registry=registry
        )
        self._of_call: dict[tuple[str, str], tuple[Counter, Histogram]] = {}
        self._of_outcome: dict[str, Counter] = {}
        self._of_stage: dict[str, Histogram] = {}

    def call_begins(self) -> None:
        """A call has arrived."""
        self._running.inc()

    def call_ends(self, method: str, code: str, seconds: float) -> None:
        """That call has been answered, with the name of a status code."""
        self._running.dec()
        self.refused(method, code, seconds)

    def refused(self, method: str, code: str, seconds: float = 0.0) -> None:
        """A call has been refused before its handler began."""
        children = self._of_call.get((method, code))
        if children is None:
            children = self._calls.labels(method, code), self._call_seconds.labels(method)
            self._of_call[method, code] = children
        children[0].inc()
        children[1].observe(seconds)

    def stage(self, name: str, seconds: float) -> None:
        """A photo has spent so many seconds in a stage of its way."""
        child = self._of_stage.get(name)
        if child is None:
            child = self._of_stage[name] = self._stages.labels(name)
        child.observe(seconds)

    def batch(self, size: int) -> None:
        """The network has run on so many chips."""
        self._batches.observe(size)

    def photo(self, outcome: str) -> None:
        """A photo was answered: "estimate", or the name of its problem in small letters."""
        child = self._of_outcome.get(outcome)
        if child is None:
            child = self._of_outcome[outcome] = self._photos.labels(outcome)
        child.inc()

    def model(self, name: str, version: str) -> None:
        """Another model is served from now on."""
        self._model.clear()
        self._model.labels(name, version).set(1)

    def queue(self, urgency: str, length: Callable[[], float]) -> None:
        """Where to look for how many photos wait."""
        self._queue.labels(urgency).set_function(length)
