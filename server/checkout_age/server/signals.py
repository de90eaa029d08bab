"""Signals: what an operator tells a running process."""

import asyncio
import os
import signal
import stat
import sys
from types import FrameType

STOP = (signal.SIGTERM, signal.SIGINT)
RELOAD = signal.SIGHUP


def before_serving() -> None:
    """Until `Signals` takes over: SIGTERM and SIGINT end the process in peace, SIGHUP is noted.

    Nothing has been served yet, and the newest model will be loaded anyway.
    """
    for number in STOP:
        signal.signal(number, _leave)
    signal.signal(RELOAD, _pass_over)


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # signal's own form
    sys.exit(0)


def _pass_over(number: int, frame: FrameType | None) -> None:
    """The model that is about to be loaded is the newest."""


class StdinError(ValueError):
    """Standard input is nothing whose end could be waited for."""


class Signals:
    """The first SIGTERM or SIGINT asks for an end, a second ends the process at once.

    SIGHUP asks to look at the models folder. Used on one event loop.
    """

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.reload = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in STOP:
            loop.add_signal_handler(number, self.stop.set)
        loop.add_signal_handler(RELOAD, self.reload.set)
        for number in STOP:  # the loop, which hears of it all the same, may be what hangs
            signal.signal(number, _end_next_time)

    async def stop_with_stdin(self) -> None:
        """Ask for an end when standard input ends, too.

        Raises:
            StdinError: it is no pipe, socket or terminal.
        """
        stop = self.stop

        class UntilEnd(asyncio.Protocol):
            def eof_received(self) -> None:
                stop.set()

            def connection_lost(self, _: Exception | None) -> None:
                stop.set()

        if not _can_end():
            raise StdinError(
                "standard input is no pipe, so it has ended already: start the server with a "
                "pipe that stays open, or without until-stdin-closes"
            )
        await asyncio.get_running_loop().connect_read_pipe(UntilEnd, sys.stdin)


def _end_next_time(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    for each in STOP:
        signal.signal(each, signal.SIG_DFL)


def _can_end() -> bool:
    """Whether standard input is there, and of a kind whose end is told."""
    if sys.stdin is None:
        return False
    mode = os.fstat(sys.stdin.fileno()).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or sys.stdin.isatty()
