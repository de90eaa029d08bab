"""Load: clients as tills are, each asking again as soon as it has its answer, or at a rate."""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc

from checkout_age.client.access import Access
from checkout_age.client.channel import channel_options
from checkout_age.v1 import age_estimation_pb2 as pb
from checkout_age.v1 import age_estimation_pb2_grpc as pb_grpc


@dataclass
class Tally:
    """What came of the calls."""

    answered: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    """By code and words."""
    seconds: list[float] = field(default_factory=list)
    """That each answer took."""

    @property
    def failures(self) -> int:
        """All calls that were not answered."""
        return sum(self.failed.values())

    def add(self, error: grpc.aio.AioRpcError) -> None:
        """One more call has failed."""
        self.failed[f"{error.code().name}: {error.details()}"[:200]] += 1


def stub_of(target: str) -> tuple[grpc.aio.Channel, "pb_grpc.AgeEstimationServiceAsyncStub"]:
    """A till's own connection, with the retries and the health checks of the shipped config."""
    options = [*channel_options(target, Access()), ("grpc.use_local_subchannel_pool", 1)]
    options.append(("grpc.enable_http_proxy", 0))
    channel = grpc.aio.insecure_channel(target, options)
    return channel, pb_grpc.AgeEstimationServiceStub(channel)


@asynccontextmanager
async def closed_loop(
    target: str, photos: Sequence[bytes], *, clients: int, pause: float, deadline: float
) -> AsyncIterator[Tally]:
    """While the block runs, clients ask, wait for the answer, and pause for about so long."""
    tally, going = Tally(), True
    dice = random.Random(0)

    async def till(number: int) -> None:
        channel, stub = stub_of(target)
        async with channel:
            await asyncio.sleep(pause * number / clients)
            for turn in itertools.count(number):
                if not going:
                    return
                began = time.monotonic()
                try:
                    request = pb.EstimateAgeRequest(photo=photos[turn % len(photos)])
                    await stub.EstimateAge(request, timeout=deadline)
                except grpc.aio.AioRpcError as error:
                    tally.add(error)
                else:
                    tally.answered += 1
                    tally.seconds.append(time.monotonic() - began)
                await asyncio.sleep(pause * dice.uniform(0.5, 1.5))

    tills = [asyncio.create_task(till(number)) for number in range(clients)]
    try:
        yield tally
    finally:
        going = False
        await asyncio.gather(*tills)


@asynccontextmanager
async def night(target: str, photos: Sequence[bytes], *, pause: float) -> AsyncIterator[Tally]:
    """While the block runs, a batch job streams photo after photo, about so many seconds apart."""
    tally, going = Tally(), True

    async def requests() -> AsyncIterator[pb.EstimateAgesRequest]:
        for number in itertools.count():
            if not going:
                return
            yield pb.EstimateAgesRequest(id=str(number), photo=photos[number % len(photos)])
            await asyncio.sleep(pause)

    async def stream() -> None:
        channel, stub = stub_of(target)
        async with channel:
            try:
                async for answer in stub.EstimateAges(requests()):
                    tally.answered += answer.HasField("estimate") or answer.HasField("problem")
            except grpc.aio.AioRpcError as error:
                tally.add(error)

    streaming = asyncio.create_task(stream())
    try:
        yield tally
    finally:
        going = False
        await streaming


async def open_loop(
    target: str,
    photos: Sequence[bytes],
    *,
    clients: int,
    rate: float,
    seconds: float,
    deadline: float,
) -> Tally:
    """For so long, Poisson arrivals at a rate, whatever becomes of the calls."""
    tally, dice = Tally(), random.Random(0)
    tills = [stub_of(target) for _ in range(clients)]
    running: set[asyncio.Task[None]] = set()

    async def ask(number: int) -> None:
        began = time.monotonic()
        try:
            request = pb.EstimateAgeRequest(photo=photos[number % len(photos)])
            await tills[number % clients][1].EstimateAge(request, timeout=deadline)
        except grpc.aio.AioRpcError as error:
            tally.add(error)
        else:
            tally.answered += 1
            tally.seconds.append(time.monotonic() - began)

    began = due = time.monotonic()
    for number in itertools.count():
        due += dice.expovariate(rate)
        if due > began + seconds:
            break
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        task = asyncio.create_task(ask(number))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    for channel, _ in tills:
        await channel.close()
    return tally
