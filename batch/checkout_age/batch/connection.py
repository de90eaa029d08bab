"""A connection to the server: one that runs elsewhere, or one started for this run alone."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from checkout_age.client import Access
from checkout_age.client.channel import open_channel
from checkout_age.v1 import age_estimation_pb2 as pb

POLL = 0.1
SERVICE = pb.DESCRIPTOR.services_by_name["AgeEstimationService"].full_name
OPTIONS = (
    ("grpc.service_config", "{}"),  # a night waits for its server itself, and longer
    ("grpc.enable_retries", 0),
    ("grpc.use_local_subchannel_pool", 1),  # a renewed channel is a new connection
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),
)


class NoServerError(ConnectionError):
    """No server is ready to score."""


class Server(Protocol):
    """Somebody who scores, over connections that can be renewed."""

    def channel(self) -> grpc.Channel:
        """The connection, opened where it is not."""

    def renew(self) -> None:
        """Have the next channel be a new connection."""


class RemoteServer:
    """A server at an address."""

    def __init__(self, address: str, access: Access | None = None) -> None:
        self.address = address
        self._access = access
        self._channel: grpc.Channel | None = None

    def channel(self) -> grpc.Channel:
        """The connection. Raises AccessError where certificates or token cannot be used."""
        if self._channel is None:
            self._channel = open_channel(self.address, self._access, OPTIONS)
        return self._channel

    def renew(self) -> None:
        """Close the connection; the next is another."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None


@contextmanager
def reached(
    address: str, access: Access | None = None, timeout: float = 30.0
) -> Iterator[RemoteServer]:
    """A server at an address, once it says that it is serving.

    Raises:
        NoServerError: nothing serves at the address within the timeout in seconds.
        AccessError: the certificates or the token cannot be used.
    """
    server = RemoteServer(address, access)
    try:
        wait_until_serving(server.channel(), address, time.monotonic() + timeout)
        yield server
    finally:
        server.renew()


@contextmanager
def connect(
    address: str, timeout: float = 30.0, access: Access | None = None
) -> Iterator[grpc.Channel]:
    """A channel to a server that says it is serving; raises as `reached` does."""
    with reached(address, access, timeout) as server:
        yield server.channel()


def wait_until_serving(
    channel: grpc.Channel,
    address: str,
    deadline: float,
    require_alive: Callable[[], None] = lambda: None,
) -> None:
    """Ask for the server's health until it serves.

    Raises:
        NoServerError: it does not, at the deadline of the monotonic clock, or refuses us.
    """
    health = health_pb2_grpc.HealthStub(channel)
    request = health_pb2.HealthCheckRequest(service=SERVICE)
    last = "it is not serving"
    while True:
        require_alive()
        try:
            answer = health.Check(request, timeout=5)  # type: ignore[attr-defined]  # untyped stub
            if answer.status == health_pb2.HealthCheckResponse.SERVING:
                return
            last = "its model is still loading"
        except grpc.RpcError as error:
            last = error.details() or str(error.code())
            if error.code() in (
                grpc.StatusCode.UNAUTHENTICATED,
                grpc.StatusCode.PERMISSION_DENIED,
            ):
                break
        if time.monotonic() > deadline:
            break
        time.sleep(POLL)
    raise NoServerError(f"no server is ready at {address}: {last}")
