"""Tallies: counts that cost little to add to, told as metrics when they are asked for."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from threading import Lock

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry


class Counts(Collector):
    """How often something happened, by its labels; added to from one thread alone."""

    def __init__(
        self, name: str, what: str, labels: Sequence[str], registry: CollectorRegistry
    ) -> None:
        self._name, self._what, self._labels = name, what, labels
        self._counts: dict[tuple[str, ...], int] = {}
        registry.register(self)

    def add(self, *labels: str) -> None:
        """It happened once more."""
        self._counts[labels] = self._counts.get(labels, 0) + 1

    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        family = CounterMetricFamily(self._name, self._what, labels=self._labels)
        for labels, count in list(self._counts.items()):
            family.add_metric(labels, count)
        yield family

    def describe(self) -> Iterable[Metric]:
        """See Collector."""
        return [CounterMetricFamily(self._name, self._what, labels=self._labels)]


class Spread(Collector):
    """How values are spread over buckets, by one label; safe to add to from several threads."""

    def __init__(
        self,
        name: str,
        what: str,
        label: str,
        bounds: Sequence[float],
        registry: CollectorRegistry,
    ) -> None:
        self._name, self._what, self._label, self._bounds = name, what, label, bounds
        self._counts: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}
        self._lock = Lock()
        registry.register(self)

    def add(self, label: str, value: float) -> None:
        """One more value."""
        place = bisect_left(self._bounds, value)
        with self._lock:
            counts = self._counts.get(label)
            if counts is None:
                counts = self._counts[label] = [0] * (len(self._bounds) + 1)
                self._sums[label] = 0.0
            counts[place] += 1
            self._sums[label] += value

    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        family = self._family()
        with self._lock:
            told = [
                (label, list(counts), self._sums[label]) for label, counts in self._counts.items()
            ]
        bounds = [*map(str, map(float, self._bounds)), "+Inf"]
        for label, counts, total in told:
            upto, buckets = 0, []
            for bound, count in zip(bounds, counts, strict=True):
                upto += count
                buckets.append((bound, float(upto)))
            family.add_metric([label] if self._label else [], buckets, total)
        yield family

    def describe(self) -> Iterable[Metric]:
        """See Collector."""
        return [self._family()]

    def _family(self) -> HistogramMetricFamily:
        labels = [self._label] if self._label else []
        return HistogramMetricFamily(self._name, self._what, labels=labels)
