"""Every row of server/REFUSALS.md on the server's own state, through the real port."""

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from checkout_age.inference import open_inference_pb2 as oip
from checkout_age.inference import open_inference_pb2_grpc as oip_grpc
from checkout_age.server.age import Logits
from checkout_age.server.photo import Pixels
from checkout_age.server.signals import Signals
from checkout_age.v1 import age_estimation_pb2 as pb
from checkout_age.v1 import age_estimation_pb2_grpc as pb_grpc
from tests.authority import Authority
from tests.conftest import Always34, Serving
from tests.server.test_refusals import table
from tests.server.test_service import ready


class Held(Always34):
    """After its warm-up answers nobody until it is let go."""

    go = threading.Event()
    asked = threading.Event()

    def logits(self, chips: Pixels, **how: bool) -> Logits:
        if len(self.batches) >= 2:
            self.asked.set()
            self.go.wait(20)
        return super().logits(chips, **how)


@pytest.fixture
def held() -> type[Held]:
    class Fresh(Held):
        go, asked = threading.Event(), threading.Event()

    return Fresh


State = Callable[..., AbstractAsyncContextManager[Any]]
STATES: dict[str, State] = {}


def state(name: str) -> Callable[[Callable[..., AsyncIterator[Any]]], State]:
    """What brings a server there; gives the call to make of it."""

    def keep(made: Callable[..., AsyncIterator[Any]]) -> State:
        STATES[name] = asynccontextmanager(made)
        return STATES[name]

    return keep


@asynccontextmanager
async def stub_of(address: str) -> AsyncIterator["pb_grpc.AgeEstimationServiceAsyncStub"]:
    async with grpc.aio.insecure_channel(address) as channel:
        yield await ready(channel)


def estimate(
    stub: "pb_grpc.AgeEstimationServiceAsyncStub", photo: bytes, deadline: float = 20
) -> Any:
    return stub.EstimateAge(pb.EstimateAgeRequest(photo=photo), timeout=deadline)


@state("loading its first model")
async def loading(
    serving: Serving, photo: bytes, held: type[Held], tmp_path: Path
) -> AsyncIterator[Any]:
    class WarmsUpSlowly(Always34):
        def logits(self, chips: Pixels, **how: bool) -> Logits:
            held.go.wait(20)
            return super().logits(chips, **how)

    async with (
        serving(load_runtime=WarmsUpSlowly) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        yield estimate(pb_grpc.AgeEstimationServiceStub(channel), photo)
        held.go.set()


@state("full")
async def full(
    serving: Serving, photo: bytes, held: type[Held], tmp_path: Path
) -> AsyncIterator[Any]:
    async with serving(load_runtime=held, max_waiting=1) as address, stub_of(address) as stub:
        waiting = asyncio.ensure_future(estimate(stub, photo))
        await asyncio.to_thread(held.asked.wait, 20)
        yield estimate(stub, photo)
        held.go.set()
        await waiting


@state("too busy for the call's deadline")
async def too_busy(
    serving: Serving, photo: bytes, held: type[Held], tmp_path: Path
) -> AsyncIterator[Any]:
    learnt = threading.Event()

    class Slow(Always34):
        batch = 1

        def logits(self, chips: Pixels, **how: bool) -> Logits:
            if learnt.is_set():
                held.asked.set()
                held.go.wait(20)
            elif len(self.batches) >= 2:
                held.go.wait(0.3)
            return super().logits(chips, **how)

    async with (
        serving(load_runtime=Slow, threads=1, max_call_seconds=600.0) as address,
        stub_of(address) as stub,
    ):
        for _ in range(3):
            await estimate(stub, photo)
        learnt.set()
        waiting = [asyncio.ensure_future(estimate(stub, photo, 500)) for _ in range(40)]
        await asyncio.to_thread(held.asked.wait, 20)
        await asyncio.sleep(1)  # for the others, of which two thirds would do
        yield estimate(stub, photo, deadline=10.0)
        held.go.set()
        await asyncio.gather(*waiting)


@state("with as many streams as it takes")
async def as_many_streams(
    serving: Serving, photo: bytes, held: type[Held], tmp_path: Path
) -> AsyncIterator[Any]:
    async with serving(max_streams=1) as address, stub_of(address) as stub:
        first = stub.EstimateAges()
        await first.write(pb.EstimateAgesRequest(id="1", photo=photo))
        assert (await first.read()).id == "1"  # type: ignore[attr-defined]
        yield stub.EstimateAges().read()
        await first.done_writing()


@state("waiting for a stream that sends nothing")
async def silent_stream(
    serving: Serving, photo: bytes, held: type[Held], tmp_path: Path
) -> AsyncIterator[Any]:
    async with serving(max_stream_silence=0.1) as address, stub_of(address) as stub:
        yield stub.EstimateAges().read()


@state("serving another version than is asked for")
async def another_version(
    serving: Serving, photo: bytes, held: type[Held], tmp_path: Path
) -> AsyncIterator[Any]:
    async with serving() as address, grpc.aio.insecure_channel(address) as channel:
        await ready(channel)
        stub: oip_grpc.GRPCInferenceServiceAsyncStub = oip_grpc.GRPCInferenceServiceStub(channel)
        yield stub.ModelInfer(oip.ModelInferRequest(model_name="fake", model_version="older"))


@state("asking for a client's certificate that is not shown")
async def no_certificate(
    serving: Serving, photo: bytes, held: type[Held], tmp_path: Path
) -> AsyncIterator[Any]:
    authority = Authority(tmp_path)
    pems = authority.issue("server", "127.0.0.1")
    settings = {"tls_cert": pems.cert, "tls_key": pems.key, "client_ca": authority.ca}
    async with (
        serving(**settings) as address,
        grpc.aio.secure_channel(
            address, grpc.ssl_channel_credentials(authority.ca.read_bytes())
        ) as channel,
    ):
        yield estimate(pb_grpc.AgeEstimationServiceStub(channel), photo)


@state("stopping")
async def stopping(
    serving: Serving, photo: bytes, held: type[Held], tmp_path: Path
) -> AsyncIterator[Any]:
    kept: list[Signals] = []

    class Kept(Signals):
        def __init__(self) -> None:
            super().__init__()
            kept.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("checkout_age.server.serving.Signals", Kept)
        async with serving(load_runtime=held, grace=60.0) as address, stub_of(address) as stub:
            waiting = asyncio.ensure_future(estimate(stub, photo))
            await asyncio.to_thread(held.asked.wait, 20)
            kept[0].stop.set()  # what SIGTERM does; the process is pytest's
            await asyncio.sleep(0.1)
            yield estimate(stub, photo)
            held.go.set()
            await waiting


@pytest.mark.parametrize("row", [pytest.param(row, id=row[0]) for row in table("state")])
async def test_a_server_in_some_state_answers_as_the_table_says(
    serving: Serving,
    photo: bytes,
    held: type[Held],
    tmp_path: Path,
    row: tuple[str, str, str, str],
) -> None:
    name, code, message, _ = row
    pattern = ".*".join(map(re.escape, message.split("…")))
    async with STATES[name](serving, photo, held, tmp_path) as call:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call
    assert raised.value.code().name == code
    assert re.fullmatch(pattern, raised.value.details() or "", re.S)


def test_the_table_and_the_tests_hold_the_same_states() -> None:
    assert [each[0] for each in table("state")] == list(STATES)
    assert [each[3] for each in table("state")] == [f"`test_states.py[{name}]`" for name in STATES]
