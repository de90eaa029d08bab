"""Rounds of nights: what is due is found from the data, whatever happened to the scheduler."""

import logging
import re
import threading
import time as real_time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from checkout_age.batch.alarm import Alarm
from checkout_age.batch.lock import night_lock
from checkout_age.batch.metrics import NightMetrics
from checkout_age.batch.schedule import Schedule, hold_round, make_scheduler
from checkout_age.batch.trigger import ShopCron
from tests.batch.shops import BERLIN, SmallShop
from tests.standin import StandIn, serving_stand_in

DAYS = [date(2026, 11, day) for day in (18, 19, 20, 21)]
AFTER = datetime(2026, 11, 22, 4, tzinfo=UTC)


@pytest.fixture
def busy_shop(tmp_path: Path) -> SmallShop:
    shop = SmallShop(tmp_path, BERLIN)
    for day in DAYS:
        shop.sells([f"{day}-{n}" for n in range(3)], day)
    return shop


def schedule(shop: SmallShop, server: str, **more: Any) -> Schedule:
    cron = ShopCron.daily(time(2, 30), shop.zone)
    return Schedule(shop.sources(server), cron, more.pop("alarm", Alarm("schedule")), **more)


def test_missed_nights_are_found_from_the_data_and_caught_up_oldest_first(
    busy_shop: SmallShop, server: str, stand_in: StandIn
) -> None:
    busy_shop.runs(server, DAYS[1])
    stand_in.photos.clear()
    assert hold_round(schedule(busy_shop, server), AFTER) == []
    assert busy_shop.lake.days() == DAYS
    in_order = [photo[9:19].decode() for photo in stand_in.photos]
    assert in_order == sorted(in_order)
    assert str(DAYS[1]) not in in_order
    stand_in.photos.clear()
    assert hold_round(schedule(busy_shop, server), AFTER) == []
    assert stand_in.photos == []


def test_a_night_that_is_not_due_yet_waits_for_its_hour(busy_shop: SmallShop, server: str) -> None:
    early = datetime(2026, 11, 22, 1, 29, tzinfo=UTC)  # 02:29 in Berlin
    hold_round(schedule(busy_shop, server), early)
    assert busy_shop.lake.days() == DAYS[:3]


def test_late_purchases_and_photos_are_picked_up_by_the_next_round(
    busy_shop: SmallShop, server: str
) -> None:
    (busy_shop.photos / "2026-11-20-0.jpg").unlink()
    hold_round(schedule(busy_shop, server), AFTER)
    busy_shop.takes_photo("2026-11-20-0")
    busy_shop.sells(["late"], DAYS[1])
    hold_round(schedule(busy_shop, server), AFTER)
    assert set(busy_shop.statuses(DAYS[2]).values()) == {"scored"}
    assert "late" in busy_shop.statuses(DAYS[1])


def test_a_night_that_fails_is_told_and_does_not_keep_the_next_from_being_scored(
    busy_shop: SmallShop, server: str, caplog: pytest.LogCaptureFixture
) -> None:
    told = busy_shop.folder / "told"
    blocked = busy_shop.folder / "lake/purchase_ages" / f"purchase_date={DAYS[1]}"
    blocked.parent.mkdir(parents=True)
    blocked.write_text("a file stands in the way")
    alarm = Alarm("schedule", command=f"cat >> {told}")
    with caplog.at_level(logging.ERROR):
        behind = hold_round(schedule(busy_shop, server, alarm=alarm), AFTER)
    assert behind == [DAYS[1]]
    assert busy_shop.lake.days() == [DAYS[0], DAYS[2], DAYS[3]]
    assert f"the night of {DAYS[1]} failed and will be tried again" in caplog.text
    assert f'"purchase_date": "{DAYS[1]}", "exit_status": 4' in told.read_text()


def test_while_the_server_is_away_all_nights_wait_and_one_alarm_is_raised(
    busy_shop: SmallShop,
) -> None:
    told = busy_shop.folder / "told"
    alarm = Alarm("schedule", command=f"cat >> {told}; echo >> {told}")
    assert hold_round(schedule(busy_shop, "127.0.0.1:1", alarm=alarm), AFTER) == DAYS
    assert told.read_text().count("no server is ready") == 1


