"""Whole nights of a small shop, on the real stream, against a stand-in for the model."""

import json
import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from checkout_age.batch.connection import NoServerError
from checkout_age.batch.models import read_model
from checkout_age.batch.night import NOTHING_TO_DO
from checkout_age.batch.photos import PhotoRootError
from checkout_age.batch.progress_store import progress_folder
from checkout_age.batch.purchases import PurchasesError
from checkout_age.batch.scoring import ServerGoneError
from checkout_age.v1 import age_estimation_pb2 as pb
from tests.batch.shops import DAY, SmallShop
from tests.standin import StandIn, estimate_of, serving_stand_in


def test_every_purchase_has_one_row_in_the_nights_order(shop: SmallShop, server: str) -> None:
    shop.sells([f"p-{n}" for n in range(300)])
    shop.takes_photo("p-7", b"no face here")
    shop.takes_photo("p-8", b"")
    (shop.photos / "p-9.jpg").unlink()
    run = shop.runs(server)
    rows = shop.rows()
    assert [r["purchase_id"] for r in rows] == sorted(
        (f"p-{n}" for n in range(300)), key=lambda p: (int(p[2:]) % 2 == 0, int(p[2:]))
    )
    expected = {"scored": 297, "no_face": 1, "empty_photo": 1, "missing_photo": 1}
    assert run.rows_by_status == expected
    assert run.photos_sent == 299
    assert {r["model_version"] for r in rows} == {"stand-in"}


def test_a_finished_night_is_left_alone_and_no_server_is_asked(
    shop: SmallShop, server: str
) -> None:
    shop.sells(["a", "b"])
    shop.runs(server)
    before = shop.night_digest()
    run = shop.runs("127.0.0.1:1")
    assert (run.result, run.rows_kept) == (NOTHING_TO_DO, 2)
    assert shop.night_digest() == before


def test_an_id_that_comes_twice_is_reported_and_scored_once(
    shop: SmallShop, server: str, stand_in: StandIn
) -> None:
    shop.sells(["a", "b", "a", "a"])
    run = shop.runs(server)
    assert (run.purchases, run.repeated_rows, run.repeated_ids) == (2, 2, ["a"])
    assert sorted(shop.statuses()) == ["a", "b"]
    assert len(stand_in.photos) == 2
    assert shop.runs(server).result == NOTHING_TO_DO


def test_a_photo_that_leaves_the_root_is_refused_and_never_sent(
    shop: SmallShop, server: str, stand_in: StandIn
) -> None:
    (shop.folder / "secret.jpg").write_bytes(b"secret")
    (shop.photos / "link.jpg").symlink_to(shop.folder / "secret.jpg")
    with shop.table.open("a") as table:
        table.write(f"up,n,{DAY}T09:00:00,../secret.jpg\nlink,n,{DAY}T09:00:00,link.jpg\n")
        table.write(f"away,n,{DAY}T09:00:00,/etc/hostname\n")
    shop.runs(server)
    assert set(shop.statuses().values()) == {"photo_outside_root"}
    assert stand_in.photos == []


def test_late_purchases_and_late_photos_are_picked_up_by_the_next_run(
    shop: SmallShop, server: str, stand_in: StandIn
) -> None:
    shop.sells(["a", "b", "cut"])
    shop.takes_photo("cut", b"")
    shop.sells(["late"], photos=False)
    shop.runs(server)
    assert shop.statuses() == {
        "a": "scored",
        "b": "scored",
        "cut": "empty_photo",
        "late": "missing_photo",
    }
    shop.takes_photo("late")
    shop.takes_photo("cut")
    shop.sells(["new"])
    stand_in.photos.clear()
    run = shop.runs(server)
    assert set(shop.statuses().values()) == {"scored"}
    assert len(shop.rows()) == 5
    assert sorted(stand_in.photos) == [b"photo of cut", b"photo of late", b"photo of new"]
    assert (run.rows_new, run.rows_kept) == (3, 2)


