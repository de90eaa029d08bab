"""A real server process with the shipped model, one for all tests here."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from checkout_age.batch import connection


@dataclass(frozen=True)
class RunningServer:
    address: str
    process: subprocess.Popen[bytes]


@contextmanager
def running(model: Path, folder: Path, *options: str) -> Iterator[RunningServer]:
    """A server that serves; it is told to end with the block, if it has not ended before."""
    port_file = folder / "port"
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [
                *(sys.executable, "-m", "checkout_age.server", "--model", str(model)),
                *("--port", "0", "--port-file", str(port_file), "--until-stdin-closes"),
                *options,
            ],
            stdin=subprocess.PIPE,
            stderr=log,
        ) as process,
    ):
        deadline = time.monotonic() + 60
        while not port_file.exists():
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        address = port_file.read_text().strip()
        with connection.connect(address, timeout=120):
            pass
        yield RunningServer(address, process)


@pytest.fixture(scope="session")
def shipped_model(pytestconfig: pytest.Config) -> Path:
    return pytestconfig.rootpath / "server" / "models" / "distilled"


@pytest.fixture(scope="session")
def server(
    shipped_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    with running(shipped_model, tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def channel(server: RunningServer) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(server.address) as channel:
        yield channel
