"""One day's purchases out of the shop's table, read in pieces of bounded size."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from checkout_age.batch.clock import moment_of, shown_at
from checkout_age.batch.moments import MomentError, moments
from checkout_age.batch.place import Place
from checkout_age.batch.tables import PurchasesError, Table, TableFile, find_table

__all__ = ["Purchase", "PurchasesError", "Shop", "between", "days_counted", "purchases_of"]

PARTITION = "purchase_date"
"""A hive key of this name tells the day, within one day either way; others are not looked at."""
DAY = 86_400_000_000
"""Microseconds."""


class Purchase(NamedTuple):
    """One purchase at one till; sorts as the rows of a night do."""

    store_id: str
    purchased_at: int
    """Microseconds since 1970 in UTC."""
    purchase_id: str
    photo: str | None
    """The photo's path below the photo root; None where the till took none."""


class Shop(NamedTuple):
    """Where a shop's purchases are listed, and its clock."""

    purchases: Place
    zone: ZoneInfo


def purchases_of(shop: Shop, day: date) -> Iterator[list[Purchase]]:
    """The rows whose `purchased_at` falls on the day on the shop's clock, in the table's order.

    Ids may come more than once. Times are timestamps or ISO 8601; without a zone they are the
    shop's own, the hour that comes twice counting as its first, one that is skipped as its end.

    Raises:
        PurchasesError: the table is missing or unreadable, lacks a column, or has a row
            without id, store or time.
    """
    first, end = between(day, day, shop.zone)
    for file, batch, row in _pieces(shop, day, day):
        times = _times(file, batch, shop.zone, row)
        chosen = pc.and_(pc.greater_equal(times, first), pc.less(times, end))
        of_day = pa.RecordBatch.from_arrays(
            [batch["purchase_id"], batch["store_id"], times, batch["photo"]],
            names=["purchase_id", "store_id", "purchased_at", "photo"],
        )
        yield _rows(file, of_day.filter(chosen), batch, chosen, row)


def days_counted(shop: Shop, first: date, last: date) -> dict[date, int]:
    """How many rows of the table fall on each day of a range; days without any are left out."""
    begin, end = between(first, last, shop.zone)
    counts: dict[date, int] = {}
    for file, batch, row in _pieces(shop, first, last):
        times = _times(file, batch, shop.zone, row)
        chosen = times.filter(pc.and_(pc.greater_equal(times, begin), pc.less(times, end)))
        shown = shown_at(chosen.cast(pa.int64()).to_numpy(), shop.zone)
        for day, count in zip(*np.unique(shown // DAY, return_counts=True), strict=True):
            on = date(1970, 1, 1) + timedelta(days=int(day))
            counts[on] = counts.get(on, 0) + int(count)
    return dict(sorted(counts.items()))


def between(first: date, last: date, zone: ZoneInfo) -> tuple[pa.Scalar, pa.Scalar]:
    """The moment when a range of days begins on the shop's clock, and the one when it is over."""

    def midnight(day: date) -> pa.Scalar:
        moment = moment_of(datetime.combine(day, time()), zone)
        return pa.scalar(moment, pa.timestamp("us", "UTC"))

    return midnight(first), midnight(last + timedelta(days=1))


def _pieces(shop: Shop, first: date, last: date) -> Iterator[tuple[TableFile, pa.RecordBatch, int]]:
    """Batches that may hold rows of the days, and the number of each one's first row in its file.

    The margin of a day holds whatever zone a time without one is in.
    """
    early, late = first - timedelta(days=1), last + timedelta(days=1)
    table: Table = find_table(shop.purchases)
    for file in table.files:
        told = file.keys.get(PARTITION)
        if told is not None and not early.isoformat() <= told <= late.isoformat():
            continue
        lowest = datetime(early.year, early.month, early.day, tzinfo=UTC)
        highest = datetime(late.year, late.month, late.day, tzinfo=UTC) + timedelta(days=1)
        for batch, row in file.batches(lowest, highest):
            yield file, batch, row


def _times(file: TableFile, batch: pa.RecordBatch, zone: ZoneInfo, row: int) -> pa.Array:
    column = batch["purchased_at"]
    if column.null_count:
        empty = pc.index(column.is_null(), value=True).as_py()
        raise PurchasesError(f"{file.place.shown} has no purchased_at in row {row + empty}")
    try:
        return moments(column, zone)
    except MomentError as error:
        raise PurchasesError(
            f"{file.place.shown}: purchased_at is no time as 2026-11-21T09:14:00 "
            f"in row {row + error.index}: {error}"
        ) from error


def _rows(
    file: TableFile, rows: pa.RecordBatch, whole: pa.RecordBatch, chosen: pa.Array, row: int
) -> list[Purchase]:
    for name in ("purchase_id", "store_id"):
        if rows[name].null_count:
            lacking = pc.and_(whole[name].is_null(), chosen)
            empty = pc.index(lacking, value=True).as_py()
            raise PurchasesError(f"{file.place.shown} has no {name} in row {row + empty}")
    photos = [photo or None for photo in rows["photo"].to_pylist()]
    times = rows["purchased_at"].cast(pa.int64()).to_pylist()
    stores, ids = rows["store_id"].to_pylist(), rows["purchase_id"].to_pylist()
    return list(map(Purchase, stores, times, ids, photos))
