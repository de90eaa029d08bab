"""A connection to the server: one that runs elsewhere, or one started for this run alone."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from checkout_age.v1 import age_estimation_pb2 as pb

START_TIMEOUT = 180.0
"""Seconds that a server started for the run has to load its model."""
STOP_TIMEOUT = 30.0
POLL = 0.1
SERVICE = pb.DESCRIPTOR.services_by_name["AgeEstimationService"].full_name
OPTIONS = (("grpc.keepalive_time_ms", 300_000),)
"""A server whose machine has vanished is noticed, not waited for."""


class NoServerError(ConnectionError):
    """No server is ready to score; nothing was written."""


@contextmanager
def connect(address: str, timeout: float = 30.0) -> Iterator[grpc.Channel]:
    """A channel to a server that says it is serving.

    Raises:
        NoServerError: nothing serves at the address within the timeout in seconds.
    """
    with grpc.insecure_channel(address, OPTIONS) as channel:
        _wait_until_serving(channel, address, time.monotonic() + timeout)
        yield channel


@contextmanager
def started(model: Path | None) -> Iterator[grpc.Channel]:
    """A channel to a server of our own, which ends with the block or with this process.

    Raises:
        NoServerError: the server could not start; the message holds its last words.
    """
    with tempfile.TemporaryDirectory(prefix="checkout-age-") as folder:
        port_file, log = Path(folder) / "port", Path(folder) / "server.log"
        with log.open("wb") as output:
            server = subprocess.Popen(  # noqa: S603  # our own server, no shell
                [
                    *(sys.executable, "-m", "checkout_age.server"),
                    *(() if model is None else ("--model", str(model))),
                    *("--port", "0", "--port-file", str(port_file)),
                    "--until-stdin-closes",
                ],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us; the server ends with its input
            )
        try:
            deadline = time.monotonic() + START_TIMEOUT
            address = _address(server, port_file, log, deadline)
            # a proxy for the internet is no way to ourselves
            with grpc.insecure_channel(
                address, (*OPTIONS, ("grpc.enable_http_proxy", 0))
            ) as channel:
                _wait_until_serving(channel, address, deadline, lambda: _require(server, log))
                yield channel
        except ConnectionError as error:
            if not isinstance(error, NoServerError):  # that one holds its last words
                sys.stderr.write(log.read_text(errors="replace"))  # it goes with the folder
            raise
        finally:
            _stop(server)


def _address(server: subprocess.Popen[bytes], port_file: Path, log: Path, deadline: float) -> str:
    while not port_file.exists():
        _require(server, log)
        if time.monotonic() > deadline:
            raise NoServerError(f"the server did not start: {_last_words(log)}")
        time.sleep(POLL)
    return port_file.read_text().strip()


def _require(server: subprocess.Popen[bytes], log: Path) -> None:
    if server.poll() is not None:
        raise NoServerError(f"the server did not start: {_last_words(log)}")


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def _wait_until_serving(
    channel: grpc.Channel,
    address: str,
    deadline: float,
    require_alive: Callable[[], None] = lambda: None,
) -> None:
    health = health_pb2_grpc.HealthStub(channel)
    request = health_pb2.HealthCheckRequest(service=SERVICE)
    last = "it is not serving"
    while time.monotonic() < deadline:
        require_alive()
        try:
            answer = health.Check(request, timeout=5)  # type: ignore[attr-defined]  # untyped stub
            if answer.status == health_pb2.HealthCheckResponse.SERVING:
                return
            last = "its model is still loading"
        except grpc.RpcError as error:
            last = error.details() or str(error.code())
        time.sleep(POLL)
    raise NoServerError(f"no server is ready at {address}: {last}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    assert server.stdin is not None
    server.stdin.close()
    try:
        server.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
