"""Servers in processes of their own, started, asked, weighed and stopped."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.server.load import Answered, asking
from tests.bench.server.peer_pipeline import MODEL

PATIENCE = 120.0
"""Seconds that a server may take to answer first."""


@dataclass(frozen=True)
class Kind:
    """One server to compare: how it is started and asked."""

    name: str
    asked: str
    """See load."""
    command: tuple[str, ...]
    """MODEL and PORT stand for what they say."""


PYTHON = (sys.executable, "-m")
OURS = Kind(
    "this server", "grpc", (*PYTHON, "checkout_age.server", "--model", "MODEL", "--port", "PORT")
)
EMPTY = Kind("gRPC alone", "empty", (*PYTHON, "tests.bench.server.empty", "PORT"))
TUTORIAL = Kind("tutorial", "grpc", (*PYTHON, "tests.bench.server.tutorial", "MODEL", "PORT"))
BENTOML = Kind(
    "BentoML",
    "bentoml",
    (
        *(*PYTHON, "bentoml", "serve", "tests.bench.server.peer_bentoml:Ages"),
        *("--host", "127.0.0.1", "--port", "PORT"),
    ),
)
LITSERVE = Kind("LitServe", "litserve", (*PYTHON, "tests.bench.server.peer_litserve", "PORT"))


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    kind: Kind
    address: str
    process: "subprocess.Popen[bytes]"
    start_s: float
    """Seconds from the start of the process to the first answer."""

    @property
    def memory_mb(self) -> float:
        """Of its processes together; what they share counts once (proportional set size)."""
        return sum(_pss(number) for number in _family(self.process.pid)) / 1e6

    @property
    def processor_s(self) -> float:
        """Seconds of processor time that its processes have used."""
        return sum(_used(number) for number in _family(self.process.pid))

    def ask(self, folder: Path, clients: int, rate: float, seconds: float) -> Answered:
        """Load from another process, see load."""
        run = subprocess.run(
            [
                *(*PYTHON, "tests.bench.server.load", self.kind.asked, self.address, str(folder)),
                *(str(clients), str(rate), str(seconds)),
            ],
            stdout=subprocess.PIPE,
            check=True,
        )
        return Answered(**json.loads(run.stdout))


@contextmanager
def running(kind: Kind, model: Path, photo: bytes, log: Path) -> Iterator[Running]:
    """Start a server and wait for its first answer; at the end stop it and what it started."""
    port = _free_port()
    command = [{"MODEL": str(model), "PORT": str(port)}.get(part, part) for part in kind.command]
    began = time.perf_counter()
    with log.open("ab") as file:
        process = subprocess.Popen(
            command,
            stdout=file,
            stderr=file,
            env={**os.environ, MODEL: str(model), "BENTOML_DO_NOT_TRACK": "True"},
            start_new_session=True,
        )
    try:
        if not asyncio.run(_first_answer(kind, port, photo, process)):
            last = "\n".join(log.read_text().splitlines()[-20:])
            raise RuntimeError(f"{kind.name} ended with {process.wait()}, no answer yet:\n{last}")
        yield Running(kind, f"127.0.0.1:{port}", process, time.perf_counter() - began)
    finally:
        _stop(process)


async def _first_answer(
    kind: Kind, port: int, photo: bytes, process: "subprocess.Popen[bytes]"
) -> bool:
    """Wait until the server has answered for the photo; false where it has ended."""
    async with asyncio.timeout(PATIENCE), AsyncExitStack() as stack:
        ask = None
        while process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", port), 0.2):
                    ask = ask or await asking(kind.asked, f"127.0.0.1:{port}", stack)
                await ask(photo)
            except Exception:  # not yet, whatever the reason
                await asyncio.sleep(0.01)
            else:
                return True
    return False


def _stop(process: "subprocess.Popen[bytes]") -> None:
    members = _family(process.pid)
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for number in members[1:]:
        try:
            os.kill(number, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _family(number: int) -> list[int]:
    """A process and those that it started, and so on."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    family = [number]
    for member in family:
        family += children.get(member, [])
    return family


def _pss(number: int) -> int:
    try:
        text = Path(f"/proc/{number}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next(int(line.split()[1]) * 1024 for line in text.splitlines() if line[:4] == "Pss:")


def _used(number: int) -> float:
    try:
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
