"""Messages from another .proto, and such as are none, through the real port."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import pytest

from checkout_age.server.messages import MOST_FIELDS, Malformed, parser
from checkout_age.v1 import age_estimation_pb2 as pb
from tests.conftest import Serving
from tests.fuzz.inputs import AGES, INFERENCE, field, varint
from tests.server.test_service import ready

Told = Callable[..., Awaitable[str]]
UNKNOWN = "the request has no photo, but fields that EstimateAge does not know ({}): was it made"
EMPTY = "the photo is empty: 0 bytes were sent"


@pytest.fixture
async def told(serving: Serving) -> AsyncIterator[Told]:
    """Sends bytes as a request; gives the message of the INVALID_ARGUMENT that comes."""
    async with serving() as address, grpc.aio.insecure_channel(address) as channel:
        await ready(channel)

        async def told(message: bytes, method: str = f"{AGES}EstimateAge") -> str:
            call: Any = channel.unary_unary(method)
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await call(message)
            assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            return raised.value.details() or ""

        yield told


def number(which: int, value: int = 1) -> bytes:
    return varint(which << 3) + varint(value)


async def test_of_many_unknown_fields_the_first_few_are_told(told: Told) -> None:
    message = b"".join(number(which) for which in range(10, 200))
    assert UNKNOWN.format("10, 11, 12, 13, 14, …") in await told(message)


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (f"{AGES}EstimateAge", b"".join(number(which) for which in range(10, 200_000))),
        (f"{AGES}EstimateAge", number(2) * 1_000_000),
        (f"{AGES}EstimateAge", field(1, b"photo") + number(2) * 1_000_000),
        (f"{AGES}EstimateAge", varint(9 << 3 | 3) + number(2) * 1_000_000 + varint(9 << 3 | 4)),
        *((f"{INFERENCE}ModelInfer", field(which, b"") * 1_000_000) for which in (4, 5, 6, 7)),
    ],
    ids=["unknown", "repeated", "behind", "group", "parameters", "inputs", "outputs", "raw"],
)
async def test_a_message_of_fields_without_number_is_refused_before_protobuf_reads_it(
    told: Told, method: str, message: bytes
) -> None:
    name = method.rpartition("/")[2]
    assert await told(message, method) == (
        f"the bytes sent are no message that {name} takes: they have more than 200 fields"
    )


@pytest.mark.parametrize("place", [0, 1])
def test_of_fields_as_many_as_are_taken_are_read_and_not_one_more(place: int) -> None:
    read: list[bytes] = []
    parse = parser("/Some/Method", read.append)
    kinds = (
        number(7, (1 << 64) - 1),
        varint(8 << 3 | 1) + bytes(8),
        field(9, b"x" * 1000),
        varint(1 << 28 | 5) + bytes(4),
    )
    most = b"".join(kinds) * (MOST_FIELDS // len(kinds))
    assert parse(most) is None
    more = (most + kinds[0], kinds[0] + most)[place]
    assert isinstance(parse(more), Malformed)
    assert read == [most]


@pytest.mark.parametrize(
    "message",
    [b"\xff" * 1_000_000, b"\x0a", b"\x0a\xff", b"\x0a\x7fphoto", b"\x08", b"\x09\0", b"\x0e\x07"],
)
async def test_bytes_that_are_no_message_are_left_to_protobuf(told: Told, message: bytes) -> None:
    assert await told(message) == "the bytes sent are no message that EstimateAge takes"


async def test_up_to_five_unknown_fields_are_all_told(told: Told) -> None:
    message = b"".join(number(which) for which in (900, 6, 5, 4, 3))
    assert UNKNOWN.format("3, 4, 5, 6, 900") in await told(message)


async def test_unknown_fields_of_every_kind_are_told(told: Told) -> None:
    kinds = {
        "varint": number(7, 1 << 60),
        "eight bytes": varint(8 << 3 | 1) + bytes(8),
        "text": field(9, b"x" * 1000),
        "four bytes": varint(10 << 3 | 5) + bytes(4),
        "group": varint(11 << 3 | 3) + number(1) + varint(11 << 3 | 4),
    }
    assert UNKNOWN.format("7, 8, 9, 10, 11") in await told(b"".join(kinds.values()))


async def test_a_known_field_with_content_of_another_kind_is_unknown(told: Told) -> None:
    photo_as_age = pb.EstimateAgesRequest(photo=b"photo").SerializeToString()
    assert "CheckAge does not know (2):" in await told(photo_as_age, f"{AGES}CheckAge")


async def test_without_unknown_fields_it_is_the_photo_that_is_missing(told: Told) -> None:
    assert await told(b"") == EMPTY
    assert await told(field(1, b"") * 200) == EMPTY
