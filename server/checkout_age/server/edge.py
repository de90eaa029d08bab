"""The edge: what stands between the port and the services, as the options say."""

import logging
from collections.abc import Iterable
from functools import partial

import grpc
from grpc_channelz.v1 import channelz, channelz_pb2
from grpc_reflection.v1alpha import reflection

from checkout_age.server.calls import Calls
from checkout_age.server.certificates import Certificates
from checkout_age.server.edge_options import EdgeOptions
from checkout_age.server.guard import Guard
from checkout_age.server.metrics import Metrics
from checkout_age.server.metrics_page import MetricsPage
from checkout_age.server.queue import PhotoQueue, Urgency
from checkout_age.server.rate import Rates
from checkout_age.server.security import is_loopback
from checkout_age.server.tokens import Tokens
from checkout_age.server.traces import Tracer
from checkout_age.server.watch import Watched

logger = logging.getLogger(__name__)


class PortTakenError(OSError):
    """Nothing can listen on the address; another port may be free."""


class Edge:
    """TLS, tokens, rates, request ids, metrics, logs and traces of one server."""

    def __init__(self, options: EdgeOptions) -> None:
        """Read certificates and tokens.

        Raises:
            CertificatesError: the certificates cannot be used.
            TokensError: the tokens cannot be used.
            TracingMissingError: traces are asked for, but what sends them is not installed.
        """
        self._options = options
        self._certificates = (
            None
            if options.tls_cert is None or options.tls_key is None
            else Certificates(options.tls_cert, options.tls_key, options.client_ca)
        )
        tokens = None if options.tokens is None else Tokens(options.tokens)
        rate = options.rate_limit
        self._guard = Guard(tokens, None if rate is None else Rates(rate, options.rate_burst))
        self.metrics = Metrics()
        self.watch = Watched(self.metrics)
        self._tracer = Tracer.over_otlp(options)
        self._page: MetricsPage | None = None
        self.interceptor = Calls(
            self._guard, self.metrics, self._tracer, max_seconds=options.max_call_seconds
        )

    @property
    def server_options(self) -> list[tuple[str, int]]:
        """What gRPC's server is opened with."""
        return [
            ("grpc.enable_channelz", int(self._options.channelz)),
            ("grpc.keepalive_time_ms", 60_000),  # clients that have vanished are let go
            ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
        ]

    def offer(self, server: grpc.aio.Server, services: Iterable[str]) -> None:
        """Add what tools ask for beside the services."""
        names = list(services)
        if self._options.channelz:
            channelz.add_channelz_servicer(server)
            names.append(channelz_pb2.DESCRIPTOR.services_by_name["Channelz"].full_name)
        if self._options.reflection:
            reflection.enable_server_reflection((*names, reflection.SERVICE_NAME), server)

    def bind(self, server: grpc.aio.Server, host: str, port: int) -> str:
        """Open the port, encrypted where there is a certificate; gives HOST:PORT.

        Raises:
            PortTakenError: the address cannot be bound.
        """
        shown = f"[{host}]" if ":" in host else host
        try:
            if self._certificates is None:
                bound = server.add_insecure_port(f"{shown}:{port}")
            else:
                bound = server.add_secure_port(f"{shown}:{port}", self._certificates.credentials())
        except RuntimeError as error:
            raise PortTakenError(
                f"cannot listen on {shown}:{port}: it is taken or no address of this machine"
            ) from error
        if self._options.tokens is None and not is_loopback(host):
            logger.warning("no tokens are asked for: whoever reaches %s may call", shown)
        return f"{shown}:{bound}"

    def serves(self, name: str, version: str, queue: PhotoQueue) -> None:
        """From now on another model answers."""
        self.metrics.model(name, version)
        for urgency in Urgency:
            self.metrics.queue(urgency.name.lower(), partial(queue.waiting, urgency))

    def open(self) -> None:
        """Begin to tell metrics, where asked for. Raises PortTakenError."""
        host, port = self._options.metrics_host, self._options.metrics_port
        if port is None:
            return
        tls = None if self._certificates is None else self._certificates.context
        try:
            self._page = MetricsPage(
                self.metrics.registry, host, port, admits=self._guard.admits, tls=tls
            )
        except OSError as error:
            raise PortTakenError(
                f"cannot tell metrics on {host}:{port}: {error.strerror or error}"
            ) from error
        logger.info("metrics on %s", self._page.url)

    def close(self) -> None:
        """Tell no more; send the traces that are left."""
        if self._page is not None:
            self._page.close()
        if self._tracer is not None:
            self._tracer.close()