def test_a_purchase_that_changed_is_scored_anew_and_one_that_vanished_keeps_its_row(
    shop: SmallShop, server: str
) -> None:
    shop.sells(["a", "gone"])
    shop.runs(server)
    shop.table.write_text("purchase_id,store_id,purchased_at,photo\n")
    with shop.table.open("a") as table:
        table.write(f"a,west,{DAY}T10:00:00,gone.jpg\n")
    shop.runs(server)
    rows = {row["purchase_id"]: row for row in shop.rows()}
    assert sorted(rows) == ["a", "gone"]
    assert (rows["a"]["store_id"], rows["a"]["photo"]) == ("west", "gone.jpg")
    assert rows["a"]["purchased_at"] == datetime(2026, 11, 21, 10, tzinfo=UTC)


def test_a_purchase_that_changed_after_its_photo_was_deleted_keeps_its_age(
    shop: SmallShop, server: str, stand_in: StandIn
) -> None:
    shop.sells(["a", "b", "c", "d"])
    shop.takes_photo("c", b"no face here")
    (shop.photos / "d.jpg").unlink()
    shop.runs(server)
    before = {row["purchase_id"]: row for row in shop.rows()}
    for name in "abc":
        (shop.photos / f"{name}.jpg").unlink()
    shop.takes_photo("b", b"another photo of b")
    shop.table.write_text(shop.table.read_text().replace(",north,", ",west,"))
    shop.table.write_text(shop.table.read_text().replace("T09:", "T08:"))
    stand_in.photos.clear()
    run = shop.runs(server)
    after = {row["purchase_id"]: row for row in shop.rows()}
    assert [row["purchase_id"] for row in shop.rows()] == ["a", "c", "b", "d"]
    moved = {"store_id", "purchased_at"}
    for name in "ac":
        assert {k: v for k, v in after[name].items() if k not in moved} == {
            k: v for k, v in before[name].items() if k not in moved
        }
        assert after[name]["purchased_at"].hour == 8
    assert (after["b"]["store_id"], after["d"]["status"]) == ("west", "missing_photo")
    assert stand_in.photos == [b"another photo of b"]
    assert (run.rows_carried, run.rows_new, run.rows_kept) == (2, 2, 0)
    assert shop.runs().result == NOTHING_TO_DO


def test_a_model_that_comes_into_service_within_a_night_is_kept_too(shop: SmallShop) -> None:
    shop.sells([f"p-{n}" for n in range(20)])

    def swaps(request: pb.EstimateAgesRequest) -> pb.EstimateAgesResponse:
        swapping.model_version = "first" if len(swapping.photos) <= 10 else "second"
        return estimate_of(request.photo, swapping.model_version)

    swapping = StandIn(swaps, "first")
    with serving_stand_in(swapping) as address:
        shop.runs(address)
    assert {row["model_version"] for row in shop.rows()} == {"first", "second"}
    for version in ("first", "second"):
        kept = read_model(shop.lake.folder, version)
        assert kept is not None
        assert kept.version == version


def test_a_run_that_lost_its_server_is_finished_by_the_next_with_the_same_bytes(
    shop: SmallShop, server: str
) -> None:
    names = [f"p-{n}" for n in range(400)]
    shop.sells(names)
    shop.runs(server)
    unbroken = shop.night_digest()
    night = shop.lake.file(DAY).local
    assert night is not None
    night.unlink()

    def dies(request: pb.EstimateAgesRequest) -> pb.EstimateAgesResponse:
        if len(dying.photos) > 250:
            raise RuntimeError("out of memory")
        return estimate_of(request.photo)

    dying = StandIn(dies)
    with serving_stand_in(dying) as address, pytest.raises(ServerGoneError):
        shop.runs(address)
    assert not night.exists()
    assert len(progress_folder(shop.lake, DAY).children(recursive=True)) > 0
    second = StandIn()
    with serving_stand_in(second) as address:
        run = shop.runs(address)
    assert shop.night_digest() == unbroken
    assert run.rows_resumed >= 200
    assert len(second.photos) == 400 - run.rows_resumed
    assert progress_folder(shop.lake, DAY).children() == []


