import gzip
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from checkout_age.batch.place import Place
from checkout_age.batch.purchases import (
    LeftOut,
    Purchase,
    PurchasesError,
    Shop,
    days_counted,
    purchases_of,
)

DAY = date(2026, 11, 21)
UTC_ZONE = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")


def read_day(
    table: Path, day: date, zone: ZoneInfo, left_out: LeftOut | None = None
) -> list[Purchase]:
    pieces = purchases_of(Shop(Place.of(table), zone), day, left_out or LeftOut())
    return [purchase for piece in pieces for purchase in piece]


def micros(moment: datetime) -> int:
    return round(moment.timestamp() * 1e6)


def table(tmp_path: Path, rows: Sequence[tuple[object, ...]], kind: str = "csv") -> Path:
    frame = pd.DataFrame(rows, columns=["purchase_id", "store_id", "purchased_at", "photo"])
    path = tmp_path / f"purchases.{kind}"
    if kind == "csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    return path


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_only_the_days_purchases_are_read_in_order(tmp_path: Path, kind: str) -> None:
    rows = [
        ("b", "north", "2026-11-21T09:00:00", "b.jpg"),
        ("x", "north", "2026-11-22T00:00:00", "x.jpg"),
        ("a", "south", "2026-11-21T23:59:59", None),
    ]
    day = read_day(table(tmp_path, rows, kind), DAY, UTC_ZONE)
    assert [purchase.purchase_id for purchase in day] == ["b", "a"]
    assert [purchase.photo for purchase in day] == ["b.jpg", None]
    assert day[0].purchased_at == micros(datetime(2026, 11, 21, 9, tzinfo=UTC))