def test_a_failure_that_goes_on_is_told_once_a_day_and_another_at_once(
    busy_shop: SmallShop, server: str
) -> None:
    told = busy_shop.folder / "told"
    plan = schedule(
        busy_shop, "127.0.0.1:1", alarm=Alarm("schedule", command=f"cat >> {told}; echo >> {told}")
    )
    for minutes in (0, 15, 30, 23 * 60, 23 * 60 + 15):
        hold_round(plan, AFTER + timedelta(minutes=minutes))
    assert told.read_text().count("no server is ready") == 2
    busy_shop.table.rename(busy_shop.folder / "away.csv")
    hold_round(plan, AFTER + timedelta(minutes=23 * 60 + 30))
    assert told.read_text().count("no purchases table") == 1


def test_a_row_that_belongs_to_no_night_is_told_and_the_nights_are_scored(
    busy_shop: SmallShop, server: str
) -> None:
    with busy_shop.table.open("a") as table:
        table.write("bad,north,noon,bad.jpg\n")
    told = busy_shop.folder / "told"
    alarm = Alarm("schedule", command=f"cat >> {told}; echo >> {told}")
    plan = schedule(busy_shop, server, alarm=alarm)
    assert hold_round(plan, AFTER) == []
    assert hold_round(plan, AFTER + timedelta(minutes=15)) == []
    assert busy_shop.lake.days() == DAYS
    assert told.read_text().count(f"row {3 * len(DAYS) + 1} of {busy_shop.table} has 'noon'") == 1


def test_a_day_of_which_no_row_can_be_read_is_told_too(busy_shop: SmallShop, server: str) -> None:
    busy_shop.table.write_text(busy_shop.table.read_text().replace(f"{DAYS[3]}T", "21.11.2026 "))
    told = busy_shop.folder / "told"
    alarm = Alarm("schedule", command=f"cat >> {told}")
    assert hold_round(schedule(busy_shop, server, alarm=alarm), AFTER) == []
    assert busy_shop.lake.days() == DAYS[:3]
    assert "3 rows of the purchases belong to no night and are left out" in told.read_text()


def test_an_alarm_that_could_not_be_raised_is_raised_by_the_next_round(
    busy_shop: SmallShop,
) -> None:
    told = busy_shop.folder / "told"
    alarm = Alarm("schedule", command=f"cat >> {told}; [ -e {busy_shop.folder}/heard ]")
    plan = schedule(busy_shop, "127.0.0.1:1", alarm=alarm)
    hold_round(plan, AFTER)
    (busy_shop.folder / "heard").touch()
    for minutes in (15, 30):
        hold_round(plan, AFTER + timedelta(minutes=minutes))
    assert told.read_text().count("no server is ready") == 2


def test_a_purchase_that_took_another_s_place_is_noticed_though_the_number_is_the_same(
    busy_shop: SmallShop, server: str
) -> None:
    hold_round(schedule(busy_shop, server), AFTER)
    table = busy_shop.table.read_text()
    busy_shop.table.write_text(table.replace(f"{DAYS[3]}-0,south", "exchanged,south"))
    assert hold_round(schedule(busy_shop, server), AFTER) == []
    assert "exchanged" in busy_shop.statuses(DAYS[3])


def test_a_night_that_another_scheduler_works_on_is_left_to_it(
    busy_shop: SmallShop, server: str, caplog: pytest.LogCaptureFixture
) -> None:
    with night_lock(busy_shop.lake, DAYS[0]), caplog.at_level(logging.INFO):
        assert hold_round(schedule(busy_shop, server), AFTER) == [DAYS[0]]  # it may yet die
    assert busy_shop.lake.days() == DAYS[1:]
    assert f"the night of {DAYS[0]} is being worked on by `run` with process" in caplog.text