def test_a_piece_of_progress_that_a_power_loss_tore_is_scored_again(
    shop: SmallShop, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("checkout_age.batch.progress_store.MOST", 20)
    shop.sells([f"p-{n}" for n in range(100)])
    shop.runs(server)
    unbroken = shop.night_digest()
    night = shop.lake.file(DAY).local
    assert night is not None
    night.unlink()

    def dies(request: pb.EstimateAgesRequest) -> pb.EstimateAgesResponse:
        if len(dying.photos) > 70:
            raise RuntimeError("out of memory")
        return estimate_of(request.photo)

    dying = StandIn(dies)
    with serving_stand_in(dying) as address, pytest.raises(ServerGoneError):
        shop.runs(address)
    empty, torn, *whole = progress_folder(shop.lake, DAY).children(recursive=True)
    Path(empty.path).write_bytes(b"")
    os.truncate(torn.path, 700)
    run = shop.runs(server)
    assert 0 < run.rows_resumed <= 20 * len(whole)
    assert shop.night_digest() == unbroken


def test_a_file_is_on_the_disk_before_it_has_its_name_and_then_its_name_is(
    shop: SmallShop, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, bool]] = []
    night, fsync = shop.lake.file(DAY), os.fsync

    def noting(descriptor: int) -> None:
        synced.append((str(Path(f"/proc/self/fd/{descriptor}").readlink()), night.exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    shop.sells(["a"])
    shop.runs(server)
    folder = str(Path(night.path).parent)
    before = [path for path, there in synced if not there and path.endswith(".part")]
    after = [path for path, there in synced if there and path == folder]
    assert before
    assert after


def test_what_a_run_did_is_kept_as_json_and_parquet(shop: SmallShop, server: str) -> None:
    shop.sells(["a", "b", "b"])
    shop.runs(server)
    shop.sells(["c"])
    with pytest.raises(NoServerError):
        shop.runs("127.0.0.1:1")
    runs = shop.folder / "lake" / "runs"
    told = [json.loads(path.read_text()) for path in sorted(runs.glob("*.json"))]
    by_result = {each["result"]: each for each in told}
    assert by_result["done"]["rows_by_status"] == {"scored": 2}
    assert by_result["done"]["repeated_ids"] == ["b"]
    assert set(by_result["done"]["seconds_by_stage"]) == {"read", "resume", "score", "write"}
    assert by_result["done"]["model_version"] == "stand-in"
    assert "no server is ready" in by_result["failed"]["error"]
    table = pq.ParquetDataset([str(path) for path in runs.glob("*.parquet")]).read()
    assert sorted(table["result"].to_pylist()) == ["done", "failed"]


@pytest.mark.parametrize(
    ("broken", "error", "words"),
    [
        ("table", PurchasesError, "no purchases table at"),
        ("photos", PhotoRootError, "no folder of photos at"),
    ],
)
def test_inputs_that_are_not_there_are_named_before_any_server_is_asked(
    shop: SmallShop, broken: str, error: type[Exception], words: str
) -> None:
    shop.sells(["a"])
    gone = shop.folder / "gone"
    changes: dict[str, Any] = {"purchases" if broken == "table" else "photos": gone}
    with pytest.raises(error, match=words):
        shop.runs(**changes)
    assert not shop.lake.has(DAY)


def test_a_day_without_purchases_leaves_no_night_and_no_record(shop: SmallShop) -> None:
    shop.sells(["a"], date(2026, 11, 20))
    assert shop.runs().result == NOTHING_TO_DO
    assert shop.lake.days() == []
    assert not (shop.folder / "lake" / "runs").exists()
