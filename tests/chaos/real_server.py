"""The real server as a process that can be killed and started again at its address."""

import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from checkout_age.batch.connection import connect


class RealServer:
    """checkout-age-server with the shipped model, for as long as the block runs."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.address = ""

    def __enter__(self) -> Self:
        self._start(0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._kill()

    def kill_and_start_again(self) -> None:
        """SIGKILL, and a new one at the same address, that may still be loading its model."""
        self._kill()
        self._start(int(self.address.rpartition(":")[2]))

    def _kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def _start(self, port: int) -> None:
        port_file = self._folder / "port"
        port_file.unlink(missing_ok=True)
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "checkout_age.server"),
                    *("--port", str(port), "--port-file", str(port_file)),
                ],
                stderr=log,
                stdout=log,
            )
        deadline = time.monotonic() + 120
        while not port_file.exists():
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        self.address = port_file.read_text().strip()
        with connect(self.address, timeout=120):
            pass
