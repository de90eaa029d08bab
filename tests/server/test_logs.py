"""What becomes of lines, whoever reads them and however slowly."""

import fcntl
import logging
import os
import re
import threading
import weakref
from collections.abc import Iterator
from io import StringIO
from typing import TextIO

import pytest

from checkout_age.server import logs
from checkout_age.server.logs import CallRecord, handler_of
from checkout_age.server.watch_options import LogOptions

LINES = 2000


@pytest.fixture
def pipe() -> Iterator[tuple[TextIO, TextIO]]:
    """The end that is read and the end that the log is written to, with room for a few lines."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    with os.fdopen(reading) as reader, os.fdopen(writing, "w") as writer:
        yield reader, writer


def line(number: int) -> logging.LogRecord:
    return logging.LogRecord("till", logging.INFO, "", 0, f"line {number}", (), None)


def call(code: str = "OK") -> CallRecord:
    return CallRecord("calls", method="/a/b", code=code, seconds=0.1, client=None, peer=None)


def all_told(handler: logging.Handler) -> None:
    for number in range(LINES):
        handler.handle(line(number))


def all_read(reader: TextIO) -> int:
    """Read up to the last of all lines, each in its place; gives how many were lost."""
    lost = number = 0
    while number < LINES:
        text = reader.readline()
        told = re.search(r"WARNING .*: (\d+) lines are lost here", text)
        if told is None:
            assert text.endswith(f"line {number}\n")
            number += 1
        else:
            lost += int(told[1])
            number += int(told[1])
    return lost


def test_a_reader_that_stalls_holds_nobody_up_and_is_told_how_many_lines_it_missed(
    pipe: tuple[TextIO, TextIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "MOST_LINES", 500)
    monkeypatch.setattr(logs, "PATIENCE", 0.1)
    reader, writer = pipe
    handler = handler_of(LogOptions(), writer)
    teller = threading.Thread(target=all_told, args=(handler,), daemon=True)
    teller.start()
    teller.join(30)
    assert not teller.is_alive()
    logging.shutdown([weakref.ref(handler)])
    assert all_read(reader) > 0
    handler.handle(line(LINES))
    assert reader.readline().endswith(f"line {LINES}\n")


def test_a_reader_that_reads_misses_nothing(pipe: tuple[TextIO, TextIO]) -> None:
    reader, writer = pipe
    handler = handler_of(LogOptions(), writer)
    threading.Thread(target=all_told, args=(handler,), daemon=True).start()
    assert all_read(reader) == 0


def test_the_line_of_a_call_waits_for_others_and_any_other_line_takes_it_along(
    pipe: tuple[TextIO, TextIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "GATHERING", 1000.0)
    reader, writer = pipe
    handler = handler_of(LogOptions(), writer)
    handler.handle(call())
    handler.handle(line(1))
    assert "b OK in" in reader.readline()
    assert reader.readline().endswith("line 1\n")


def test_the_line_of_a_call_comes_by_itself(pipe: tuple[TextIO, TextIO]) -> None:
    reader, writer = pipe
    handler_of(LogOptions(), writer).handle(call())
    assert "b OK in" in reader.readline()


def test_a_stream_that_was_closed_ends_neither_a_call_nor_the_server() -> None:
    stream = StringIO()
    handler = handler_of(LogOptions(), stream)
    stream.close()
    handler.handle(line(1))
    handler.flush()
