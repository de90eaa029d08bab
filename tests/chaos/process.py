"""A server in a process of its own, as an operator runs it, that the chaos can be told upon."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

POLL = 0.02
PATIENCE = 120.0
"""Seconds that a start, a swap or an end may take on a machine that has much else to do."""


@dataclass
class ServerProcess:
    """One server; the same port at every start."""

    model: Path
    folder: Path
    options: tuple[str, ...] = ()
    port: int = 0
    cores: frozenset[int] = frozenset()
    """Those that it may run on; none: all."""
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """HOST:PORT."""
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """All that it has said, of every start."""
        return (self.folder / "log").read_text()

    @property
    def resident(self) -> int:
        """Bytes of memory that it holds."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024

    def start(self) -> None:
        """Start it; returns once its port is bound."""
        port_file = self.folder / "port"
        port_file.unlink(missing_ok=True)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "checkout_age.server", "--model", str(self.model)),
                    *("--port", str(self.port), "--port-file", str(port_file)),
                    *("--log-level", "warning", "--until-stdin-closes", *self.options),
                ],
                stdin=subprocess.PIPE,
                stderr=log,
            )
        if self.cores:
            os.sched_setaffinity(self._process.pid, self.cores)
        until = time.monotonic() + PATIENCE
        while not port_file.exists():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the server did not start: {self.log}")
            time.sleep(POLL)
        self.port = int(port_file.read_text().rpartition(":")[2])

    def wait_until_serving(self) -> None:
        """Return once it says that it is healthy."""
        with grpc.insecure_channel(self.address, (("grpc.enable_http_proxy", 0),)) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            request = health_pb2.HealthCheckRequest()
            for status in health.Watch(  # type: ignore[attr-defined]  # untyped stub
                request, timeout=PATIENCE, wait_for_ready=True
            ):
                if status.status == health_pb2.HealthCheckResponse.SERVING:
                    return
        raise RuntimeError(f"the server did not serve: {self.log}")

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self) -> int:
        """Wait for its end; gives the exit status."""
        assert self._process is not None
        status = self._process.wait(PATIENCE)
        assert self._process.stdin is not None
        self._process.stdin.close()
        return status

    def kill(self) -> None:
        """End it, however it is."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self.wait()
