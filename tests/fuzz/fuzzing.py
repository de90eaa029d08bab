"""Fuzzing: many inputs at a time through the real port, and what came of them."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from shutil import copytree
from typing import Any

import grpc
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from checkout_age.server.config import SHIPPED
from checkout_age.v1 import age_estimation_pb2 as pb
from checkout_age.v1 import age_estimation_pb2_grpc as pb_grpc
from tests.fuzz.inputs import (
    ADMIN,
    REFLECTION,
    STREAM,
    WATCH,
    Input,
    made_of,
    photos_of_every_shape,
)

AT_ONCE = 256
"""Inputs of one example: those for the stream go through one, the others in calls of their own."""
ALLOWED = frozenset(
    {
        *("OK", "INVALID_ARGUMENT", "NOT_FOUND", "UNIMPLEMENTED", "RESOURCE_EXHAUSTED"),
    }
)
"""What a sender's mistake may be answered with; all else is a failure of the server's."""
NOT_NOW = "FAILED_PRECONDITION"
"""What an operator's wish may be answered with besides."""
WARM = 16
"""Photos of each shape that are sent before what counts."""
PATIENCE = 120.0
"""Seconds for one example; a server that hangs is found by it."""


class Fuzzer:
    """Sends inputs to one server and counts the answers."""

    def __init__(self, address: str, sent: Callable[[int], None] = lambda _: None) -> None:
        self.outcomes: Counter[str] = Counter()
        self._address, self._sent = address, sent
        self._loop = asyncio.new_event_loop()
        self._channel = self._loop.run_until_complete(self._open())

    def warm_up(self) -> None:
        """Go every way that a photo can go, as often at once as the server goes it.

        What it makes ready for photos of a shape when the first comes is held from then on.
        """
        photos = [shown for shown in photos_of_every_shape() for _ in range(WARM)]
        self._loop.run_until_complete(self._stream(photos))
        self.outcomes.clear()

    def run(self, count: int, start: int) -> None:
        """Send at least so many inputs, in examples that Hypothesis draws from a first seed.

        Raises:
            AssertionError: an input was answered in a way that is not ALLOWED; the smallest list of
                numbers that shows it is in Hypothesis' report.
        """
        numbers = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=AT_ONCE)
        full = st.lists(st.integers(0, 2**64 - 1), min_size=AT_ONCE, max_size=AT_ONCE)

        @seed(start)
        @settings(
            max_examples=-(-count // AT_ONCE),
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        @given(full | numbers if count < AT_ONCE else full)
        def every_input_is_answered(drawn: Sequence[int]) -> None:
            inputs = [made_of(number) for number in drawn]
            self._loop.run_until_complete(asyncio.wait_for(self._send(inputs), PATIENCE))
            self._sent(len(inputs))

        every_input_is_answered()

    def close(self) -> None:
        """Let go of the connection."""
        self._loop.run_until_complete(self._channel.close())
        self._loop.close()

    async def _open(self) -> grpc.aio.Channel:
        return grpc.aio.insecure_channel(self._address)

    async def _send(self, inputs: Sequence[Input]) -> None:
        alone = [each for each in inputs if each.method]
        streamed = [each.content for each in inputs if not each.method]
        free = asyncio.Semaphore(32)
        await asyncio.gather(self._stream(streamed), *(self._call(each, free) for each in alone))

    async def _call(self, each: Input, free: asyncio.Semaphore) -> None:
        async with free:
            try:
                if each.method in {STREAM, REFLECTION}:
                    stream: Any = self._channel.stream_stream(each.method)
                    async for _ in stream(iter([each.content]), timeout=PATIENCE):
                        pass
                elif each.method == WATCH:  # it ends with the server
                    watch: Any = self._channel.unary_stream(each.method)
                    watching = watch(each.content, timeout=PATIENCE)
                    await watching.read()
                    watching.cancel()
                else:
                    call: Any = self._channel.unary_unary(each.method)
                    await call(each.content, timeout=PATIENCE)
                code = "OK"
            except grpc.aio.AioRpcError as error:
                code = error.code().name
        self.outcomes[code] += 1
        may_be_refused = code == NOT_NOW and each.method.startswith(ADMIN)
        assert code in ALLOWED or may_be_refused, f"{code} for {each}"

    async def _stream(self, photos: Sequence[bytes]) -> None:
        stub: pb_grpc.AgeEstimationServiceAsyncStub = pb_grpc.AgeEstimationServiceStub(
            self._channel
        )

        async def requests() -> AsyncIterator[pb.EstimateAgesRequest]:
            for number, photo in enumerate(photos):
                yield pb.EstimateAgesRequest(id=str(number), photo=photo)

        answered: set[int] = set()
        async for answer in stub.EstimateAges(requests(), timeout=PATIENCE):
            answered.add(int(answer.id))
            problem = answer.problem.problem if answer.HasField("problem") else None
            self.outcomes["estimate" if problem is None else pb.Problem.Name(problem)] += 1
        assert answered == set(range(len(photos))), "a photo of the stream was not answered"


def copied_model(folder: Path) -> Path:
    """The shipped model where swaps that are asked for may write beside it."""
    return Path(copytree(SHIPPED, folder / "models" / SHIPPED.name))


def resident_mb(process: int) -> float:
    """The memory that a process holds, in MB."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
