"""All that the edge is told by: who is let in, and how the server can be watched."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from checkout_age.server.security import SecurityOptions
from checkout_age.server.watch_options import LogOptions, MetricsOptions, OfferOptions, TraceOptions


@dataclass(frozen=True, kw_only=True)
class EdgeOptions(SecurityOptions, LogOptions, MetricsOptions, TraceOptions, OfferOptions):
    """The parts of the table together."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.otlp_endpoint is not None and not is_url(self.otlp_endpoint):
            raise ValueError(
                "otlp_endpoint must be http://HOST:PORT or https://HOST:PORT, "
                f"got {self.otlp_endpoint!r}"
            )


def is_url(text: str) -> bool:
    """Whether it names a host, and a port that there can be, over HTTP."""
    try:
        url = urlsplit(text)
        return url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        return False
