"""All that the edge is told by: who is let in, and how the server can be watched."""

from dataclasses import dataclass

from checkout_age.server.security import SecurityOptions
from checkout_age.server.watch_options import LogOptions, MetricsOptions, OfferOptions, TraceOptions


@dataclass(frozen=True, kw_only=True)
class EdgeOptions(SecurityOptions, LogOptions, MetricsOptions, TraceOptions, OfferOptions):
    """The parts of the table together."""
