"""Swaps under load: by call, by SIGHUP and by rolling back, bad bundles among them."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import grpc

from checkout_age.server.bundle import INT8, WEIGHTS, find_bundle, read_bundle, write_bundle
from checkout_age.server.versions import PIN
from checkout_age.v1 import admin_pb2, admin_pb2_grpc
from checkout_age.v1 import age_estimation_pb2 as pb
from tests.chaos.load import Tally, closed_loop, night, stub_of
from tests.chaos.process import PATIENCE, ServerProcess

EVERY_BAD = 50
"""After so many swaps one to a damaged bundle is asked for."""
DEADLINE = 10.0


@dataclass(frozen=True)
class SwapsDone:
    """What came of it."""

    swaps: int
    failed_swaps: int
    bad_bundles_refused: int
    tills: Tally
    night: Tally
    swap_seconds: list[float]
    resident: list[int]
    """Bytes that the server held after each swap."""

    @property
    def failures(self) -> int:
        """Calls that were not answered, and swaps that did not come about."""
        return self.tills.failures + self.night.failures + self.failed_swaps


def two_versions(model: Path, folder: Path) -> tuple[Path, Path]:
    """Two bundles of one network, which differ in what they say of themselves."""
    shipped = find_bundle(model)
    bundle = read_bundle(shipped)
    int8 = None if bundle.int8 is None else {n: (shipped / n).read_bytes() for n in INT8}
    weights = {path: bundle.weights[path] for path in bundle.weights}
    first, second = (
        write_bundle(folder, replace(bundle.facts, data_terms=f"copy {n}"), weights, int8)
        for n in (1, 2)
    )
    return first, second


def damaged_version(version: Path) -> Path:
    """A copy of a version, one byte of it changed."""
    damaged = version.with_name("0bad")
    damaged.mkdir()
    for file in version.iterdir():
        content = bytearray(file.read_bytes())
        if file.name == WEIGHTS:
            content[-1] ^= 1
        (damaged / file.name).write_bytes(content)
    return damaged


async def swaps_under_load(
    model: Path,
    folder: Path,
    photos: list[bytes],
    *,
    swaps: int,
    clients: int,
    pause: float,
    told: Callable[[str], None],
) -> SwapsDone:
    """Swap to and fro between two versions while tills and a night are answered."""
    first, second = two_versions(model, folder / "models")
    server = ServerProcess(first.parent, folder, ("--admin-service", "--watch-models", "0"))
    server.start()
    try:
        server.wait_until_serving()
        damaged_version(first)
        async with (
            closed_loop(
                server.address, photos, clients=clients, pause=pause, deadline=DEADLINE
            ) as tills,
            night(server.address, photos, pause=pause) as stream,
        ):
            swapper = Swapper(server, (first.name, second.name))
            for number in range(1, swaps + 1):
                await swapper.swap(number)
                if number % EVERY_BAD == 0 or number == swaps:
                    await swapper.try_damaged()
                    told(
                        f"{number} swaps, {swapper.seconds[-1]:.2f} s the last, "
                        f"{server.resident / 2**20:.0f} MB, {tills.answered} tills and "
                        f"{stream.answered} photos of a stream answered, "
                        f"{tills.failures + stream.failures} failed"
                    )
        await swapper.close()
        server.tell(signal.SIGTERM)
        if server.wait() != 0:
            raise RuntimeError(f"the server failed: {server.log}")
    finally:
        server.kill()
    return SwapsDone(
        swaps, swapper.failed, swapper.refused, tills, stream, swapper.seconds, swapper.resident
    )


class Swapper:
    """Asks for one swap after the other, each in another way than the one before."""

    def __init__(self, server: ServerProcess, versions: tuple[str, str]) -> None:
        self._server, self._versions = server, versions
        self._channel, self._ages = stub_of(server.address)
        self._admin: admin_pb2_grpc.AdminServiceAsyncStub = admin_pb2_grpc.AdminServiceStub(
            self._channel
        )
        self.failed = self.refused = 0
        self.seconds: list[float] = []
        self.resident: list[int] = []

    async def swap(self, number: int) -> None:
        """The next swap, of three ways by turns; returns once the other version answers."""
        served = await self._served()
        other = next(version for version in self._versions if version != served)
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(PATIENCE):
                if number % 3 == 0 and number > 1:
                    await self._admin.RollBackModel(admin_pb2.RollBackModelRequest())
                elif number % 3 == 1:
                    await self._admin.SwapModel(admin_pb2.SwapModelRequest(version=other))
                else:
                    (self._server.model / PIN).write_text(other)
                    self._server.tell(signal.SIGHUP)
                    while await self._served() != other:  # noqa: ASYNC110  # nothing tells of it
                        await asyncio.sleep(0.05)
        except (TimeoutError, grpc.aio.AioRpcError):
            self.failed += 1
        else:
            self.failed += await self._served() != other
        self.seconds.append(loop.time() - began)
        self.resident.append(self._server.resident)

    async def try_damaged(self) -> None:
        """Ask for the damaged version; it must be refused."""
        with suppress(grpc.aio.AioRpcError):
            await self._admin.SwapModel(admin_pb2.SwapModelRequest(version="0bad"))
            self.failed += 1
            return
        self.refused += 1

    async def close(self) -> None:
        """Let go of the server."""
        await self._channel.close()

    async def _served(self) -> str:
        return (await self._ages.GetModel(pb.GetModelRequest())).version
