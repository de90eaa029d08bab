"""What every call gets on its way to its handler, and what is told of it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from checkout_age.server.guard import AGES, Guard
from checkout_age.server.reading import Reading
from checkout_age.server.tokens import Caller, Role, add_token
from checkout_age.v1 import age_estimation_pb2 as pb
from tests.conftest import Serving
from tests.server.test_service import ready

WATCH = "/grpc.health.v1.Health/Watch"
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
GET_SERVER = "/grpc.channelz.v1.Channelz/GetServer"
NO_MESSAGE = b"\xff\xff"


async def refusal(asked: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await asked.read() if hasattr(asked, "read") else await asked
    return raised.value


async def told(caplog: pytest.LogCaptureFixture, words: str) -> logging.LogRecord:
    """The line of a call that begins with these words, once it is there."""
    async with asyncio.timeout(10):
        while True:
            for record in caplog.records:
                if record.getMessage().startswith(words):
                    return record
            await asyncio.sleep(0.01)


async def test_bytes_that_are_no_message_are_told_so_by_health_reflection_and_channelz_too(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        serving(channelz=True) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        watch: Any = channel.unary_stream(WATCH)
        reflect: Any = channel.stream_stream(REFLECTION)
        ask: Any = channel.unary_unary(GET_SERVER)
        for asked, name in (
            (watch(NO_MESSAGE, timeout=10), "Watch"),
            (reflect(iter([NO_MESSAGE]), timeout=10), "ServerReflectionInfo"),
            (ask(NO_MESSAGE, timeout=10), "GetServer"),
        ):
            error = await refusal(asked)
            assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert error.details() == f"the bytes sent are no message that {name} takes"
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_watch_and_a_look_by_reflection_are_told_when_they_end(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "checkout_age.server.calls")
    async with serving() as address, grpc.aio.insecure_channel(address) as channel:
        watch: Any = channel.unary_stream(WATCH)
        watching = watch(b"", timeout=10)
        await watching.read()
        reflect: Any = channel.stream_stream(REFLECTION)
        assert [each async for each in reflect(iter([b"\x3a\x00"]), timeout=10)]
        assert "Watch" not in caplog.text
        watching.cancel()
        await told(caplog, "ServerReflectionInfo OK")
        await told(caplog, "Watch CANCELLED")


async def test_a_refused_call_is_told_with_where_it_came_from_and_whose_token_it_was(
    serving: Serving, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "checkout_age.server.calls")
    till = add_token(tmp_path / "tokens", Caller("till-1", Role.TILL))
    async with (
        serving(tokens=tmp_path / "tokens") as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        call: Any = channel.unary_unary(f"{AGES}EstimateAges")
        for token, code, client in (
            ("guessed", "UNAUTHENTICATED", None),
            (till, "PERMISSION_DENIED", "till-1"),
        ):
            error = await refusal(call(b"", metadata=(("authorization", f"Bearer {token}"),)))
            assert error.code().name == code
            line: Any = await told(caplog, f"EstimateAges {code}")
            assert line.client == client
            assert (f" from {line.peer}" in line.getMessage()) is (client is None)
            assert line.peer.startswith("ipv4:127.0.0.1:")


async def test_a_call_of_no_method_is_told_with_where_it_came_from_but_not_by_its_name(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "checkout_age.server.calls")
    async with serving() as address, grpc.aio.insecure_channel(address) as channel:
        call: Any = channel.unary_unary('/made.Up/"Name')
        error = await refusal(call(b"", metadata=(("x-request-id", "till-7:42"),)))
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED
        assert error.details() == "Method not found!"
        assert dict(error.trailing_metadata())["x-request-id"] == "till-7:42"
        line: Any = await told(caplog, "unknown UNIMPLEMENTED")
        assert line.peer.startswith("ipv4:127.0.0.1:")
        assert "made.Up" not in caplog.text


async def test_a_stream_whose_token_is_taken_out_answers_what_it_has_read_and_ends(
    serving: Serving, tmp_path: Path, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("checkout_age.server.reread.LOOKS", 0.0)
    monkeypatch.setattr("checkout_age.server.reading.LOOKS", 0.0)
    file = tmp_path / "tokens"
    night = add_token(file, Caller("night-1", Role.NIGHT))
    async with serving(tokens=file) as address, grpc.aio.insecure_channel(address) as channel:
        stub = await ready(channel)
        metadata = (("authorization", f"Bearer {night}"),)
        stream: Any = stub.EstimateAges(metadata=metadata, timeout=30)
        await stream.write(pb.EstimateAgesRequest(id="before", photo=photo))
        assert (await stream.read()).id == "before"
        file.write_text("# nobody\n")
        await stream.write(pb.EstimateAgesRequest(id="after", photo=photo))
        error = await refusal(stream)
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED
        assert error.details() == "the token is not known here"


async def test_a_stream_asks_again_whether_its_token_is_good_once_a_second_at_most() -> None:
    asked, now = 0, 0.0

    class Counting(Guard):
        def caller(self, method: str, authorization: str | None) -> Caller | None:
            nonlocal asked
            asked += 1
            return super().caller(method, authorization)

    async def photos() -> AsyncIterator[str]:
        nonlocal now
        for each in range(100):
            now = each / 20
            yield "photo"

    method = f"{AGES}EstimateAges"
    reading = Reading(
        photos(), Counting(), method, client="", authorization=None, clock=lambda: now
    )
    assert len([each async for each in reading.read()]) == 100
    assert asked == 4
