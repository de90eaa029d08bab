from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from checkout_age.batch.purchases import PurchasesError, read_day

DAY = date(2026, 11, 21)
UTC_ZONE = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")


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
    assert [purchase.purchase_id for purchase in day.purchases] == ["b", "a"]
    assert [purchase.photo for purchase in day.purchases] == ["b.jpg", None]
    assert day.purchases[0].purchased_at == datetime(2026, 11, 21, 9, tzinfo=UTC)


def test_a_time_without_a_zone_is_the_shops_and_one_with_a_zone_is_moved(tmp_path: Path) -> None:
    rows = [
        ("local", "north", "2026-11-21T00:30:00", None),
        ("abroad", "north", "2026-11-20T23:30:00Z", None),
        ("too early", "north", "2026-11-20T22:30:00Z", None),
    ]
    day = read_day(table(tmp_path, rows), DAY, BERLIN)
    assert [purchase.purchase_id for purchase in day.purchases] == ["local", "abroad"]
    assert day.purchases[0].purchased_at == datetime(2026, 11, 20, 23, 30, tzinfo=UTC)


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
    assert day.purchases[0].purchased_at == datetime.fromisoformat(moment)


def test_an_id_that_comes_twice_is_kept_once_and_counted(tmp_path: Path) -> None:
    rows = [(name, "north", "2026-11-21T09:00:00", f"{name}.jpg") for name in "aba"]
    day = read_day(table(tmp_path, rows), DAY, UTC_ZONE)
    assert [purchase.purchase_id for purchase in day.purchases] == ["a", "b"]
    assert day.repeated == 1


def test_ids_that_look_like_numbers_stay_as_they_were_written(tmp_path: Path) -> None:
    path = table(tmp_path, [("0007", "01", "2026-11-21T09:00:00", None)])
    purchase = read_day(path, DAY, UTC_ZONE).purchases[0]
    assert (purchase.purchase_id, purchase.store_id) == ("0007", "01")


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(PurchasesError, match=r"no purchases table at .*gone\.csv"):
        read_day(tmp_path / "gone.csv", DAY, UTC_ZONE)


def test_missing_columns_are_all_named(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("purchase_id,store\n1,2\n")
    with pytest.raises(PurchasesError, match="lacks the column store_id, purchased_at, photo"):
        read_day(path, DAY, UTC_ZONE)


def test_a_row_without_an_id_is_named_by_its_number(tmp_path: Path) -> None:
    rows = [("a", "n", "2026-11-21T09:00:00", None), (None, "n", "2026-11-21T09:00:00", None)]
    with pytest.raises(PurchasesError, match="no purchase_id in row 2"):
        read_day(table(tmp_path, rows), DAY, UTC_ZONE)


@pytest.mark.parametrize("wrong", ["noonish", "09:14", "03/04/2026", "5"])
def test_a_time_that_is_none_or_could_mean_two_is_named(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(PurchasesError, match=f"purchased_at is no time as .*{wrong}"):
        read_day(table(tmp_path, [("a", "n", wrong, None)]), DAY, UTC_ZONE)


def test_names_that_look_like_nothing_are_names(tmp_path: Path) -> None:
    path = table(tmp_path, [("null", "NA", "2026-11-21T09:00:00", "None")])
    purchase = read_day(path, DAY, UTC_ZONE).purchases[0]
    assert (purchase.purchase_id, purchase.store_id, purchase.photo) == ("null", "NA", "None")


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    path.write_bytes(b"not parquet")
    with pytest.raises(PurchasesError, match="cannot be read as purchases"):
        read_day(path, DAY, UTC_ZONE)
