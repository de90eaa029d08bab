"""A stream's requests and answers, without a server around."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from checkout_age.server.drain import Drain, DrainingError
from checkout_age.server.stream import SilentStreamError, Stream


async def numbers(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


async def endless() -> AsyncIterator[int]:
    number = 0
    while True:
        yield number
        number += 1
        await asyncio.sleep(0)


async def doubled(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


def stream_of(
    requests: AsyncIterator[int],
    answer: Callable[[int], Awaitable[int]],
    *,
    at_once: int = 4,
    room: asyncio.Semaphore | None = None,
    drain: Drain | None = None,
    most_silence: float = 0.0,
) -> Stream[int, int]:
    return Stream(
        requests,
        answer,
        at_once=at_once,
        room=room or asyncio.Semaphore(100),
        drain=drain or Drain(),
        most_silence=most_silence,
    )


async def all_of(stream: Stream[int, int]) -> list[int]:
    return [answer async for answer in stream.answers()]


async def test_every_request_is_answered_once_and_then_the_stream_ends() -> None:
    assert sorted(await all_of(stream_of(numbers(100), doubled))) == [
        2 * number for number in range(100)
    ]


async def test_an_empty_stream_ends() -> None:
    assert await all_of(stream_of(numbers(0), doubled)) == []


async def test_no_more_is_read_than_answers_are_taken() -> None:
    read = 0

    async def counted() -> AsyncIterator[int]:
        nonlocal read
        async for number in endless():
            read += 1
            yield number

    answers = stream_of(counted(), doubled, at_once=4).answers()
    assert await anext(answers) == 0
    for _ in range(100):
        await asyncio.sleep(0)
    assert read == 4
    await answers.aclose()


async def test_all_streams_together_take_no_more_places_than_there_are() -> None:
    room, working, most = asyncio.Semaphore(3), 0, 0

    async def slow(number: int) -> int:
        nonlocal working, most
        working += 1
        most = max(most, working)
        await asyncio.sleep(0.001)
        working -= 1
        return number

    streams = [stream_of(numbers(10), slow, room=room) for _ in range(4)]
    assert [len(each) for each in await asyncio.gather(*map(all_of, streams))] == [10] * 4
    assert most == 3


async def test_a_failure_ends_the_stream_with_its_reason_and_stops_all_other_work() -> None:
    stopped = 0

    async def fails_at_two(number: int) -> int:
        nonlocal stopped
        if number == 2:
            raise MemoryError("no room")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            stopped += 1
            raise
        return number

    room = asyncio.Semaphore(5)
    with pytest.raises(MemoryError, match="no room"):
        await all_of(stream_of(endless(), fails_at_two, room=room))
    assert stopped == 3
    assert room._value == 5


async def test_requests_that_cannot_be_read_end_the_stream_with_their_reason() -> None:
    async def broken() -> AsyncIterator[int]:
        yield 1
        raise ConnectionError("the line is dead")

    with pytest.raises(ConnectionError, match="the line is dead"):
        await all_of(stream_of(broken(), doubled))


async def test_an_answer_that_was_cancelled_inside_is_a_failure_not_a_silence() -> None:
    async def cancelled(number: int) -> int:
        raise asyncio.CancelledError

    with pytest.raises(RuntimeError, match="an answer was cancelled"):
        await all_of(stream_of(numbers(3), cancelled))


async def test_a_stream_that_is_handed_over_answers_what_it_has_read_and_reads_no_more() -> None:
    read, answered, drain = 0, 0, Drain()

    async def counted() -> AsyncIterator[int]:
        nonlocal read
        async for number in endless():
            yield number
            read += 1  # taken on: the next one is asked for

    async def counting(number: int) -> int:
        nonlocal answered
        answered += 1
        if answered == 20:
            drain.hand_over.set()
        return await doubled(number)

    with pytest.raises(DrainingError, match="send the photos that have no answer yet elsewhere"):
        await all_of(stream_of(counted(), counting, drain=drain))
    assert read - 1 <= answered <= read + 1


async def test_a_stream_that_is_let_go_ends_at_once() -> None:
    drain = Drain()

    async def never(number: int) -> int:
        drain.hand_over.set()
        drain.let_go.set()
        await asyncio.sleep(60)
        return number

    async with asyncio.timeout(10):
        with pytest.raises(DrainingError, match="the server is stopping"):
            await all_of(stream_of(endless(), never, drain=drain))


async def test_a_drain_lets_nobody_in_and_tells_when_the_last_call_has_ended() -> None:
    drain = Drain()
    assert await drain.idle(0.01)
    with drain.call():
        drain.begin()
        assert not await drain.idle(0.01)
        with pytest.raises(DrainingError, match="the server is stopping"), drain.call():
            pass  # pragma: no cover
    assert await drain.idle(0.01)


async def test_a_stream_that_sends_nothing_ends_once_all_is_answered_and_nothing_is_lost() -> None:
    async def one_and_no_more() -> AsyncIterator[int]:
        yield 1
        await asyncio.sleep(60)

    async def slowly(number: int) -> int:
        await asyncio.sleep(0.2)  # the stream is silent meanwhile, and waits for its answer
        return number

    answers = stream_of(one_and_no_more(), slowly, most_silence=0.05).answers()
    assert await anext(answers) == 1
    with pytest.raises(SilentStreamError, match=r"no photo for 0\.05 s"):
        await anext(answers)


async def test_a_stream_whose_photo_waits_for_room_is_not_silent() -> None:
    room = asyncio.Semaphore(0)
    asyncio.get_running_loop().call_later(0.2, room.release)
    answers = stream_of(endless(), doubled, room=room, most_silence=0.05).answers()
    assert await anext(answers) == 0
    await answers.aclose()
