"""How a command ends: the statuses and who is told."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from checkout_age.batch.failures import BAD_INPUT, EXITS, INTERRUPTED, status_of, words_of

__all__ = ["EXITS", "telling_failures"]


@contextmanager
def telling_failures(out: str, alarm: Callable[[str, int], object] | None = None) -> Iterator[None]:
    """End the process with the status of the block's error and one line that says why.

    The alarm is given the line and the status first, but not of an interruption.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    except BaseException as error:
        status = status_of(error)
        if status is None:
            if alarm is not None and isinstance(error, Exception):
                alarm(f"{type(error).__name__}: {error}", BAD_INPUT)
            raise
        words = words_of(error, out)
        print(f"checkout-age-batch: {words}", file=sys.stderr)
        if alarm is not None and status != INTERRUPTED:
            alarm(words, status)
        sys.exit(status)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a second one ends the process at once
    raise KeyboardInterrupt
