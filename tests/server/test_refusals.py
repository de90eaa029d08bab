"""Every row of server/REFUSALS.md, sent through the real port."""

import asyncio
import itertools
import re
import struct
import threading
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from checkout_age.inference import open_inference_pb2 as oip
from checkout_age.inference import open_inference_pb2_grpc as oip_grpc
from checkout_age.server.age import Logits
from checkout_age.server.photo import Pixels
from checkout_age.server.tokens import Caller, Role, add_token
from checkout_age.v1 import age_estimation_pb2 as pb
from checkout_age.v1 import age_estimation_pb2_grpc as pb_grpc
from tests.authority import Authority
from tests.conftest import ROOT, Always34, Serving, confetti, photo_of
from tests.fuzz.inputs import field
from tests.server.test_inference import asking
from tests.server.test_service import ready

ESTIMATE_AGE = "/checkout_age.v1.AgeEstimationService/EstimateAge"
LIMIT = 9000


@dataclass(frozen=True)
class Port:
    """A guarded server and what a client needs to be let in."""

    address: str
    channel: grpc.aio.Channel
    till: tuple[tuple[str, str], ...]

    async def send(self, photo: bytes, deadline: float = 20) -> pb.EstimateAgeResponse:
        stub: pb_grpc.AgeEstimationServiceAsyncStub = pb_grpc.AgeEstimationServiceStub(self.channel)
        request = pb.EstimateAgeRequest(photo=photo)
        return await stub.EstimateAge(request, metadata=self.till, timeout=deadline)

    async def send_raw(
        self, message: bytes, method: str = ESTIMATE_AGE, metadata: Any = None
    ) -> Any:
        call: Any = self.channel.unary_unary(method)
        return await call(message, metadata=self.till if metadata is None else metadata)

    async def infer(self, request: oip.ModelInferRequest) -> oip.ModelInferResponse:
        stub: oip_grpc.GRPCInferenceServiceAsyncStub = oip_grpc.GRPCInferenceServiceStub(
            self.channel
        )
        return await stub.ModelInfer(request, metadata=self.till)


Sender = Callable[[Port], Awaitable[Any]]
SENDERS: dict[str, Sender] = {}


def row(name: str) -> Callable[[Sender], Sender]:
    def keep(sender: Sender) -> Sender:
        SENDERS[name] = sender
        return sender

    return keep


def good() -> bytes:
    return photo_of(confetti(40, 60))


@row("no photo")
async def no_photo(port: Port) -> None:
    await port.send(b"")


@row("too large")
async def too_large(port: Port) -> None:
    await port.send(photo_of(confetti(150, 150)))


@row("far too large")
async def far_too_large(port: Port) -> None:
    await port.send(bytes(5 * LIMIT))


@row("not an image")
async def not_an_image(port: Port) -> None:
    await port.send(b"camera offline")


@row("cut short")
async def cut_short(port: Port) -> None:
    await port.send(good()[:1000])


