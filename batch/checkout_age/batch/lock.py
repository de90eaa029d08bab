"""The lock of a night: one run at a time writes it, and a run that dies frees it.

On this machine, or a shared file system, it is flock(2) on `.locks/purchase_date=D.lock`, which the
kernel frees. Object stores have no such thing; see lease.py.
"""

import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

from checkout_age.batch.lake import KEY, Lake
from checkout_age.batch.lease import lease

FOLDER = ".locks"
SAYS_WITHIN = 0.2
"""Seconds from taking a lock to having said who did."""


class NightTakenError(RuntimeError):
    """Another run works on this night; the message says which."""


@contextmanager
def night_lock(lake: Lake, day: date, verb: str = "run") -> Iterator[Callable[[], None]]:
    """Hold the night for the block; gives a check to call before the night is replaced.

    Raises:
        NightTakenError: another run holds it; also from the check, where a lease was lost.
        OSError: the lock cannot be written.
    """
    ours = _ourselves(verb)
    place = lake.folder / FOLDER / f"{KEY}{day.isoformat()}"
    if place.local is None:
        with lease(place, ours, _taken(day)) as require:
            yield require
        return
    place.local.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(f"{place.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _taken(day)(_holder(descriptor)) from None
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(ours).encode(), 0)
        yield lambda: None
    finally:
        os.close(descriptor)


def _holder(descriptor: int) -> bytes:
    """What the holder says of itself; one that has just begun is given time to.

    Until then the words of one that died may stand there.
    """
    time.sleep(SAYS_WITHIN)
    return os.pread(descriptor, 4096, 0)


def _ourselves(verb: str) -> dict[str, object]:
    return {
        "verb": verb,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _taken(day: date) -> Callable[[bytes], NightTakenError]:
    def error(told: bytes) -> NightTakenError:
        try:
            who = json.loads(told)
            words = (
                f"`{who['verb']}` with process {who['pid']} on {who['host']} since {who['since']}"
            )
        except (ValueError, KeyError, TypeError):  # it has just begun, or is of another version
            words = "another run"
        return NightTakenError(f"the night of {day} is being worked on by {words}")

    return error
