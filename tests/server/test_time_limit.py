import asyncio

import pytest

from checkout_age.server.time_limit import TimeLimit


async def test_what_takes_too_long_is_a_timeout_and_what_does_not_is_left_alone() -> None:
    limit = TimeLimit(0.05)
    gone = asyncio.Event()

    async def waits() -> None:
        with limit:
            try:
                await asyncio.Event().wait()
            finally:
                gone.set()

    async def answers() -> str:
        with limit:
            await asyncio.sleep(0)
            return "in time"

    late = asyncio.create_task(waits())
    assert [await answers() for _ in range(3)] == ["in time"] * 3
    with pytest.raises(TimeoutError):
        await late
    assert gone.is_set()
    assert await answers() == "in time"


async def test_a_cancellation_by_somebody_else_stays_one() -> None:
    async def waits() -> None:
        with TimeLimit(60):
            await asyncio.Event().wait()

    task = asyncio.create_task(waits())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
