"""Channels: connections that retry, follow the server's health and carry the token."""

from collections.abc import Callable, Iterable
from importlib.resources import files
from typing import Any, NamedTuple

import grpc

from checkout_age.client.access import Access, is_loopback

SERVICE_CONFIG = files("checkout_age.client").joinpath("service_config.json").read_text("utf-8")
"""Retries, timeouts and health checking, as any gRPC client in any language takes them."""
LARGEST_RETRIED = 32 * 2**20
"""Bytes of a call that are kept for another try; gRPC's own 256 KiB are less than a photo."""


def channel_options(address: str, access: Access) -> list[tuple[str, Any]]:
    """The options that a channel to the server is best opened with."""
    options: list[tuple[str, Any]] = [
        ("grpc.service_config", SERVICE_CONFIG),
        ("grpc.per_rpc_retry_buffer_size", LARGEST_RETRIED),
        ("grpc.max_reconnect_backoff_ms", 5_000),  # a server that starts again is soon found
        ("grpc.keepalive_time_ms", 300_000),  # a machine that has vanished is noticed
    ]
    if is_loopback(address):
        options.append(("grpc.enable_http_proxy", 0))  # no proxy is the way to ourselves
    if access.server_name is not None:
        options.append(("grpc.ssl_target_name_override", access.server_name))
    return options


def open_channel(
    address: str, access: Access | None = None, options: Iterable[tuple[str, Any]] = ()
) -> grpc.Channel:
    """A channel whose every call carries the token; further options win over ours.

    Raises:
        AccessError: the certificates or the token cannot be used.
    """
    access = access or Access()
    credentials = access.credentials(address)
    access.metadata()  # a missing token is told now, not at the first call
    every = [*channel_options(address, access), *options]
    if credentials is None:
        channel = grpc.insecure_channel(address, every)
    else:
        channel = grpc.secure_channel(address, credentials, every)
    if access.token is None and access.token_file is None:
        return channel
    return grpc.intercept_channel(channel, _CarriesToken(access))


def open_async_channel(address: str, access: Access) -> grpc.aio.Channel:
    """The same for asyncio; the token is given with each call.

    Raises:
        AccessError: the certificates cannot be used.
    """
    credentials = access.credentials(address)
    options = channel_options(address, access)
    if credentials is None:
        return grpc.aio.insecure_channel(address, options)
    return grpc.aio.secure_channel(address, credentials, options)


class _Call(NamedTuple):
    method: str
    timeout: float | None
    metadata: Any
    credentials: Any
    wait_for_ready: bool | None
    compression: Any


class _CallDetails(_Call, grpc.ClientCallDetails):
    """The details of one call, metadata renewed."""


class _CarriesToken(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Puts the token on every call, whatever its kind."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def _call(self, proceed: Callable[..., Any], details: Any, request: Any) -> Any:
        metadata = (*(details.metadata or ()), *self._access.metadata())
        renewed = _CallDetails(
            details.method,
            details.timeout,
            metadata,
            details.credentials,
            details.wait_for_ready,
            details.compression,
        )
        return proceed(renewed, request)

    intercept_unary_unary: Any = _call
    intercept_unary_stream: Any = _call
    intercept_stream_unary: Any = _call
    intercept_stream_stream: Any = _call
