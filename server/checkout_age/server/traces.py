"""Traces: a span for each call and each stage of a photo, sent over OTLP where asked for."""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checkout_age.server import request_id
from checkout_age.server.watch_options import TraceOptions

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span
    from opentelemetry.trace import Tracer as OpenTelemetryTracer

SERVICE_NAME = "checkout-age-server"

current: ContextVar[CallSpan | None] = ContextVar("span", default=None)
"""The span of the call that is being answered; None where it is not traced."""


class TracingMissingError(ImportError):
    """The packages that send traces are not installed."""


class Tracer:
    """Makes spans out of calls; a photo, its face or a token is never among the attributes."""

    def __init__(self, exporter: SpanExporter, share: float = 1.0) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

        self._provider = TracerProvider(
            sampler=ParentBasedTraceIdRatio(share),
            resource=Resource.create({"service.name": SERVICE_NAME}),
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer: OpenTelemetryTracer = self._provider.get_tracer(SERVICE_NAME)

    @classmethod
    def over_otlp(cls, options: TraceOptions) -> Tracer | None:
        """A tracer that sends to the collector of the options; None where they name none.

        Raises:
            TracingMissingError: the packages of the extra `tracing` are not installed.
        """
        if options.otlp_endpoint is None:
            return None
        try:
            from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        except ImportError as error:
            raise TracingMissingError(
                "otlp_endpoint needs the extra tracing: pip install checkout-age[tracing]"
            ) from error
        return cls(OTLPSpanExporter(endpoint=options.otlp_endpoint), options.trace_share)

    def begin(self, method: str, traceparent: str | None) -> CallSpan:
        """The span of a call, below the caller's own where it sent one (W3C Trace Context)."""
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        above = None
        if traceparent is not None:
            above = TraceContextTextMapPropagator().extract({"traceparent": traceparent})
        service, _, name = method[1:].partition("/")
        span = self._tracer.start_span(
            f"{service}/{name}",
            above,
            kind=SpanKind.SERVER,
            attributes={
                "rpc.system": "grpc",
                "rpc.service": service,
                "rpc.method": name,
                "checkout_age.request_id": request_id.current.get(),
            },
        )
        begun = CallSpan(self._tracer, span)
        current.set(begun if span.is_recording() else None)
        return begun

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()


@dataclass(frozen=True)
class CallSpan:
    """One call that is being traced."""

    tracer: OpenTelemetryTracer
    span: Span

    def stage(self, name: str, began: float, ended: float) -> None:
        """A stage that has passed, by the seconds of time.perf_counter."""
        from opentelemetry.trace import set_span_in_context

        now, clock = time.time_ns(), time.perf_counter()
        child = self.tracer.start_span(
            name, set_span_in_context(self.span), start_time=now - int(1e9 * (clock - began))
        )
        child.end(now - int(1e9 * (clock - ended)))

    def end(self, code: str) -> None:
        """The call has ended with the status of that name."""
        from grpc import StatusCode
        from opentelemetry.trace import Status
        from opentelemetry.trace import StatusCode as SpanStatus

        self.span.set_attribute("rpc.grpc.status_code", StatusCode[code].value[0])
        if code in {"INTERNAL", "UNKNOWN", "UNAVAILABLE", "DATA_LOSS"}:
            self.span.set_status(Status(SpanStatus.ERROR))
        self.span.end()
