"""Moments out of what a table holds as times: timestamps or ISO 8601, with a zone or without."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from checkout_age.batch.clock import to_moments

MOMENT = pa.timestamp("us", "UTC")
NAIVE = pa.timestamp("us")
EARLIEST, LATEST = (pa.scalar(datetime(year, 1, 1), NAIVE) for year in (2, 9998))  # noqa: DTZ001
"""Times without a zone that lie beyond these are none: no zone can place them."""
ISO_8601 = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?$"
ISO_8601_UTC = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z$"


def moments(column: pa.Array, zone: ZoneInfo) -> pa.Array:
    """The column as timestamps in UTC, microseconds.

    Times without a zone are the given zone's own: the hour that comes twice counts as its first,
    one that is skipped as its end. What is no time, or could mean two, is null.
    """
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
        return column.cast(MOMENT) if column.type.tz else _of_zone(column, zone)
    if len(column) == 0:
        return pa.array([], MOMENT)
    if column.null_count == len(column):
        return pa.nulls(len(column), MOMENT)
    if pc.all(pc.match_substring_regex(column, ISO_8601)).as_py():
        return _of_zone(_parsed(column), zone)
    if pc.all(pc.match_substring_regex(column, ISO_8601_UTC)).as_py():
        return _parsed(pc.utf8_rtrim(column, "Z")).cast(MOMENT)
    return _one_by_one(column, zone)


def _of_zone(naive: pa.Array, zone: ZoneInfo) -> pa.Array:
    known = pc.and_(pc.greater_equal(naive, EARLIEST), pc.less(naive, LATEST))
    naive = pc.if_else(pc.fill_null(known, False), naive, pa.scalar(None, NAIVE))
    shown = naive.cast(pa.int64()).fill_null(0).to_numpy()
    moved = pa.array(to_moments(shown, zone)).cast(MOMENT)
    return pc.if_else(naive.is_valid(), moved, pa.scalar(None, MOMENT))


def _parsed(text: pa.Array) -> pa.Array:
    try:
        return text.cast(pa.timestamp("ns")).cast(NAIVE, safe=False)
    except pa.ArrowInvalid:
        return pa.array([_read(each) for each in text.to_pylist()], NAIVE)


def _one_by_one(column: pa.Array, zone: ZoneInfo) -> pa.Array:
    read = [_read(text) for text in column.to_pylist()]
    local = [None if time is None or time.tzinfo else time for time in read]
    of_zone = _of_zone(pa.array(local, NAIVE), zone)
    told = [None if time is None or not time.tzinfo else _in_utc(time) for time in read]
    return pc.coalesce(pa.array(told, MOMENT), of_zone)


def _in_utc(time: datetime) -> datetime | None:
    try:
        return time.astimezone(UTC)
    except OverflowError:
        return None


def _read(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None
