"""The page of metrics: OpenMetrics over HTTP, or over HTTPS where the server has a certificate."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer


class MetricsPage:
    """Answers GET /metrics on threads of its own until it is closed."""

    def __init__(
        self,
        registry: CollectorRegistry,
        host: str,
        port: int,
        *,
        admits: Callable[[str | None], bool] = lambda _: True,
        tls: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        """Begin to answer.

        Args:
            registry: what is told.
            host: address to listen on.
            port: 0 takes a free one.
            admits: whether the value of an Authorization header may see it.
            tls: the context for a new connection; None for plain HTTP.

        Raises:
            OSError: the address cannot be bound.
        """
        page = make_wsgi_app(registry)

        def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            if environ["PATH_INFO"] not in {"/", "/metrics"}:
                start("404 Not Found", [("Content-Type", "text/plain")])
                return [b"the metrics are at /metrics\n"]
            if not admits(environ.get("HTTP_AUTHORIZATION")):
                challenge = [("Content-Type", "text/plain"), ("WWW-Authenticate", "Bearer")]
                start("401 Unauthorized", challenge)
                return [b"a token is needed: Authorization: Bearer TOKEN\n"]
            answer: Iterable[bytes] = page(environ, start)
            return answer

        class Server(ThreadingWSGIServer):
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

            def get_request(self) -> tuple[socket.socket, Any]:
                connection, peer = super().get_request()
                if tls is not None:  # the handshake is left to the connection's own thread
                    connection = tls().wrap_socket(
                        connection, server_side=True, do_handshake_on_connect=False
                    )
                return connection, peer

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A scraper that hung up or spoke no TLS is no news."""

        self._server = make_server(host, port, application, Server, handler_class=_Quiet)
        shown = f"[{host}]" if ":" in host else host
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://{shown}:{self._server.server_port}/metrics"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="metrics"
        )
        self._thread.daemon = True
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Quiet(WSGIRequestHandler):
    timeout = 10
    """Seconds that a connection may be silent."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as its parent has it
        """Say nothing."""
