import logging
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from checkout_age.batch.night import Sources
from checkout_age.batch.schedule import day_before, make_scheduler, score_yesterday

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return Sources(tmp_path / "none.csv", tmp_path, tmp_path / "out", BERLIN, server="127.0.0.1:1")


@pytest.mark.parametrize(
    ("now", "fires"),
    [
        ("2026-11-21T12:00:00+00:00", "2026-11-22T02:30:00+01:00"),
        ("2026-07-01T00:00:00+00:00", "2026-07-01T02:30:00+02:00"),
        ("2026-10-24T12:00:00+00:00", "2026-10-25T02:30:00+02:00"),  # 02:30 comes twice
    ],
)
def test_the_night_comes_at_the_hour_of_the_shops_own_clock(
    sources: Sources, now: str, fires: str
) -> None:
    job = make_scheduler(time(2, 30), sources, lambda: None).get_jobs()[0]
    moment = datetime.fromisoformat(now).astimezone(BERLIN)
    assert job.trigger.get_next_fire_time(None, moment).isoformat() == fires


def test_late_nights_are_made_up_for_once_and_never_overlap(sources: Sources) -> None:
    job = make_scheduler(time(2, 30), sources, lambda: None).get_jobs()[0]
    assert job.coalesce
    assert job.max_instances == 1


def test_yesterday_is_the_shops_own_even_where_utc_is_a_day_behind() -> None:
    just_after_midnight = datetime(2026, 11, 21, 23, 30, tzinfo=UTC).astimezone(BERLIN)
    assert day_before(just_after_midnight) == date(2026, 11, 21)


def test_a_night_that_fails_is_logged_and_does_not_end_the_schedule(
    sources: Sources, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        score_yesterday(sources)
    assert "failed and can be run again" in caplog.text
    assert "no purchases table" in caplog.text
