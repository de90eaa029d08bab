"""The shop's clock: what it shows at a moment, and when it shows what.

By zoneinfo; Arrow would first read every zone of the system, which takes seconds. A clock that
shows an hour twice means the first; an hour that it skips counts as the moment when it is over.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Micros = npt.NDArray[np.int64]
"""Microseconds since 1970, in UTC or as a clock shows them."""
STEP = 900_000_000
"""Clocks are changed at full quarters of an hour."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICRO = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)


def moment_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """When the clock of a zone shows this time without a zone; in UTC."""
    local = wall.replace(tzinfo=zone, fold=0)
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return moment
    return _end_of_gap(local)


def to_moments(shown: Micros, zone: ZoneInfo) -> Micros:
    """When the clock showed these times; in UTC."""
    quarters, which = np.unique(shown // STEP, return_inverse=True)
    begins = quarters * STEP
    moments = np.array([_micros(moment_of(_naive(begin), zone)) for begin in begins.tolist()])
    skipped = np.array([_is_skipped(_naive(begin), zone) for begin in begins.tolist()], bool)
    into = np.where(skipped[which], 0, shown - begins[which]) if len(begins) else shown
    return (moments[which] + into if len(begins) else shown).astype(np.int64)


def shown_at(moments: Micros, zone: ZoneInfo) -> Micros:
    """What the clock shows at moments in UTC."""
    quarters, which = np.unique(moments // STEP, return_inverse=True)
    offsets = [
        (EPOCH + int(begin) * MICRO).astimezone(zone).utcoffset() or timedelta()
        for begin in quarters * STEP
    ]
    return moments + np.array([o // MICRO for o in offsets], np.int64)[which]


def _is_skipped(wall: datetime, zone: ZoneInfo) -> bool:
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    return moment.astimezone(zone).replace(tzinfo=None) != wall


def _end_of_gap(local: datetime) -> datetime:
    """The moment when the clock is put forward over a time."""
    wall = local.replace(tzinfo=None)
    before = local.replace(fold=0).utcoffset() or timedelta()
    after = local.replace(fold=1).utcoffset() or timedelta()
    low = (wall - after).replace(tzinfo=UTC)
    high = (wall - before).replace(tzinfo=UTC)
    while high - low > SECOND:
        middle = low + (high - low) // 2
        passed = middle.astimezone(local.tzinfo).utcoffset() != before
        low, high = (low, middle) if passed else (middle, high)
    return high.replace(microsecond=0)


def _naive(micros: int) -> datetime:
    return (EPOCH + micros * MICRO).replace(tzinfo=None)


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // MICRO
