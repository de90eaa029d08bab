"""One day's purchases out of the shop's table, read in pieces of bounded size."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from checkout_age.batch.clock import moment_of, shown_at
from checkout_age.batch.moments import moments
from checkout_age.batch.place import Place
from checkout_age.batch.tables import PurchasesError, Table, TableFile, find_table

__all__ = [
    "LeftOut",
    "Purchase",
    "PurchasesError",
    "Shop",
    "between",
    "days_counted",
    "purchases_of",
]

PARTITION = "purchase_date"
"""A hive key of this name tells the day, within one day either way; others are not looked at."""
NAMED = 5
"""Rows that are left out and named, at most."""
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


@dataclass
class LeftOut:
    """Rows that belong to no night: they lack an id or a store, or a time that can be read."""

    rows: int = 0
    words: list[str] = field(default_factory=list)
    """What is wrong with some of them, each with its file and row."""

    def add(self, file: TableFile, row: int, words: str) -> None:
        """Count a row."""
        self.rows += 1
        if len(self.words) < NAMED:
            self.words.append(f"row {row} of {file.place.shown} {words}")

    def told(self) -> str:
        """All in one line."""
        more = f" and {self.rows - len(self.words)} more" if self.rows > len(self.words) else ""
        return (
            f"{self.rows} rows of the purchases belong to no night and are left out: "
            f"{'; '.join(self.words)}{more}; mend them and run this again"
        )


def purchases_of(shop: Shop, day: date, left_out: LeftOut) -> Iterator[list[Purchase]]:
    """The rows whose `purchased_at` falls on the day on the shop's clock, in the table's order.

    Ids may come more than once. Times are timestamps or ISO 8601; without a zone they are the
    shop's own, the hour that comes twice counting as its first, one that is skipped as its end.
    Rows that cannot be told to be of any day, or lack an id or a store, are noted as left out.

    Raises:
        PurchasesError: the table is missing or unreadable, or lacks a column.
    """
    for batch, times, chosen in _of_days(shop, day, day, left_out):
        of_day = pa.RecordBatch.from_arrays(
            [batch["purchase_id"], batch["store_id"], times, batch["photo"]],
            names=["purchase_id", "store_id", "purchased_at", "photo"],
        )
        yield _rows(of_day.filter(chosen))


def days_counted(shop: Shop, first: date, last: date, left_out: LeftOut) -> dict[date, int]:
    """How many rows of the table fall on each day of a range; days without any are not told.

    Rows that belong to no night are noted as left out.
    """
    counts: dict[date, int] = {}
    for _, times, chosen in _of_days(shop, first, last, left_out):
        shown = shown_at(times.filter(chosen).cast(pa.int64()).to_numpy(), shop.zone)
        for day, count in zip(*np.unique(shown // DAY, return_counts=True), strict=True):
            on = date(1970, 1, 1) + timedelta(days=int(day))
            counts[on] = counts.get(on, 0) + int(count)
    return dict(sorted(counts.items()))


def _of_days(
    shop: Shop, first: date, last: date, left_out: LeftOut
) -> Iterator[tuple[pa.RecordBatch, pa.Array, pa.Array]]:
    """Batches, the moment of each row, and which rows are purchases of the days."""
    begin, end = between(first, last, shop.zone)
    for file, batch, row in _pieces(shop, first, last):
        times = moments(batch["purchased_at"], shop.zone)
        if times.null_count:
            _note_times(file, batch["purchased_at"], times, row, left_out)
        chosen = pc.fill_null(pc.and_(pc.greater_equal(times, begin), pc.less(times, end)), False)
        for name in ("purchase_id", "store_id"):
            if batch[name].null_count:
                for index in _true(pc.and_(batch[name].is_null(), chosen)):
                    left_out.add(file, row + index, f"has no {name}")
                chosen = pc.and_(chosen, batch[name].is_valid())
        yield batch, times, chosen


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


def _note_times(
    file: TableFile, column: pa.Array, times: pa.Array, row: int, left_out: LeftOut
) -> None:
    for index in _true(times.is_null()):
        told = column[index].as_py()
        words = "has no purchased_at"
        if told is not None:
            words = f"has {told!r} as purchased_at, which is no time as 2026-11-21T09:14:00"
        left_out.add(file, row + index, words)


def _true(mask: pa.Array) -> list[int]:
    """The places where it is true."""
    return [int(index) for index in pc.indices_nonzero(mask).to_pylist()]


def _rows(rows: pa.RecordBatch) -> list[Purchase]:
    photos = [photo or None for photo in rows["photo"].to_pylist()]
    times = rows["purchased_at"].cast(pa.int64()).to_pylist()
    stores, ids = rows["store_id"].to_pylist(), rows["purchase_id"].to_pylist()
    return list(map(Purchase, stores, times, ids, photos))