def test_a_clock_that_is_set_forward_is_noticed_and_the_night_is_held_once(
    busy_shop: SmallShop, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine sleeps from the evening to three days later, as its clock tells."""
    monkeypatch.setattr("checkout_age.batch.schedule.LOOKS_AT_CLOCK", 0.5)
    evening = datetime(2026, 11, 18, 20, tzinfo=UTC)
    clock = [evening]
    monkeypatch.setattr("apscheduler.schedulers.base.datetime", clock_of(clock))
    monkeypatch.setattr("apscheduler.executors.base.datetime", clock_of(clock))
    with running(make_scheduler(schedule(busy_shop, server), lambda: clock[0])) as scheduler:
        until(lambda: scheduler.get_job("begin") is None)
        assert busy_shop.lake.days() == []
        clock[0] = AFTER
        until(lambda: busy_shop.lake.days() == DAYS)
        next_night = scheduler.get_job("night").next_run_time
    assert next_night.isoformat() == "2026-11-23T02:30:00+01:00"


def test_a_clock_that_is_set_back_scores_nothing_again(
    busy_shop: SmallShop, server: str, stand_in: StandIn
) -> None:
    assert hold_round(schedule(busy_shop, server), AFTER) == []
    stand_in.photos.clear()
    for days in (1, 3, 365, 0):
        assert hold_round(schedule(busy_shop, server), AFTER - timedelta(days=days)) == []
    assert stand_in.photos == []
    assert busy_shop.lake.days() == DAYS


@contextmanager
def running(scheduler: Any) -> Iterator[Any]:
    thread = threading.Thread(target=scheduler.start, daemon=True)
    thread.start()
    until(lambda: scheduler.running)
    try:
        yield scheduler
    finally:
        scheduler.shutdown()
        thread.join()


def clock_of(now: list[datetime]) -> type[datetime]:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return now[0].astimezone(tz)

    return Clock


def until(true: Any, seconds: float = 20) -> None:
    deadline = real_time.monotonic() + seconds
    while not true():
        assert real_time.monotonic() < deadline
        real_time.sleep(0.01)


def test_a_round_that_leaves_nights_behind_is_tried_again_soon(
    busy_shop: SmallShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apscheduler.schedulers.base.datetime", clock_of([AFTER]))
    monkeypatch.setattr("apscheduler.executors.base.datetime", clock_of([AFTER]))
    plan = schedule(busy_shop, "127.0.0.1:1", again=timedelta(minutes=15))
    with running(make_scheduler(plan, lambda: AFTER)) as scheduler:
        until(lambda: scheduler.get_job("again") is not None)
        assert scheduler.get_job("again").next_run_time == AFTER + timedelta(minutes=15)


def test_misfires_are_coalesced_and_never_dropped(busy_shop: SmallShop, server: str) -> None:
    job = make_scheduler(schedule(busy_shop, server), lambda: AFTER).get_jobs()[0]
    assert (job.coalesce, job.max_instances, job.misfire_grace_time) == (True, 1, None)


def test_the_scheduler_tells_of_itself_in_openmetrics(busy_shop: SmallShop) -> None:
    metrics = NightMetrics()
    with serving_stand_in() as server:
        hold_round(schedule(busy_shop, server, metrics=metrics), AFTER)
    busy_shop.sells(["more"], DAYS[0])
    hold_round(schedule(busy_shop, "127.0.0.1:1", metrics=metrics), AFTER)
    port = metrics.serve("127.0.0.1", 0)
    asks = Request(
        f"http://127.0.0.1:{port}/metrics",
        headers={"Accept": "application/openmetrics-text; version=1.0.0"},
    )
    with urlopen(asks, timeout=60) as answer:
        kind, text = answer.headers["Content-Type"], answer.read().decode()
    metrics.close()
    assert kind.startswith("application/openmetrics-text")
    assert text.endswith("# EOF\n")
    assert 'checkout_age_batch_nights_total{result="done"} 4.0' in text
    assert 'checkout_age_batch_nights_total{result="failed"} 1.0' in text
    assert 'checkout_age_batch_rows_total{status="scored"} 12.0' in text
    assert "checkout_age_batch_nights_behind 1.0" in text
    ended = re.search(r"^checkout_age_batch_last_success_timestamp_seconds (\S+)$", text, re.M)
    assert ended is not None
    assert float(ended[1]) == AFTER.timestamp()
