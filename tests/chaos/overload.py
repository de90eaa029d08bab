"""Overload: three times as many calls as can be answered."""

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.load import Tally, closed_loop, open_loop
from tests.chaos.process import ServerProcess

TIMES = 3.0
DEADLINE = 1.0
"""Seconds that a till waits."""
WARM_UP = 2.0


@dataclass(frozen=True)
class OverloadDone:
    """What came of it."""

    capacity: float
    """Answers a second to clients that each ask again as soon as they have their answer."""
    rate: float
    """Answers a second, inside their deadline, to calls that come at three times that rate."""
    calls: Tally

    @property
    def rate_vs_capacity(self) -> float:
        """1 where overload costs nothing."""
        return self.rate / self.capacity

    @property
    def refused(self) -> int:
        """Calls that were refused at once, before work was spent on them."""
        return sum(n for told, n in self.calls.failed.items() if told.startswith("RESOURCE"))


async def overload(
    model: Path,
    folder: Path,
    photos: list[bytes],
    *,
    clients: int,
    seconds: float,
    told: Callable[[str], None],
) -> OverloadDone:
    """Measure the capacity, then ask for three times as much.

    Where there are cores enough the clients keep to one half of them and the server to the other,
    so that asking three times as often does not itself take what is asked for.
    """
    all_cores = sorted(os.sched_getaffinity(0))
    theirs = frozenset(all_cores[: len(all_cores) // 2])
    server = ServerProcess(model, folder, cores=theirs)
    server.start()
    os.sched_setaffinity(0, set(all_cores) - theirs)
    try:
        server.wait_until_serving()
        async with closed_loop(
            server.address, photos, clients=clients, pause=0, deadline=60
        ) as tally:
            await asyncio.sleep(WARM_UP)
            before = tally.answered
            await asyncio.sleep(seconds)
            capacity = (tally.answered - before) / seconds
        told(f"capacity: {capacity:.1f} answers a second to {clients} clients")
        calls = await open_loop(
            server.address,
            photos,
            clients=clients,
            rate=TIMES * capacity,
            seconds=seconds,
            deadline=DEADLINE,
        )
        done = OverloadDone(capacity, calls.answered / seconds, calls)
        told(
            f"at {TIMES:g} times that: {done.rate:.1f} answers a second, "
            f"{done.rate_vs_capacity:.2f} of the capacity; {done.refused} refused at once, "
            f"{calls.failures - done.refused} otherwise not answered"
        )
        server.tell(signal.SIGTERM)
        if server.wait() != 0:
            raise RuntimeError(f"the server failed: {server.log}")
    finally:
        os.sched_setaffinity(0, all_cores)
        server.kill()
    return done
