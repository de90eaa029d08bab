"""When nights are due, in zones that change their clocks in every way that zones do."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from checkout_age.batch.trigger import ShopCron


@pytest.mark.parametrize(
    ("zone", "after", "fires"),
    [
        ("Europe/Berlin", "2026-11-21T12:00:00+00:00", "2026-11-22T02:30:00+01:00"),
        ("Europe/Berlin", "2026-07-01T00:00:00+00:00", "2026-07-01T02:30:00+02:00"),
        # comes twice: the first, and not again
        ("Europe/Berlin", "2026-10-24T12:00:00+00:00", "2026-10-25T02:30:00+02:00"),
        ("Europe/Berlin", "2026-10-25T00:30:00+00:00", "2026-10-26T02:30:00+01:00"),
        ("Europe/Berlin", "2026-10-25T01:10:00+00:00", "2026-10-26T02:30:00+01:00"),
        # is skipped: when it is over
        ("Europe/Berlin", "2026-03-28T12:00:00+00:00", "2026-03-29T03:00:00+02:00"),
        ("Europe/Berlin", "2026-03-29T01:00:00+00:00", "2026-03-30T02:30:00+02:00"),
        # half an hour forward: 02:30 is what 02:00 becomes
        ("Australia/Lord_Howe", "2026-10-03T12:00:00+00:00", "2026-10-04T02:30:00+11:00"),
        # a whole day is skipped
        ("Pacific/Apia", "2011-12-29T20:00:00+00:00", "2011-12-31T00:00:00+14:00"),
        # midnight itself is skipped
        ("Asia/Beirut", "2026-03-28T12:00:00+00:00", "2026-03-29T02:30:00+03:00"),
    ],
)
def test_the_night_comes_at_the_hour_of_the_shops_own_clock(
    zone: str, after: str, fires: str
) -> None:
    cron = ShopCron.daily(time(2, 30), ZoneInfo(zone))
    found = cron.after(datetime.fromisoformat(after))
    assert found is not None
    assert found.isoformat() == fires


@pytest.mark.parametrize(
    "zone",
    [
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
        "Asia/Beirut",
        "America/Santiago",
        "Asia/Kolkata",
    ],
)
@pytest.mark.parametrize("at", [time(0, 0), time(0, 30), time(2, 0), time(2, 30), time(3, 0)])
def test_a_year_has_one_night_for_each_day_of_the_zone(zone: str, at: time) -> None:
    cron = ShopCron.daily(at, ZoneInfo(zone))
    moment = datetime(2026, 1, 1, tzinfo=ZoneInfo(zone)) - timedelta(microseconds=1)
    days: list[date] = []
    for _ in range(365):
        found = cron.get_next_fire_time(None if not days else moment, moment)
        assert found is not None
        assert found > moment
        moment = found
        days.append(found.date())
    assert days == [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]


def test_five_cron_fields_are_read_on_the_shops_clock_and_others_are_refused() -> None:
    cron = ShopCron("0 4 * * mon", ZoneInfo("Europe/Berlin"))
    found = cron.after(datetime(2026, 11, 21, tzinfo=UTC))
    assert found is not None
    assert found.isoformat() == "2026-11-23T04:00:00+01:00"
    with pytest.raises(ValueError, match="Wrong number of fields"):
        ShopCron("at noon", ZoneInfo("UTC"))
    with pytest.raises(ValueError, match="never comes"):
        ShopCron("0 0 30 2 *", ZoneInfo("UTC"))


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-11-22T02:29:59+01:00", "2026-11-20"),
        ("2026-11-22T02:30:00+01:00", "2026-11-21"),
        ("2026-10-25T02:30:00+02:00", "2026-10-24"),
        ("2026-03-29T01:59:00+01:00", "2026-03-27"),
        ("2026-03-29T03:00:00+02:00", "2026-03-28"),
    ],
)
def test_a_night_is_due_once_its_hour_has_come_after_the_day(now: str, due: str) -> None:
    cron = ShopCron.daily(time(2, 30), ZoneInfo("Europe/Berlin"))
    assert cron.last_due(datetime.fromisoformat(now)) == date.fromisoformat(due)
