"""The options that say how the server can be watched."""

from dataclasses import dataclass
from enum import StrEnum

from checkout_age.server.options import Options, option

LAST_PORT = 65535


class LogFormat(StrEnum):
    """How a line looks."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """The least that is told."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True)
class LogOptions(Options):
    """What it logs, on standard error"""

    log_format: LogFormat = option(LogFormat.TEXT, "lines for people or JSON objects")
    log_level: LogLevel = option(LogLevel.INFO, "the least that is told; info tells every call")


@dataclass(frozen=True, kw_only=True)
class MetricsOptions(Options):
    """Where it tells its metrics"""

    metrics_host: str = option("127.0.0.1", "address of the page of metrics")
    metrics_port: int | None = option(
        None,
        "port of http://HOST:PORT/metrics in OpenMetrics, 0 for a free one",
        at_least=0,
        at_most=LAST_PORT,
        unset="no page",
    )


@dataclass(frozen=True, kw_only=True)
class TraceOptions(Options):
    """What it traces"""

    otlp_endpoint: str | None = option(
        None,
        "OpenTelemetry collector to send traces to over OTLP, as http://HOST:4317 "
        "(needs the extra `tracing`)",
        unset="no traces",
    )
    trace_share: float = option(
        1.0,
        "share of the calls that are traced, from 0 to 1; a caller's own trace counts as it says",
        at_least=0,
        at_most=1,
    )


@dataclass(frozen=True, kw_only=True)
class OfferOptions(Options):
    """What it offers beside its own service"""

    reflection: bool = option(True, "describe the services to tools such as grpcurl and Postman")
    channelz: bool = option(False, "tell of its connections over grpc.channelz.v1")
    open_inference: bool = option(
        True, "answer the Open Inference Protocol v2 (KServe, Triton) as well"
    )
