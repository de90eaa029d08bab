"""What the scheduler tells of itself in OpenMetrics."""

from datetime import datetime
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Info, start_http_server

from checkout_age.batch.run_record import RunRecord, versions

PREFIX = "checkout_age_batch"


class NightMetrics:
    """Counts of nights and purchases, and when things happened or will."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._server: WSGIServer | None = None
        registry = self.registry
        self._nights = Counter(
            f"{PREFIX}_nights", "Runs of nights by their result.", ["result"], registry=registry
        )
        self._rows = Counter(
            f"{PREFIX}_rows", "Rows written anew, by status.", ["status"], registry=registry
        )
        self._retries = Counter(
            f"{PREFIX}_stream_retries", "Streams that were begun anew.", registry=registry
        )
        self._seconds = Counter(
            f"{PREFIX}_stage_seconds", "Seconds that runs took.", ["stage"], registry=registry
        )
        self._deleted = Counter(
            f"{PREFIX}_photos_deleted", "Photos removed after their time.", registry=registry
        )
        self._ended = Gauge(
            f"{PREFIX}_last_success_timestamp_seconds",
            "When a round last left no night behind.",
            registry=registry,
        )
        self._next = Gauge(
            f"{PREFIX}_next_round_timestamp_seconds", "When the next is due.", registry=registry
        )
        self._behind = Gauge(
            f"{PREFIX}_nights_behind", "Nights due that are not whole.", registry=registry
        )
        self._running = Gauge(
            f"{PREFIX}_running", "1 while a round of nights runs.", registry=registry
        )
        Info(PREFIX, "Versions.", registry=registry).info(
            {name.replace("-", "_"): version for name, version in versions().items()}
        )
        for result in ("done", "nothing_to_do", "failed"):
            self._nights.labels(result)

    def serve(self, host: str, port: int) -> int:
        """Answer scrapes, in OpenMetrics where asked; gives the port, a free one for 0.

        Raises:
            OSError: nothing can listen there.
        """
        self._server, _ = start_http_server(port, host, self.registry)
        return int(self._server.server_port)

    def close(self) -> None:
        """Answer no longer."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def ran(self, run: RunRecord) -> None:
        """A run ended well."""
        self._nights.labels(run.result).inc()
        self._retries.inc(run.retries)
        if run.result == "done":
            for status, count in run.rows_by_status.items():
                self._rows.labels(status).inc(count)
        for stage, seconds in run.seconds_by_stage.items():
            self._seconds.labels(stage).inc(seconds)

    def failed(self) -> None:
        """A run failed."""
        self._nights.labels("failed").inc()

    def deleted(self, photos: int) -> None:
        """Photos were removed."""
        self._deleted.inc(photos)

    def round_begins(self, nights: int) -> None:
        """A round looked for nights and found some that are not whole."""
        self._running.set(1)
        self._behind.set(nights)

    def round_ends(self, behind: int, now: datetime) -> None:
        """A round is over and left nights behind, or none."""
        self._running.set(0)
        self._behind.set(behind)
        if not behind:
            self._ended.set(now.timestamp())

    def next_round(self, at: datetime | None) -> None:
        """When the next is due."""
        self._next.set(at.timestamp() if at is not None else float("nan"))
