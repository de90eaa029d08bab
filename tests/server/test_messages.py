"""Messages from another .proto, through the real port."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import pytest

from checkout_age.v1 import age_estimation_pb2 as pb
from tests.conftest import Serving
from tests.fuzz.inputs import AGES, field, varint
from tests.server.test_service import ready

Told = Callable[..., Awaitable[str]]
UNKNOWN = "the request has no photo, but fields that EstimateAge does not know ({}): was it made"
EMPTY = "the photo is empty: 0 bytes were sent"


@pytest.fixture
async def told(serving: Serving) -> AsyncIterator[Told]:
    """Sends bytes as a request; gives the message of the INVALID_ARGUMENT that comes."""
    async with serving() as address, grpc.aio.insecure_channel(address) as channel:
        await ready(channel)

        async def told(message: bytes, method: str = "EstimateAge") -> str:
            call: Any = channel.unary_unary(f"{AGES}{method}")
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await call(message)
            assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            return raised.value.details() or ""

        yield told


def number(which: int, value: int = 1) -> bytes:
    return varint(which << 3) + varint(value)


async def test_of_fields_without_number_the_first_few_are_told(told: Told) -> None:
    message = b"".join(number(which) for which in range(10, 200_000))
    assert UNKNOWN.format("10, 11, 12, 13, 14, …") in await told(message)


async def test_a_field_that_is_repeated_without_end_is_looked_at_a_few_times(told: Told) -> None:
    assert UNKNOWN.format("2, …") in await told(number(2) * 1_000_000)


async def test_up_to_five_unknown_fields_are_all_told(told: Told) -> None:
    message = b"".join(number(which) for which in (900, 6, 5, 4, 3))
    assert UNKNOWN.format("3, 4, 5, 6, 900") in await told(message)


async def test_unknown_fields_of_every_kind_are_told(told: Told) -> None:
    kinds = {
        "varint": number(7, 1 << 60),
        "eight bytes": varint(8 << 3 | 1) + bytes(8),
        "text": field(9, b"x" * 1000),
        "four bytes": varint(10 << 3 | 5) + bytes(4),
    }
    assert UNKNOWN.format("7, 8, 9, 10") in await told(b"".join(kinds.values()))


async def test_a_known_field_with_content_of_another_kind_is_unknown(told: Told) -> None:
    photo_as_age = pb.EstimateAgesRequest(photo=b"photo").SerializeToString()
    assert "CheckAge does not know (2):" in await told(photo_as_age, "CheckAge")


async def test_without_unknown_fields_it_is_the_photo_that_is_missing(told: Told) -> None:
    assert await told(b"") == EMPTY
    assert await told(field(1, b"") * 1000) == EMPTY


async def test_a_message_that_begins_with_a_group_is_not_looked_at(told: Told) -> None:
    group = varint(3 << 3 | 3) + number(1) + varint(3 << 3 | 4)
    assert await told(group + number(7)) == EMPTY
