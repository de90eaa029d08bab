"""The purchases of one day, as the shop's table has them."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

COLUMNS = ("purchase_id", "store_id", "purchased_at", "photo")


class PurchasesError(ValueError):
    """The purchases table cannot be used; nothing was scored."""


@dataclass(frozen=True)
class Purchase:
    """One purchase at one till."""

    purchase_id: str
    store_id: str
    purchased_at: datetime
    """In UTC."""
    photo: str | None
    """The photo's path below the photo root; None where the till took none."""


@dataclass(frozen=True)
class DayOfPurchases:
    """One day's purchases, each id once, in the table's order."""

    purchases: tuple[Purchase, ...]
    repeated: int
    """Rows left out because their purchase_id had come before."""


def read_day(table: Path, day: date, zone: ZoneInfo) -> DayOfPurchases:
    """Read the rows whose `purchased_at` falls on the day in the zone.

    Times are timestamps or ISO 8601; without a zone they are taken to be the zone's own.

    Raises:
        PurchasesError: the file is missing or unreadable, lacks a column, or has a row
            without id, store or time.
    """
    rows = _read(table)
    absent = [column for column in COLUMNS if column not in rows]
    if absent:
        raise PurchasesError(
            f"{table} lacks the column {', '.join(absent)}; it has {', '.join(rows.columns)}"
        )
    for column in ("purchase_id", "store_id", "purchased_at"):
        empty = rows.index[rows[column].isna()]
        if len(empty):
            raise PurchasesError(f"{table} has no {column} in row {empty[0] + 1}")
    times = _times(rows["purchased_at"], table, zone)
    of_day = rows.assign(purchased_at=times)[times.dt.date == day]
    once = of_day.drop_duplicates("purchase_id")
    purchases = tuple(
        Purchase(
            purchase_id=str(row["purchase_id"]),
            store_id=str(row["store_id"]),
            purchased_at=row["purchased_at"].tz_convert("UTC").to_pydatetime(),
            photo=None if pd.isna(row["photo"]) or row["photo"] == "" else str(row["photo"]),
        )
        for row in once.to_dict("records")
    )
    return DayOfPurchases(purchases, repeated=len(of_day) - len(once))


def _read(table: Path) -> pd.DataFrame:
    try:
        if table.suffix == ".csv":
            return pd.read_csv(table, dtype=str, keep_default_na=False, na_values=[""])
        return pd.read_parquet(table).reset_index(drop=True)
    except FileNotFoundError:
        raise PurchasesError(f"there is no purchases table at {table}") from None
    except (ValueError, OSError) as error:
        raise PurchasesError(f"{table} cannot be read as purchases: {error}") from error


def _times(column: "pd.Series[str]", table: Path, zone: ZoneInfo) -> "pd.Series[pd.Timestamp]":
    def localised(value: object) -> pd.Timestamp:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        time = pd.Timestamp(moment)  # type: ignore[arg-type]  # what a table may hold
        if time.tzinfo is not None:
            return time.tz_convert(zone)
        # the hour that comes twice counts as its first, one that is skipped as its end
        return time.tz_localize(zone, ambiguous=True, nonexistent="shift_forward")

    try:
        return pd.to_datetime(column.map(localised), utc=True).dt.tz_convert(zone)
    except (ValueError, TypeError) as error:
        raise PurchasesError(
            f"{table}: purchased_at is no time as 2026-11-21T09:14:00: {error}"
        ) from error