@row("bomb")
async def bomb(port: Port) -> None:
    """A PNG of 30,000 by 30,000 pixels in a hundred bytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    await port.send(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


@row("no face")
async def no_face(port: Port) -> pb.EstimateAgeResponse:
    return await port.send(photo_of(np.zeros((40, 60, 3), np.uint8)))


@row("a minimum age of nobody")
async def a_minimum_age_of_nobody(port: Port) -> None:
    stub: pb_grpc.AgeEstimationServiceAsyncStub = pb_grpc.AgeEstimationServiceStub(port.channel)
    await stub.CheckAge(pb.CheckAgeRequest(photo=good()), metadata=port.till)


@row("wrong field")
async def wrong_field(port: Port) -> None:
    await port.send_raw(pb.EstimateAgesRequest(photo=good()).SerializeToString())


@row("many wrong fields")
async def many_wrong_fields(port: Port) -> None:
    await port.send_raw(b"".join(field(number, b"x") for number in range(2, 100)))


@row("no protobuf")
async def no_protobuf(port: Port) -> None:
    await port.send_raw(good())


@row("no protobuf to a watch of the health")
async def no_protobuf_to_a_watch(port: Port) -> None:
    watch: Any = port.channel.unary_stream("/grpc.health.v1.Health/Watch")
    await watch(good()).read()


@row("fields without number")
async def fields_without_number(port: Port) -> None:
    await port.send_raw(field(1, b"x") * 1000)


@row("an output that is named twice")
async def an_output_that_is_named_twice(port: Port) -> None:
    request = asking([good()])
    for name in ("AGE", "PROBLEM", "AGE"):
        request.outputs.add(name=name)
    await port.infer(request)


@row("more outputs than there are")
async def more_outputs_than_there_are(port: Port) -> None:
    request = asking([good()])
    for _ in range(100):
        request.outputs.add(name="AGE_DISTRIBUTION")
    await port.infer(request)


@row("more raw contents than inputs")
async def more_raw_contents_than_inputs(port: Port) -> None:
    request = asking([])
    request.raw_input_contents.extend([b"", b""])
    await port.infer(request)


@row("more raw elements than the shape says")
async def more_raw_elements_than_the_shape_says(port: Port) -> None:
    request = asking([], shape=[1])
    request.raw_input_contents.append(bytes(20_000))
    await port.infer(request)


@row("more photos at once than are taken")
async def more_photos_at_once_than_are_taken(port: Port) -> None:
    await port.infer(asking([b"photo"] * 65))


@row("unknown method")
async def unknown_method(port: Port) -> None:
    await port.send_raw(b"", "/checkout_age.v1.AgeEstimationService/EstimateShoeSize")


@row("expired deadline")
async def expired_deadline(port: Port) -> None:
    await port.send(slow(), deadline=0.2)


@row("longer than the server gives")
async def longer_than_the_server_gives(port: Port) -> None:
    await port.send(slow())


@row("no token")
async def no_token(port: Port) -> None:
    await port.send_raw(b"", metadata=())


@row("unknown token")
async def unknown_token(port: Port) -> None:
    await port.send_raw(b"", metadata=(("authorization", "Bearer guessed"),))


@row("wrong role")
async def wrong_role(port: Port) -> None:
    stub: pb_grpc.AgeEstimationServiceAsyncStub = pb_grpc.AgeEstimationServiceStub(port.channel)
    await stub.EstimateAges(metadata=port.till).read()


@row("over the rate limit")
async def over_the_rate_limit(port: Port) -> None:
    for _ in range(3):
        await port.send(good())


@row("plain text on a TLS port")
async def plain_text(port: Port) -> None:
    async with grpc.aio.insecure_channel(port.address) as channel:
        call: Any = channel.unary_unary(ESTIMATE_AGE)
        await call(b"")


@row("a certificate that nobody vouches for")
async def nobody_vouches(port: Port) -> None:
    credentials = grpc.ssl_channel_credentials()
    async with grpc.aio.secure_channel(port.address, credentials) as channel:
        call: Any = channel.unary_unary(ESTIMATE_AGE)
        await call(b"")


def slow() -> bytes:
    """A photo of a face that the network of these tests thinks about for long."""
    return photo_of(np.full((40, 60, 3), 255, np.uint8) - confetti(40, 60) // 2)


class ThinksLong(Always34):
    """Never answers for the slow photo; `go` ends it."""

    go = threading.Event()

    def logits(self, chips: Pixels, **how: bool) -> Logits:
        if chips.mean() > 180:
            self.go.wait(30)
        return super().logits(chips, **how)


def table(first_column: str = "request") -> Iterator[tuple[str, str, str, str]]:
    text = (ROOT / "server" / "REFUSALS.md").read_text()
    rows = text.partition(f"| {first_column} | code | message | test |\n")[2].splitlines()[1:]
    for line in itertools.takewhile(lambda line: line.startswith("| "), rows):
        request, code, message, test = (cell.strip() for cell in line[1:-1].split("|"))
        yield request, code, message, test


@pytest.fixture
async def port(
    serving: Serving, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Port]:
    authority = Authority(tmp_path)
    pems = authority.issue("server", "127.0.0.1")
    tokens = tmp_path / "tokens"
    till = add_token(tokens, Caller("till-1", Role.TILL))
    ThinksLong.go = threading.Event()
    guarded = serving(
        load_runtime=ThinksLong,
        max_photo_bytes=LIMIT,
        max_photo_pixels=1_000_000,
        tls_cert=pems.cert,
        tls_key=pems.key,
        tokens=tokens,
        rate_limit=0.01,
        rate_burst=2,
        max_call_seconds=1 if "longer than the server gives" in request.node.name else 30,
    )
    credentials = grpc.ssl_channel_credentials(authority.ca.read_bytes())
    async with (
        guarded as address,
        grpc.aio.secure_channel(address, credentials) as channel,
    ):
        await ready(channel)
        yield Port(address, channel, (("authorization", f"Bearer {till}"),))
        ThinksLong.go.set()


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [pytest.param(*row[:3], id=row[0]) for row in table()],
)
async def test_a_bad_request_is_answered_as_the_table_says(
    port: Port, request_: str, code: str, message: str
) -> None:
    pattern = ".*".join(map(re.escape, message.split("…")))
    if code.startswith("OK"):
        answer = await SENDERS[request_](port)
        assert re.fullmatch(pattern, answer.problem.message)
        return
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await SENDERS[request_](port)
    assert raised.value.code().name == code
    assert re.fullmatch(pattern, raised.value.details() or "", re.S)


def test_the_table_and_the_tests_hold_the_same_requests() -> None:
    assert [each[0] for each in table()] == list(SENDERS)
    assert [each[3] for each in table()] == [f"`test_refusals.py[{name}]`" for name in SENDERS]


async def test_the_server_goes_on_after_every_bad_request(port: Port) -> None:
    for name in ("not an image", "no protobuf", "far too large", "unknown method"):
        with pytest.raises(grpc.aio.AioRpcError):
            await SENDERS[name](port)
    await asyncio.sleep(0)
    assert (await port.send(good())).estimate.age == pytest.approx(34)
