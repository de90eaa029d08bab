"""A server process from its first breath to its last, and the chaos in its short form."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from checkout_age.v1 import age_estimation_pb2 as pb
from checkout_age.v1 import age_estimation_pb2_grpc as pb_grpc
from tests.chaos.process import ServerProcess
from tests.e2e.samples import frames

pytestmark = pytest.mark.slow


@pytest.fixture
def started(shipped_model: Path, tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    servers = []

    def start(*options: str) -> ServerProcess:
        server = ServerProcess(shipped_model, tmp_path, options)
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.kill()


def endless(photo: bytes) -> Iterator[pb.EstimateAgesRequest]:
    while True:
        yield pb.EstimateAgesRequest(photo=photo)


def to_the_end(stream: Iterator[pb.EstimateAgesResponse]) -> tuple[int, Any]:
    """How many more answers a stream gives, and the error that it ends with."""
    answers = 0
    while True:
        try:
            answers += next(stream).HasField("estimate")
        except grpc.RpcError as error:
            return answers, error


def wait_until_nobody_is_let_in(stub: "pb_grpc.AgeEstimationServiceStub") -> None:
    """Return once a call is told that the server is stopping."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        asked = stub.GetModel.future(pb.GetModelRequest(), timeout=5)
        if asked.code() is grpc.StatusCode.UNAVAILABLE:
            return
    raise AssertionError("the server still lets calls in")


def test_signals_that_come_before_the_model_is_loaded_do_no_harm(
    started: Callable[..., ServerProcess],
) -> None:
    server = started()
    for _ in range(3):
        server.tell(signal.SIGHUP)
    server.wait_until_serving()
    server.tell(signal.SIGHUP)
    server.tell(signal.SIGTERM)
    assert server.wait() == 0


def test_an_end_that_is_asked_for_before_the_model_is_loaded_is_a_clean_one(
    started: Callable[..., ServerProcess],
) -> None:
    server = started()
    server.tell(signal.SIGTERM)
    assert server.wait() == 0
    assert "Traceback" not in server.log


def test_an_endless_stream_is_handed_over_inside_the_grace_with_every_answer_that_was_begun(
    started: Callable[..., ServerProcess], root: Path
) -> None:
    photo = frames(root)[1].read_bytes()
    server = started("--grace", "8")
    server.wait_until_serving()
    with grpc.insecure_channel(server.address) as channel:
        stream = pb_grpc.AgeEstimationServiceStub(channel).EstimateAges(endless(photo))
        assert next(stream).HasField("estimate")
        server.tell(signal.SIGTERM)
        began = time.monotonic()
        more, ended = to_the_end(stream)
        assert more > 0
        assert ended.code() is grpc.StatusCode.UNAVAILABLE
        assert "send the photos that have no answer yet elsewhere" in ended.details()
    assert server.wait() == 0
    assert time.monotonic() - began < 30  # the grace and an end, on a machine that is busy


def test_a_second_signal_ends_the_process_at_once(
    started: Callable[..., ServerProcess], root: Path
) -> None:
    photo = frames(root)[1].read_bytes()
    server = started("--grace", "60")
    server.wait_until_serving()
    with grpc.insecure_channel(server.address) as channel:
        stub = pb_grpc.AgeEstimationServiceStub(channel)
        stream = stub.EstimateAges(endless(photo))
        next(stream)
        server.tell(signal.SIGTERM)
        wait_until_nobody_is_let_in(stub)
        server.tell(signal.SIGTERM)
        _, ended = to_the_end(stream)
        assert ended.code() is grpc.StatusCode.UNAVAILABLE
    assert server.wait() == -signal.SIGTERM


def test_swaps_and_drains_in_short_leave_no_call_unanswered_and_overload_refuses(
    root: Path, tmp_path: Path
) -> None:
    """How many calls overload leaves late depends on the machine; `make chaos` tells that."""
    figures = tmp_path / "figures.json"
    run = subprocess.run(
        [
            *(sys.executable, "-m", "tests.chaos.server", "--swaps", "2", "--drains", "1"),
            *("--seconds", "2", "--pause", "1", "--json", str(figures)),
        ],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert figures.exists(), run.stdout + run.stderr
    told = json.loads(figures.read_text())
    assert (told["swaps"], told["swap_failures"], told["bad_bundles_refused"]) == (2, 0, 1)
    assert (told["drains"], told["drain_failures"]) == (1, 0)
    assert told["overload_refused"] > 0
