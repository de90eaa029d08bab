"""Photos that have served are removed, and no others."""

import json
from datetime import UTC, date, datetime, timedelta

from checkout_age.batch.photos import photo_root
from checkout_age.batch.retention import Deletion, delete_photos
from tests.batch.shops import DAY, UTC_ZONE, SmallShop

WEEK = timedelta(days=7)
LATER = datetime(2026, 11, 29, tzinfo=UTC)


def deletes(shop: SmallShop, now: datetime = LATER, *, dry_run: bool = False) -> list[Deletion]:
    photos = photo_root(shop.photos)
    return list(delete_photos(shop.lake, photos, WEEK, UTC_ZONE, now, dry_run=dry_run))


def left(shop: SmallShop) -> list[str]:
    return sorted(path.stem for path in shop.photos.iterdir())


def test_only_photos_of_scored_rows_go_and_what_goes_is_logged(
    shop: SmallShop, server: str
) -> None:
    shop.sells(["a", "b", "nobody", "changed"])
    shop.takes_photo("nobody", b"no face")
    shop.takes_photo("of no purchase")
    shop.runs(server)
    shop.takes_photo("changed", b"another photo")
    assert deletes(shop) == [Deletion(DAY, deleted=2, changed=1)]
    assert left(shop) == ["changed", "nobody", "of no purchase"]
    logs = list((shop.folder / "lake/deleted_photos").rglob("*.jsonl"))
    lines = [json.loads(line) for log in logs for line in log.read_text().splitlines()]
    assert [line["photo"] for line in lines] == ["a.jpg", "b.jpg"] or sorted(
        line["photo"] for line in lines
    ) == ["a.jpg", "b.jpg"]
    assert {line["photo_sha256"] for line in lines} == {
        row["photo_sha256"] for row in shop.rows() if row["purchase_id"] in ("a", "b")
    }
    assert deletes(shop) == []  # the night was looked through
    assert shop.runs().result == "nothing_to_do"  # and needs its photos no more


def test_a_dry_run_only_counts(shop: SmallShop, server: str) -> None:
    shop.sells(["a", "b"])
    shop.runs(server)
    assert deletes(shop, dry_run=True) == [Deletion(DAY, deleted=2)]
    assert left(shop) == ["a", "b"]
    assert not (shop.folder / "lake/deleted_photos").exists()


def test_younger_nights_and_photos_that_they_or_rows_without_an_age_name_stay(
    shop: SmallShop, server: str
) -> None:
    young = date(2026, 11, 27)
    shop.sells(["a", "shared"])
    shop.sells(["young"], young)
    with shop.table.open("a") as table:
        table.write(f"again,north,{young}T10:00:00,shared.jpg\n")
    shop.runs(server)
    shop.runs(server, young)
    almost = datetime(2026, 11, 28, 23, 59, tzinfo=UTC)
    assert deletes(shop, almost) == []
    assert deletes(shop) == [Deletion(DAY, deleted=1, needed=1)]
    assert left(shop) == ["shared", "young"]


def test_rows_that_came_since_are_looked_through_too(shop: SmallShop, server: str) -> None:
    shop.sells(["a"])
    shop.runs(server)
    deletes(shop)
    shop.sells(["late"])
    shop.runs(server)
    assert deletes(shop) == [Deletion(DAY, deleted=1)]
    assert left(shop) == []
