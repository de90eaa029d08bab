"""Drains under load: two servers, one of them stopped and started again and again."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.load import Tally, closed_loop
from tests.chaos.process import ServerProcess

GRACE = 20.0
DEADLINE = 10.0


@dataclass(frozen=True)
class DrainsDone:
    """What came of it."""

    drains: int
    bad_ends: int
    """Servers that did not end with status 0 inside the grace."""
    tills: Tally
    seconds: list[float]
    """From SIGTERM to the end of the process."""

    @property
    def failures(self) -> int:
        """Calls that were not answered, and servers that ended badly."""
        return self.tills.failures + self.bad_ends


async def drains_under_load(
    model: Path,
    folder: Path,
    photos: list[bytes],
    *,
    drains: int,
    clients: int,
    pause: float,
    told: Callable[[str], None],
) -> DrainsDone:
    """Stop one server after the other while tills follow their health, and start each anew."""
    loop = asyncio.get_running_loop()
    bad_ends, seconds = 0, []
    with ExitStack() as stack:
        servers = [_server(model, folder / name, stack) for name in ("one", "two")]
        for server in servers:
            await asyncio.to_thread(server.wait_until_serving)
        target = "ipv4:" + ",".join(server.address for server in servers)
        async with closed_loop(
            target, photos, clients=clients, pause=pause, deadline=DEADLINE
        ) as tills:
            for number in range(1, drains + 1):
                server = servers[number % 2]
                began = loop.time()
                server.tell(signal.SIGTERM)
                status = await asyncio.to_thread(server.wait)
                seconds.append(loop.time() - began)
                bad_ends += status != 0 or seconds[-1] > GRACE
                await asyncio.to_thread(server.start)
                await asyncio.to_thread(server.wait_until_serving)
                if number % 10 == 0 or number == drains:
                    told(
                        f"{number} drains, {seconds[-1]:.2f} s the last, {tills.answered} tills "
                        f"answered, {tills.failures} failed, {bad_ends} bad ends"
                    )
        for server in servers:
            server.tell(signal.SIGTERM)
            if await asyncio.to_thread(server.wait) != 0:
                raise RuntimeError(f"the server failed: {server.log}")
    return DrainsDone(drains, bad_ends, tills, seconds)


def _server(model: Path, folder: Path, stack: ExitStack) -> ServerProcess:
    folder.mkdir()
    server = ServerProcess(model, folder, ("--grace", f"{GRACE}"))
    stack.callback(server.kill)
    server.start()
    return server
