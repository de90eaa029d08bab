"""Nights through another model, and nights in other groups: replaced at once, never half."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import duckdb
import pytest

from checkout_age.batch.age_groups import AgeGroups
from checkout_age.batch.connection import RemoteServer
from checkout_age.batch.night import NOTHING_TO_DO
from checkout_age.batch.nights import Standing, standings
from checkout_age.batch.photos import photo_root
from checkout_age.batch.regroup import regroup_night
from checkout_age.batch.rescore import rescore_night
from checkout_age.batch.run_record import RunRecord
from checkout_age.batch.scoring import Scoring, ServerGoneError
from checkout_age.v1 import age_estimation_pb2 as pb
from tests.batch.shops import DAY, QUICK, SILENT, SmallShop
from tests.standin import LABELS, StandIn, estimate_of, serving_stand_in


def rescores(shop: SmallShop, address: str) -> RunRecord:
    server = RemoteServer(address)
    try:
        scoring = Scoring(server, QUICK, readers=2)
        return rescore_night(DAY, shop.lake, photo_root(shop.photos), scoring, SILENT)
    finally:
        server.renew()


def versions(shop: SmallShop) -> dict[str, str]:
    return {row["purchase_id"]: row["model_version"] for row in shop.rows()}


def test_a_night_is_scored_anew_by_another_model_and_rows_without_a_photo_stay(
    shop: SmallShop, server: str
) -> None:
    shop.sells(["a", "b", "gone"])
    with shop.table.open("a") as table:
        table.write(f"none,south,{DAY}T09:00:00,\n")
    shop.runs(server)
    old = {row["purchase_id"]: row for row in shop.rows()}
    (shop.photos / "gone.jpg").unlink()
    with serving_stand_in(StandIn(model_version="better")) as better:
        run = rescores(shop, better)
        assert rescores(shop, better).result == NOTHING_TO_DO
    assert versions(shop) == {"a": "better", "b": "better", "none": "better", "gone": "stand-in"}
    assert (run.rows_new, run.rows_kept) == (3, 1)
    new = {row["purchase_id"]: row for row in shop.rows()}
    assert new["gone"] == old["gone"]
    assert new["a"]["photo_sha256"] == old["a"]["photo_sha256"]
    assert shop.runs().result == NOTHING_TO_DO


def test_a_rescore_that_breaks_leaves_the_night_whole_is_seen_and_is_taken_up(
    shop: SmallShop, server: str
) -> None:
    shop.sells([f"p-{n}" for n in range(60)])
    shop.runs(server)
    before = shop.night_digest()

    def dies(request: pb.EstimateAgesRequest) -> pb.EstimateAgesResponse:
        if len(dying.photos) > 40:
            raise RuntimeError("out of memory")
        return estimate_of(request.photo, "better")

    dying, second = StandIn(dies, "better"), StandIn(model_version="better")
    with serving_stand_in(dying) as address, pytest.raises(ServerGoneError):
        rescores(shop, address)
    assert shop.night_digest() == before
    night = standings(shop.lake, None, DAY, DAY)[0]
    assert (night.standing, night.failed_runs) == (Standing.RESCORING, 1)
    with serving_stand_in(second) as address:
        run = rescores(shop, address)
    assert run.rows_resumed >= 30
    assert len(second.photos) == 60 - run.rows_resumed
    assert set(versions(shop).values()) == {"better"}
    assert standings(shop.lake, None, DAY, DAY)[0].standing is Standing.SCORED


def test_a_reader_sees_the_old_night_or_the_new_and_never_none(
    shop: SmallShop, server: str
) -> None:
    shop.sells([f"p-{n}" for n in range(40)])
    shop.runs(server)
    seen: set[tuple[int, int]] = set()
    with reading(shop, seen):
        for number in range(6):
            regroup_night(DAY, shop.lake, AgeGroups((0, 20 + number)))
    assert {rows for rows, _ in seen} == {40}
    assert {groups for _, groups in seen} <= {1, 2, *range(1, 9)}


@contextmanager
def reading(shop: SmallShop, seen: set[tuple[int, int]]) -> Iterator[None]:
    """Another thread asks as an analyst would, over and over."""
    ended = threading.Event()
    query = (
        "SELECT count(*), count(DISTINCT age_group) FROM "
        f"read_parquet('{shop.lake.table.path}/*/*.parquet', hive_partitioning = true)"
    )

    def read() -> None:
        connection = duckdb.connect()
        while True:
            seen.update(connection.execute(query).fetchall())
            if ended.is_set():
                return

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_groups_are_redrawn_from_the_stored_distribution_alone(
    shop: SmallShop, server: str
) -> None:
    shop.sells([f"p-{n}" for n in range(30)])
    shop.takes_photo("p-3", b"no face")
    shop.runs(server)
    before = shop.rows()
    for photo in shop.photos.iterdir():
        photo.unlink()
    regroup_night(DAY, shop.lake, AgeGroups((0, 18, 65)))
    rows = shop.rows()
    for row, old in zip(rows, before, strict=True):
        groups = row.pop("age_group_probabilities"), old.pop("age_group_probabilities")
        likeliest = row.pop("age_group"), old.pop("age_group")
        assert row == old
        if row["status"] != "scored":
            assert (*groups, *likeliest) == (None, None, None, None)
            continue
        shares = {each["age_group"]: each["probability"] for each in groups[0]}
        by_year = row["age_distribution"]
        expected = [sum(by_year[:18]), sum(by_year[18:65]), sum(by_year[65:])]
        assert list(shares) == ["0-17", "18-64", "65+"]
        assert list(shares.values()) == pytest.approx([e / sum(by_year) for e in expected])
        assert likeliest[0] == max(shares, key=lambda label: shares[label])


def test_the_servers_own_groups_redrawn_are_the_same(shop: SmallShop, server: str) -> None:
    shop.sells([f"p-{n}" for n in range(30)])
    shop.runs(server)
    before = [row["age_group"] for row in shop.rows()]
    regroup_night(DAY, shop.lake, AgeGroups((0, 13, 18, 25, 35, 45, 55, 65)))
    assert [row["age_group"] for row in shop.rows()] == before
    assert shop.lake.age_groups(DAY) == list(LABELS)


def test_rows_that_come_late_are_drawn_into_the_nights_groups(shop: SmallShop, server: str) -> None:
    shop.sells(["a"])
    shop.runs(server)
    regroup_night(DAY, shop.lake, AgeGroups((0, 50)))
    shop.sells(["late"])
    shop.runs(server)
    assert {row["age_group"] for row in shop.rows()} <= {"0-49", "50+"}
    assert len(shop.rows()) == 2


@pytest.mark.parametrize("wrong", ["", "18,65", "0,65,18", "0,101", "0,x"])
def test_groups_that_do_not_cover_all_ages_are_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="age groups"):
        AgeGroups.of(wrong)


def test_each_night_is_told_as_it_stands(shop: SmallShop, server: str) -> None:
    days = [date(2026, 11, day) for day in (18, 19, 20, 21)]
    for day in days:
        shop.sells([f"{day}-{n}" for n in range(3)], day)
    shop.takes_photo("2026-11-18-0", b"no face")
    shop.runs(server, days[0])
    shop.runs(server, days[1])
    shop.sells(["late"], days[1])
    silent = StandIn(lambda request: None)
    with serving_stand_in(silent) as address, pytest.raises(ServerGoneError):
        shop.runs(address, days[2], scorer=shop.impatient(address))
    told = standings(shop.lake, shop.sources().shop(), days[0], days[3])
    assert [(night.day, night.standing) for night in told] == [
        (days[0], Standing.SCORED),
        (days[1], Standing.PARTIAL),
        (days[2], Standing.MISSING),
        (days[3], Standing.MISSING),
    ]
    assert (told[0].not_scored, told[0].models) == (1, ("stand-in",))
    assert (told[1].purchases, told[1].rows) == (4, 3)
    assert told[2].failed_runs == 1
    assert "stayed away" in str(told[2].last_error)
