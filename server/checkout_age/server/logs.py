"""Logs: lines for people or JSON objects for machines, each with the id of its request."""

import json
import logging
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import TextIO

from checkout_age.server import request_id
from checkout_age.server.messages import name_of
from checkout_age.server.watch_options import LogFormat, LogOptions


def set_up_logs(options: LogOptions) -> None:
    """Send all logs of the process to standard error in the form asked for."""
    logging.basicConfig(
        handlers=[handler_of(options, sys.stderr)], level=options.log_level.upper(), force=True
    )
    for noisy in ("grpc", "opentelemetry"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLogger().level))
    # what no line shows need not be looked up for each, as logging's documentation advises
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # the documented way to the same


def handler_of(options: LogOptions, stream: TextIO) -> logging.Handler:
    """What writes to a stream in the form asked for."""
    handler = Gathered(stream)
    handler.setFormatter(
        JsonLines() if options.log_format is LogFormat.JSON else Lines(LINE, style="{")
    )
    return handler


GATHERING = 0.2
"""Seconds for which the line of a call may wait for others."""
TOGETHER = 100
"""Lines of calls that wait no longer."""
MOST_LINES = 10_000
"""Lines that wait where nobody reads the log; further ones are lost, and counted."""
PATIENCE = 1.0
"""Seconds that an end waits for whoever reads the log."""
LINE = "{asctime} {levelname} {name}: {message}"
REFUSED_UNNAMED = frozenset({"UNAUTHENTICATED", "UNIMPLEMENTED"})
"""Statuses of callers that have no name here and are told by their address in lines for people."""


class Gathered(logging.StreamHandler[TextIO]):
    """Has a thread of its own write, which alone waits where nobody reads the log.

    The lines of calls are written a few at a time; any other line takes them along at once.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._handing = threading.RLock()  # a collected object may log while its owner does
        self._lines: list[str] = []
        self._lost = 0
        self._flushes: list[threading.Event] = []
        self._any, self._now = threading.Event(), threading.Event()
        threading.Thread(target=self._write_now_and_then, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Hand the line over; it is never waited for."""
        try:
            if len(self._lines) >= MOST_LINES:
                with self._handing:
                    self._lost += 1
                return
            line = self.format(record) + self.terminator
            with self._handing:
                self._lines.append(line)
            waits = isinstance(record, CallRecord) and len(self._lines) < TOGETHER
            if not waits and not self._now.is_set():
                self._now.set()
            if not self._any.is_set():
                self._any.set()
        except Exception:  # as every handler of logging does
            self.handleError(record)

    def flush(self) -> None:
        """Wait until all lines so far are written, or for as long as there is patience."""
        written = threading.Event()
        with self._handing:
            self._flushes.append(written)
        self._now.set()
        self._any.set()
        written.wait(PATIENCE)

    def _write_now_and_then(self) -> None:
        while True:
            self._any.wait()
            self._now.wait(GATHERING)
            self._any.clear()
            self._now.clear()
            with self._handing:
                lines, self._lines = self._lines, []
                lost, self._lost = self._lost, 0
                flushes, self._flushes = self._flushes, []
            if lost:
                lines.append(self.format(_loss(lost)) + self.terminator)
            with suppress(ValueError, OSError):  # the stream was closed
                self.stream.write("".join(lines))
                self.stream.flush()
            for written in flushes:
                written.set()


def _loss(lines: int) -> logging.LogRecord:
    words = f"{lines} lines are lost here: nobody read the log for too long"
    return logging.LogRecord(__name__, logging.WARNING, "logs.py", 0, words, (), None)


class Lines(logging.Formatter):
    """Lines for people; times are UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with the id of the request that it belongs to."""
        if isinstance(record, CallRecord):
            line = f"{_time(record)} INFO {record.name}: {record.getMessage()}"
        else:
            line = super().format(record)
        name = request_id.current.get()
        return f"{line} [request {name}]" if name else line

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002
        """In ISO 8601, to the millisecond."""
        return _time(record)


_CALL = logging.LogRecord("", logging.INFO, "calls.py", 0, "", (), None).__dict__
"""What every record has, looked up once."""


class CallRecord(logging.LogRecord):
    """One call, told without what a record otherwise gathers: there is one for each photo."""

    def __init__(
        self,
        name: str,
        *,
        method: str,
        code: str,
        seconds: float,
        client: str | None,
        peer: str | None,
    ) -> None:
        self.__dict__.update(_CALL)
        self.name = name
        self.created = time.time()
        self.method, self.code, self.seconds = method, code, seconds
        self.client, self.peer = client, peer

    def getMessage(self) -> str:
        """In words."""
        who = "" if self.client is None else f" for {self.client}"
        if not who and self.code in REFUSED_UNNAMED:
            who = f" from {self.peer}"
        return f"{name_of(self.method)} {self.code} in {1000 * self.seconds:.1f} ms{who}"

    def in_json(self) -> str:
        """The fields beside those that every line has; only what can hold any letter is encoded."""
        return (
            f', "method": "{self.method}", "code": "{self.code}", "seconds": {self.seconds:.6f}, '
            f'"client": {_encode(self.client)}, "peer": {_encode(self.peer)}'
        )


class JsonLines(logging.Formatter):
    """JSON objects."""

    def format(self, record: logging.LogRecord) -> str:
        """The object, in one line."""
        name = request_id.current.get()
        more = ""
        if isinstance(record, CallRecord):
            more = record.in_json()
        elif record.exc_info:
            more = f', "error": {_encode(self.formatException(record.exc_info))}'
        return (
            f'{{"time": "{_time(record)}", "level": "{record.levelname}", '
            f'"logger": "{record.name}", "message": {_encode(record.getMessage())}, '
            f'"request_id": {_encode(name or None)}{more}}}'
        )


def _encode(text: str | None) -> str:
    return "null" if text is None else json.dumps(text)


def _time(record: logging.LogRecord) -> str:
    seconds, fraction = divmod(record.created, 1)
    return f"{_second(int(seconds))}.{int(1000 * fraction):03}+00:00"


@lru_cache(2)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()[:19]
