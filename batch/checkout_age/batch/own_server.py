"""A server of our own, started for one run, which ends with it however it ends."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc

from checkout_age.batch.connection import POLL, NoServerError, RemoteServer, wait_until_serving

START_TIMEOUT = 180.0
"""Seconds that the server has to load its model."""
STOP_TIMEOUT = 30.0
STARTS = 20
"""How often it is started anew where it breaks down, before that is what is wrong."""


class OwnServer:
    """A server process that is started anew where it has broken down."""

    def __init__(self, model: Path | None, folder: Path) -> None:
        self._model = model
        self._folder = folder
        self._log = folder / "server.log"
        self._starts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._remote: RemoteServer | None = None

    def channel(self) -> grpc.Channel:
        """The connection, once the server serves.

        Raises:
            NoServerError: the server could not start; the message holds its last words.
        """
        if self._process is None or self._process.poll() is not None or self._remote is None:
            self._start()
        assert self._remote is not None
        return self._remote.channel()

    def renew(self) -> None:
        """Have the next channel be a new connection."""
        if self._remote is not None:
            self._remote.renew()

    def last_words(self, most: int = 1) -> str:
        """The end of the server's log."""
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return "\n".join(lines[-most:]) if lines else "it said nothing"

    def stop(self) -> None:
        """End the server; it drains first."""
        self.renew()
        if self._process is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start(self) -> None:
        self.stop()
        self._starts += 1
        if self._starts > STARTS:
            raise NoServerError(f"the server broke down {STARTS} times: {self.last_words()}")
        port_file = self._folder / "port"
        port_file.unlink(missing_ok=True)
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603  # our own server, no shell
                [
                    *(sys.executable, "-m", "checkout_age.server"),
                    *(() if self._model is None else ("--model", str(self._model))),
                    *("--port", "0", "--port-file", str(port_file)),
                    "--until-stdin-closes",
                ],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us; the server ends with its input
            )
        deadline = time.monotonic() + START_TIMEOUT
        while not port_file.exists():
            self._require_alive()
            if time.monotonic() > deadline:
                raise NoServerError(f"the server did not start: {self.last_words()}")
            time.sleep(POLL)
        address = port_file.read_text().strip()
        self._remote = RemoteServer(address)
        wait_until_serving(self._remote.channel(), address, deadline, self._require_alive)

    def _require_alive(self) -> None:
        assert self._process is not None
        if self._process.poll() is not None:
            raise NoServerError(f"the server did not start: {self.last_words()}")


@contextmanager
def started(model: Path | None) -> Iterator[OwnServer]:
    """A server of our own, which ends with the block or with this process.

    Raises:
        NoServerError: the server could not start; the message holds its last words.
    """
    with tempfile.TemporaryDirectory(prefix="checkout-age-") as folder:
        server = OwnServer(model, Path(folder))
        try:
            server.channel()
            yield server
        except ConnectionError as error:
            if not isinstance(error, NoServerError):  # that one holds its last words
                sys.stderr.write(server.last_words(200) + "\n")  # they go with the folder
            raise
        finally:
            server.stop()
