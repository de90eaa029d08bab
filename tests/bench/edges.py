"""What the edge costs a photo: the server's own processor time with and without each part of it.

The scorer is a fake that has answered before, so that what is left is gRPC, the answer's message
and the edge, which is told of the stages as ever. Each kind of server is a process of its own; they
are asked in turns, 16 calls at a time.

    make bench-edges [JSON=file]
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import uvloop

from checkout_age.client import Access, AsyncAgeClient
from checkout_age.server import edge, loader
from checkout_age.server.bundle import BundleFacts, write_bundle
from checkout_age.server.config import ServerConfig
from checkout_age.server.logs import set_up_logs
from checkout_age.server.queue import Urgency
from checkout_age.server.scorer import Scored, Scorer
from checkout_age.server.serving import serve
from checkout_age.server.tokens import Caller, Role, add_token
from checkout_age.server.watch import Unwatched
from checkout_age.server.watch_options import LogFormat, LogLevel, LogOptions
from tests.authority import Authority
from tests.bench.figures import merge
from tests.bench.timing import Spread, machine
from tests.conftest import Always34, confetti, photo_of
from tests.faces import BrightPhotosHaveFaces

CALLS, AT_ONCE, ROUNDS = 1000, 16, 7
QUIET = {"log_level": LogLevel.WARNING}
KINDS: dict[str, dict[str, Any]] = {
    "without the edge": QUIET,
    "request ids, limits, metrics": QUIET,
    "and a log line as text": {},
    "and a log line as JSON": {"log_format": LogFormat.JSON},
    "and tokens and rates": {"log_format": LogFormat.JSON, "guarded": True},
    "and TLS": {"log_format": LogFormat.JSON, "guarded": True, "tls": True},
    "and traces of every call": {
        "log_format": LogFormat.JSON,
        "guarded": True,
        "tls": True,
        "otlp_endpoint": "http://127.0.0.1:1",
    },
}


@dataclass(frozen=True)
class Guards:
    """Files that guarded servers and their client share."""

    folder: Path
    token: str
    ca: Path

    def settings(self, kind: str) -> dict[str, Any]:
        given = dict(KINDS[kind])
        if given.pop("guarded", False):
            given |= {"tokens": self.folder / "tokens", "rate_limit": 1e6, "rate_burst": 1e6}
        if given.pop("tls", False):
            given |= {
                "tls_cert": self.folder / "server.pem",
                "tls_key": self.folder / "server.key",
            }
        return given

    def access(self, kind: str) -> Access:
        guarded = KINDS[kind].get("guarded", False)
        return Access(
            ca=self.ca if KINDS[kind].get("tls") else None, token=self.token if guarded else None
        )


class Answered(Scorer):
    """Scores one photo; all others are that one."""

    scored: Scored | None = None

    async def score(self, photo: bytes, urgency: Urgency = Urgency.TILL) -> Scored:
        if self.scored is None:
            self.scored = await super().score(photo, urgency)
            return self.scored
        for stage in ("queue", "read", "gather", "network"):
            self._watch.stage(stage, 1.0, 1.005)
        self._watch.batch(1)
        self._watch.photo("estimate")
        return self.scored


def server(kind: str, folder: str) -> None:
    """A server of a kind; tells its processor time for each line that it is given."""
    guards = Guards(Path(folder), "", Path())
    settings = guards.settings(kind)
    bundle = write_bundle(
        Path(folder) / f"models-{os.getpid()}",
        BundleFacts("fake", chip_side=32, data_terms="drawn by nobody"),
        {"nothing": np.zeros(1, np.float32)},
    )
    vars(loader)["Scorer"] = Answered
    if kind == "without the edge":
        ordinary: Callable[..., Any] = grpc.aio.server
        vars(grpc.aio)["server"] = lambda options, **_: ordinary(options=options)
        vars(edge)["Watched"] = lambda _: Unwatched()
    config = ServerConfig(
        model=bundle, port=0, port_file=Path(folder) / f"port-{os.getpid()}", **settings
    )
    set_up_logs(LogOptions(log_format=config.log_format, log_level=config.log_level))

    async def tell() -> None:
        loop = asyncio.get_running_loop()
        while await loop.run_in_executor(None, sys.stdin.readline):
            print(time.process_time(), flush=True)

    async def both() -> None:
        serving = asyncio.create_task(
            serve(config, load_runtime=Always34, load_faces=BrightPhotosHaveFaces)
        )
        await tell()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(both())


class Running:
    """A server process and a client that is let in."""

    def __init__(self, kind: str, guards: Guards, stack: ExitStack) -> None:
        log = stack.enter_context((guards.folder / "log").open("a"))
        self._process = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "tests.bench.edges", kind, str(guards.folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        )
        port = guards.folder / f"port-{self._process.pid}"
        while not port.exists():
            time.sleep(0.05)
        self._address, self._access = port.read_text().strip(), guards.access(kind)

    def seconds(self) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()

    def ask(self, photo: bytes, calls: int) -> float:
        """Milliseconds of the server's processor time for one call."""
        asyncio.run(self._ask(photo, 50))
        before = self.seconds()
        asyncio.run(self._ask(photo, calls))
        return 1e3 * (self.seconds() - before) / calls

    async def _ask(self, photo: bytes, calls: int) -> None:
        left = calls

        async def some(client: AsyncAgeClient) -> None:
            nonlocal left
            while left > 0:
                left -= 1
                await client.estimate_age(photo, deadline=30)

        async with AsyncAgeClient(self._address, self._access) as client:
            await asyncio.gather(*(some(client) for _ in range(AT_ONCE)))


def measure(calls: int = CALLS, rounds: int = ROUNDS) -> dict[str, Spread]:
    """Milliseconds for each kind, median and spread over the rounds."""
    photo = photo_of(confetti(40, 60))
    taken: dict[str, list[float]] = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        authority = Authority(folder)
        authority.issue("server", "127.0.0.1")
        token = add_token(folder / "tokens", Caller("bench", Role.ADMIN))
        guards = Guards(folder, token, authority.ca)
        running = {kind: Running(kind, guards, stack) for kind in KINDS}
        for _ in range(rounds):
            for kind, each in running.items():
                taken[kind].append(each.ask(photo, calls))
        for each in running.values():
            each.close()
    return {
        kind: Spread(*np.percentile(values, [50, 10, 90]).tolist())
        for kind, values in taken.items()
    }


def main(figures: str | None) -> None:
    print(f"{machine()}; {ROUNDS} rounds of {CALLS} calls, {AT_ONCE} at a time\n")
    print("| server's own ms a photo | median (10 % to 90 %) | more than without |\n|---|---|---|")
    spreads = measure()
    least = next(iter(spreads.values())).median
    for kind, spread in spreads.items():
        more = f"{spread.median - least:+.3f}" if spread.median != least else ""
        print(f"| {kind} | {spread.median:.3f} ({spread.low:.3f} to {spread.high:.3f}) | {more} |")
    told = {f"edge_ms: {kind}": spread.median for kind, spread in spreads.items()}
    merge(None if figures is None else Path(figures), told)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        server(sys.argv[1], sys.argv[2])
    else:
        main(sys.argv[1] if len(sys.argv) > 1 else None)