def test_a_time_without_a_zone_is_the_shops_and_one_with_a_zone_is_moved(tmp_path: Path) -> None:
    rows = [
        ("local", "north", "2026-11-21T00:30:00", None),
        ("abroad", "north", "2026-11-20T23:30:00Z", None),
        ("too early", "north", "2026-11-20T22:30:00Z", None),
    ]
    day = read_day(table(tmp_path, rows), DAY, BERLIN)
    assert [purchase.purchase_id for purchase in day] == ["local", "abroad"]
    assert day[0].purchased_at == micros(datetime(2026, 11, 20, 23, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("local", "moment"),
    [
        ("2026-10-25T02:30:00", "2026-10-25T00:30:00+00:00"),  # comes twice
        ("2026-03-29T02:30:00", "2026-03-29T01:00:00+00:00"),  # is skipped
    ],
)
def test_nights_when_the_clock_changes_lose_no_purchase(
    tmp_path: Path, local: str, moment: str
) -> None:
    path = table(tmp_path, [("a", "n", local, None)])
    day = read_day(path, date.fromisoformat(local[:10]), BERLIN)
    assert day[0].purchased_at == micros(datetime.fromisoformat(moment))


def test_ids_that_look_like_numbers_stay_as_they_were_written(tmp_path: Path) -> None:
    path = table(tmp_path, [("0007", "01", "2026-11-21T09:00:00", None)])
    purchase = read_day(path, DAY, UTC_ZONE)[0]
    assert (purchase.purchase_id, purchase.store_id) == ("0007", "01")


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(PurchasesError, match=r"no purchases table at .*gone\.csv"):
        read_day(tmp_path / "gone.csv", DAY, UTC_ZONE)


def test_missing_columns_are_all_named(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("purchase_id,store\n1,2\n")
    with pytest.raises(PurchasesError, match="lacks the column store_id, purchased_at, photo"):
        read_day(path, DAY, UTC_ZONE)


def test_a_row_without_an_id_or_a_store_is_named_by_its_number_and_left_out(
    tmp_path: Path,
) -> None:
    at = "2026-11-21T09:00:00"
    rows = [("a", "n", at, None), (None, "n", at, None), ("b", None, at, None)]
    left_out = LeftOut()
    path = table(tmp_path, rows)
    assert [each.purchase_id for each in read_day(path, DAY, UTC_ZONE, left_out)] == ["a"]
    assert left_out.words == [
        f"row 2 of {path} has no purchase_id",
        f"row 3 of {path} has no store_id",
    ]
    assert days_counted(Shop(Place.of(path), UTC_ZONE), DAY, DAY, LeftOut()) == {DAY: 1}


@pytest.mark.parametrize("wrong", ["noonish", "09:14", "03/04/2026", "5", None])
@pytest.mark.parametrize("good", ["2026-11-21T09:00:00", "2026-11-21T09:00:00Z"])
def test_a_time_that_is_none_or_could_mean_two_is_named_and_its_row_left_out(
    tmp_path: Path, wrong: str | None, good: str
) -> None:
    left_out = LeftOut()
    path = table(tmp_path, [("a", "n", wrong, None), ("b", "n", good, None)])
    assert [each.purchase_id for each in read_day(path, DAY, UTC_ZONE, left_out)] == ["b"]
    said = "no purchased_at" if wrong is None else f"{wrong!r} as purchased_at, which is no time"
    assert left_out.rows == 1
    assert left_out.words[0].startswith(f"row 1 of {path} has {said}")
    assert days_counted(Shop(Place.of(path), UTC_ZONE), DAY, DAY, LeftOut()) == {DAY: 1}


@pytest.mark.parametrize("zone", [BERLIN, ZoneInfo("America/New_York")])
@pytest.mark.parametrize(
    "extreme",
    [
        *("0001-01-01T00:00:00", "9999-12-31T23:59:59"),
        *("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-05:00"),
    ],
)
def test_a_time_at_the_end_of_all_calendars_belongs_to_no_night(
    tmp_path: Path, extreme: str, zone: ZoneInfo
) -> None:
    path = table(tmp_path, [("a", "n", extreme, None), ("b", "n", "2026-11-21T09:00:00", None)])
    assert [each.purchase_id for each in read_day(path, DAY, zone)] == ["b"]
    assert days_counted(Shop(Place.of(path), zone), DAY, DAY, LeftOut()) == {DAY: 1}


def test_of_many_rows_that_are_left_out_some_are_named(tmp_path: Path) -> None:
    left_out = LeftOut()
    read_day(
        table(tmp_path, [(f"{n}", "n", "noon", None) for n in range(9)]), DAY, BERLIN, left_out
    )
    assert len(left_out.words) == 5
    assert left_out.told().startswith("9 rows of the purchases belong to no night")
    assert " and 4 more; mend them" in left_out.told()


def test_names_that_look_like_nothing_are_names(tmp_path: Path) -> None:
    path = table(tmp_path, [("null", "NA", "2026-11-21T09:00:00", "None")])
    purchase = read_day(path, DAY, UTC_ZONE)[0]
    assert (purchase.purchase_id, purchase.store_id, purchase.photo) == ("null", "NA", "None")


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    path.write_bytes(b"not parquet")
    with pytest.raises(PurchasesError, match="cannot be read as purchases"):
        read_day(path, DAY, UTC_ZONE)


def test_a_folder_and_a_hive_of_files_are_one_table_and_its_keys_are_columns(
    tmp_path: Path,
) -> None:
    for store, day in (("01", "2026-11-21"), ("02", "2026-11-21"), ("01", "2026-11-25")):
        folder = tmp_path / f"store_id={store}" / f"purchase_date={day}"
        folder.mkdir(parents=True)
        frame = pd.DataFrame(
            {
                "purchase_id": [int(store)],
                "purchased_at": pd.to_datetime([f"{day}T09:00:00"]),
                "photo": ["1.jpg"],
                "till": [4],
            }
        )
        frame.to_parquet(folder / "data.parquet")
    (tmp_path / "_SUCCESS").write_text("")
    (tmp_path / "store_id=01" / "purchase_date=2026-11-25" / "data.parquet").write_bytes(b"torn")
    found = read_day(tmp_path, DAY, BERLIN)  # the file of the 25th is not even opened
    assert [(each.purchase_id, each.store_id) for each in found] == [("1", "01"), ("2", "02")]


def test_the_pieces_of_a_file_without_the_day_are_left_out_and_rows_keep_their_numbers(
    tmp_path: Path,
) -> None:
    days = pd.date_range("2026-11-01", "2026-11-30", freq="h")
    frame = pd.DataFrame({"purchased_at": days, "store_id": "n", "photo": None})
    frame["purchase_id"] = [str(n) for n in range(len(frame))]
    frame.loc[frame["purchase_id"] == "485", "store_id"] = None
    path = tmp_path / "purchases.parquet"
    frame.to_parquet(path, row_group_size=24)
    assert len(read_day(path, date(2026, 11, 20), UTC_ZONE)) == 24
    left_out = LeftOut()
    assert len(read_day(path, DAY, UTC_ZONE, left_out)) == 23
    assert left_out.words == [f"row 486 of {path} has no store_id"]


def test_all_that_is_wrong_with_a_table_is_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    pd.DataFrame({"purchase_id": [1.5], "photo": [True], "purchased_at": ["x"]}).to_parquet(path)
    with pytest.raises(
        PurchasesError,
        match="lacks the column store_id; it has purchase_id, photo, purchased_at; has purchase_id "
        "as double where text or a whole number is expected; has photo as bool where text",
    ):
        read_day(path, DAY, UTC_ZONE)


def test_a_column_that_comes_twice_is_named(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("purchase_id,store_id,purchased_at,photo,photo\n1,2,2026-11-21T09:00,a,b\n")
    with pytest.raises(PurchasesError, match="has the column photo 2 times"):
        read_day(path, DAY, UTC_ZONE)


def test_zones_mixed_in_one_column_and_compressed_csv_are_read(tmp_path: Path) -> None:
    rows = [
        ("a", "n", "2026-11-21T00:30:00", None),
        ("b", "n", "2026-11-20T23:30:00Z", None),
        ("c", "n", "2026-11-21T04:30:00.25+05:00", None),
    ]
    plain = table(tmp_path, rows)
    packed = tmp_path / "purchases.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    times = [each.purchased_at for each in read_day(packed, DAY, BERLIN)]
    half_past = micros(datetime(2026, 11, 20, 23, 30, tzinfo=UTC))
    assert times == [half_past, half_past, half_past + 250_000]


def test_days_are_counted_on_the_shops_clock(tmp_path: Path) -> None:
    rows = [(str(n), "n", f"2026-11-2{n}T23:30:00Z", None) for n in range(4)]
    shop = Shop(Place.of(table(tmp_path, rows)), BERLIN)
    counted = days_counted(shop, date(2026, 11, 21), date(2026, 11, 23), LeftOut())
    assert counted == {date(2026, 11, day): 1 for day in (21, 22, 23)}


def test_a_folder_without_tables_is_refused(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("nothing here")
    with pytest.raises(PurchasesError, match=r"no file below it ends in \.parquet or \.csv"):
        read_day(tmp_path, DAY, UTC_ZONE)
