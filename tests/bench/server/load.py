"""Load on a server, from a process of its own: closed loops of clients, and Poisson arrivals.

    python -m tests.bench.server.load KIND ADDRESS FOLDER CLIENTS RATE SECONDS

Prints one JSON object. KIND names who is asked: grpc (this server and the tutorial's), empty (a
server that answers nothing), bentoml, litserve. RATE 0 is a closed loop.
"""

import asyncio
import json
import random
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

import grpc
import numpy as np
import uvloop

from checkout_age.v1 import age_estimation_pb2 as pb
from checkout_age.v1 import age_estimation_pb2_grpc as pb_grpc

Ask: TypeAlias = Callable[[bytes], Awaitable[object]]
CLIENTS = 16
"""Of a crowd."""
WARM = 2.0
"""Seconds before answers count."""


@dataclass(frozen=True)
class Answered:
    """What came back within the measured time."""

    rate: float
    """Photos answered a second."""
    p50: float
    """Milliseconds, of all that were asked within that time; infinite where none was answered."""
    p99: float
    failed: int
    answers: int
    """All that came back, those before the measured time too."""
    client_ms: float
    """Of processor time that asking took, a photo."""


async def closed(ask: Ask, photos: list[bytes], clients: int, seconds: float) -> Answered:
    """So many clients that each ask again once answered."""
    taken: list[tuple[float, float]] = []
    failed = 0
    start = time.perf_counter()
    until = start + WARM + seconds

    async def client(number: int) -> None:
        nonlocal failed
        while (began := time.perf_counter()) < until:
            try:
                await ask(photos[number % len(photos)])
            except Exception:  # counted, whatever it is
                failed += 1
                await asyncio.sleep(0.05)
            else:
                taken.append((began, time.perf_counter()))
            number += 1

    used = _processor()
    await asyncio.gather(*(client(number) for number in range(clients)))
    return _told(taken, failed, start + WARM, until, _processor() - used)


async def opened(ask: Ask, photos: list[bytes], rate: float, seconds: float) -> Answered:
    """Photos that arrive at random, so many a second on average, whether answered or not."""
    taken: list[tuple[float, float]] = []
    failed = 0
    draw = random.Random()  # every round others: their chance is part of what is told
    start = time.perf_counter()
    until, due = start + WARM + seconds, start

    async def one(number: int, due: float) -> None:
        nonlocal failed
        try:
            await ask(photos[number % len(photos)])
        except Exception:  # counted, whatever it is
            failed += 1
        else:
            taken.append((due, time.perf_counter()))

    used = _processor()
    async with asyncio.TaskGroup() as calls:
        number = 0
        while due < until:
            await asyncio.sleep(max(0, due - time.perf_counter()))
            # uvloop wakes up early now and then: a wait begins when its photo is sent at the latest
            calls.create_task(one(number, min(due, time.perf_counter())))
            due, number = due + draw.expovariate(rate), number + 1
    return _told(taken, failed, start + WARM, until, _processor() - used)


async def load(
    ask: Ask, photos: list[bytes], clients: int, rate: float, seconds: float
) -> Answered:
    """Photos that arrive at random at a rate, or where that is 0 a closed loop of clients."""
    if rate:
        return await opened(ask, photos, rate, seconds)
    return await closed(ask, photos, clients, seconds)


def _told(
    taken: list[tuple[float, float]], failed: int, start: float, until: float, used: float
) -> Answered:
    ended = sum(start <= end <= until for _, end in taken)
    counted = [(end - begin) * 1e3 for begin, end in taken if start <= begin <= until]
    p50, p99 = np.percentile(counted, [50, 99]).tolist() if counted else (np.inf, np.inf)
    return Answered(
        rate=ended / (until - start),
        p50=p50,
        p99=p99,
        failed=failed,
        answers=len(taken),
        client_ms=1e3 * used / max(len(taken), 1),
    )


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def asking(kind: str, address: str, stack: AsyncExitStack) -> Ask:
    """How a photo is sent, each kind as its own documentation says."""
    if kind in ("grpc", "empty"):
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(address))
        stub = pb_grpc.AgeEstimationServiceStub(channel)
        return lambda photo: stub.EstimateAge(pb.EstimateAgeRequest(photo=photo), timeout=60)
    import aiohttp

    session = await stack.enter_async_context(
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    )

    async def post(photo: bytes) -> object:
        async with session.post(f"http://{address}/predict", **_body(kind, photo)) as answer:
            answer.raise_for_status()
            return await answer.json()

    return post


def _body(kind: str, photo: bytes) -> dict[str, object]:
    import aiohttp

    form = aiohttp.FormData()
    name = {"bentoml": "photo", "litserve": "request"}[kind]
    form.add_field(name, photo, filename="photo.jpg", content_type="image/jpeg")
    return {"data": form}


async def main(kind: str, address: str, photos: list[bytes], how: tuple[int, float, float]) -> None:
    """Measure and print."""
    async with AsyncExitStack() as stack:
        told = await load(await asking(kind, address, stack), photos, *how)
    print(json.dumps(asdict(told)))


if __name__ == "__main__":
    kind, address, folder, clients, rate, seconds = sys.argv[1:]
    sent = [path.read_bytes() for path in sorted(Path(folder).iterdir())]
    # wakes up nearer to the second at which a photo is due than asyncio's own loop does
    uvloop.run(main(kind, address, sent, (int(clients), float(rate), float(seconds))))
