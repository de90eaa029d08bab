"""The client against a server on a real port, with a network that always says 34."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import grpc
import pytest

from checkout_age.client import (
    Access,
    AgeClient,
    AsyncAgeClient,
    AwayError,
    CallError,
    LateError,
    NotAllowedError,
    PhotoRefusedError,
)
from checkout_age.client.__main__ import main
from checkout_age.client.channel import open_channel
from checkout_age.client.errors import told_by
from checkout_age.server.age import Logits
from checkout_age.server.photo import Pixels
from checkout_age.server.tokens import Caller, Role, add_token
from checkout_age.v1 import age_estimation_pb2 as pb
from checkout_age.v1 import age_estimation_pb2_grpc as pb_grpc
from tests.conftest import Always34, Serving


async def ages(address: str, photo: bytes) -> float:
    async with AsyncAgeClient(address) as client:
        await client.wait(60)
        return (await client.estimate_age(photo)).estimate.age


async def test_one_photo_is_answered_to_both_clients(serving: Serving, photo: bytes) -> None:
    async with serving() as address:
        assert await ages(address, photo) == pytest.approx(34)

        def blocking() -> float:
            with AgeClient(address) as client:
                return client.estimate_age(photo).estimate.age

        assert await asyncio.to_thread(blocking) == pytest.approx(34)


async def test_a_server_that_is_still_starting_is_waited_for(
    serving: Serving, photo: bytes
) -> None:
    go = threading.Event()

    class WarmsUpSlowly(Always34):
        def logits(self, chips: Pixels, **how: bool) -> Logits:
            go.wait(20)
            return super().logits(chips, **how)

    async with (
        serving(load_runtime=WarmsUpSlowly) as address,
        AsyncAgeClient(address) as client,
    ):
        with pytest.raises(LateError, match=r"no server that serves .* within 0\.3 s; .* say why"):
            await client.wait(0.3)
        go.set()
        assert (await client.wait(20)).name == "fake"
        assert (await client.estimate_age(photo)).estimate.age == pytest.approx(34)


async def test_a_stream_is_answered_to_both_clients(serving: Serving, photo: bytes) -> None:
    photos = [("a", photo), ("b", b"no photo")]
    expected = {"a": pb.PROBLEM_UNSPECIFIED, "b": pb.PROBLEM_NOT_A_PHOTO}
    async with serving() as address:
        async with AsyncAgeClient(address) as client:
            await client.estimate_age(photo)
            answers = {a.id: a.problem.problem async for a in client.estimate_ages(photos)}
        assert answers == expected

        def blocking() -> dict[str, int]:
            with AgeClient(address) as client:
                return {a.id: a.problem.problem for a in client.estimate_ages(photos)}

        assert await asyncio.to_thread(blocking) == expected


async def test_a_refusal_says_whose_fault_it_is(serving: Serving) -> None:
    async with serving() as address, AsyncAgeClient(address) as client:
        with pytest.raises(PhotoRefusedError, match="INVALID_ARGUMENT: the photo is empty"):
            await client.estimate_age(b"")


async def test_a_slow_answer_is_not_waited_for_beyond_the_deadline(
    serving: Serving, photo: bytes
) -> None:
    go = threading.Event()

    class Waits(Always34):
        def logits(self, chips: Pixels, **how: bool) -> Logits:
            if len(self.batches) >= 2:  # the warm-up passes
                go.wait(20)
            return super().logits(chips, **how)

    async with serving(load_runtime=Waits) as address, AsyncAgeClient(address) as client:
        await client.model()
        with pytest.raises(LateError):
            await client.estimate_age(photo, deadline=0.2)
        with pytest.raises(ValueError, match="a deadline is a number of seconds above 0, got 0"):
            await client.estimate_age(photo, deadline=0)
        go.set()


async def test_where_nobody_listens_the_client_says_so_before_its_deadline() -> None:
    async with AsyncAgeClient("127.0.0.1:1") as client:
        with pytest.raises(AwayError, match="UNAVAILABLE"):
            await client.estimate_age(b"", deadline=30)


def test_where_nobody_listens_who_waits_is_told_how_long_and_how_to_learn_why(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["model", "--server", "127.0.0.1:1", "--wait", "0.2"])
    assert ended.value.code == 1
    assert capsys.readouterr().err == (
        "checkout-age-client: DEADLINE_EXCEEDED: no server that serves was reached within 0.2 s; "
        "without waiting, calls say why\n"
    )


class FailsTwice:
    """A server that is away for two calls; its own failures are not to be tried again."""

    def __init__(self) -> None:
        self.codes = [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAVAILABLE]
        self.calls = 0

    async def answer(self, request: pb.EstimateAgeRequest, context: Any) -> pb.EstimateAgeResponse:
        self.calls += 1
        if self.codes:
            context.set_trailing_metadata((("x-request-id", "7"),))
            await context.abort(self.codes.pop(), "not now")
        return pb.EstimateAgeResponse(model_version=str(len(request.photo)))

    def handlers(self) -> grpc.GenericRpcHandler:
        method = grpc.unary_unary_rpc_method_handler(
            self.answer,
            request_deserializer=pb.EstimateAgeRequest.FromString,
            response_serializer=pb.EstimateAgeResponse.SerializeToString,
        )
        return grpc.method_handlers_generic_handler(
            "checkout_age.v1.AgeEstimationService", {"EstimateAge": method}
        )


async def test_a_call_with_a_large_photo_is_tried_again_as_the_service_config_says() -> None:
    server = grpc.aio.server()
    service = FailsTwice()
    server.add_generic_rpc_handlers((service.handlers(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with AsyncAgeClient(f"127.0.0.1:{port}") as client:
            answer = await client.estimate_age(bytes(3_000_000))
            assert (answer.model_version, service.calls) == ("3000000", 3)
            service.codes = [grpc.StatusCode.INTERNAL]
            with pytest.raises(CallError, match="INTERNAL: not now") as raised:
                await client.estimate_age(b"")
            assert (raised.value.request_id, service.calls) == ("7", 4)
    finally:
        await server.stop(None)


async def test_the_command_line_prints_a_line_for_each_photo(
    serving: Serving, photo: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.jpg", tmp_path / "bad.jpg"
    good.write_bytes(photo)
    bad.write_bytes(b"text")
    async with serving() as address:
        await ages(address, photo)
        await asyncio.to_thread(main, ["estimate", str(good), "--server", address])
        assert capsys.readouterr().out == f"{good}: 25-34: 34 (34 to 34)\n"
        await asyncio.to_thread(main, ["model", "--server", address, "--json"])
        assert '"name": "fake"' in capsys.readouterr().out
        with pytest.raises(SystemExit) as ended:
            await asyncio.to_thread(main, ["estimate", str(bad), "--server", address])
    assert ended.value.code == 1
    assert f"{bad}: INVALID_ARGUMENT: the 4 bytes are no photo" in capsys.readouterr().err


async def test_the_command_line_says_whether_to_ask_for_id_and_why(
    serving: Serving,
    photo: bytes,
    black_photo: bytes,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    good, black = tmp_path / "good.jpg", tmp_path / "black.jpg"
    good.write_bytes(photo)
    black.write_bytes(black_photo)
    async with serving() as address:
        await ages(address, photo)

        async def said(*more: str) -> str:
            arguments = ["check", str(good), str(black), "--server", address, *more]
            await asyncio.to_thread(main, arguments)
            return capsys.readouterr().out

        lines = (await said("--minimum-age", "18")).splitlines()
        assert lines[0] == f"{good}: no ID needed: under age with 0.0%, 1.0% is allowed"
        assert lines[1].startswith(f"{black}: ask for ID: no face was found")
        assert "ask for ID: under age with 100.0%" in await said("--minimum-age", "40")
        assert '"check": "AGE_CHECK_CLEAR"' in await said("--minimum-age", "18", "--json")
        with pytest.raises(SystemExit) as ended:
            await said("--minimum-age", "0")
    assert ended.value.code == 1
    assert "minimum_age must be 1..100, got 0" in capsys.readouterr().err


def test_a_stream_that_broke_while_it_was_written_to_may_be_tried_again() -> None:
    nothing = grpc.aio.Metadata()
    lost = grpc.aio.AioRpcError(
        grpc.StatusCode.INTERNAL, nothing, nothing, "Internal error from Core"
    )
    told = told_by(lost)
    assert isinstance(told, AwayError)
    assert "the stream broke while photos were sent" in told.message
    ours = grpc.aio.AioRpcError(grpc.StatusCode.INTERNAL, nothing, nothing, "the network failed")
    assert not isinstance(told_by(ours), AwayError)


async def test_a_stream_that_is_refused_while_it_sends_says_why(
    serving: Serving, tmp_path: Path
) -> None:
    add_token(tmp_path / "tokens", Caller("night-1", Role.NIGHT))
    photos = [(str(number), bytes(100_000)) for number in range(20)]
    async with (
        serving(tokens=tmp_path / "tokens") as address,
        AsyncAgeClient(address, Access(token="guessed")) as client,
    ):
        for _ in range(20):
            with pytest.raises(NotAllowedError, match="the token is not known here"):
                async for _ in client.estimate_ages(photos):
                    pass  # pragma: no cover


async def test_an_open_channel_takes_any_stub(serving: Serving, photo: bytes) -> None:
    def blocking(address: str) -> float:
        with open_channel(address) as channel:
            stub = pb_grpc.AgeEstimationServiceStub(channel)
            call = stub.EstimateAge.future(pb.EstimateAgeRequest(photo=photo), timeout=60)
            return call.result().estimate.age

    async with serving() as address:
        await ages(address, photo)
        assert await asyncio.to_thread(blocking, address) == pytest.approx(34)
