"""The schedule: every night at the same hour of the shop's own clock."""

import logging
import signal
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from types import FrameType

from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.cron import CronTrigger

from checkout_age.batch.night import Sources, run_night

logger = logging.getLogger(__name__)

MISFIRE_GRACE = 12 * 3600
"""Seconds by which a night may start late, after the machine slept, say."""


def run_schedule(at: time, sources: Sources) -> None:
    """Score each finished day at the hour in the sources' zone, until SIGTERM or SIGINT."""
    scheduler = make_scheduler(at, sources, lambda: score_yesterday(sources))

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        logger.info("stopping once a running night is done; a second signal stops at once")
        scheduler.shutdown(wait=False)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    scheduler.start()


def make_scheduler(at: time, sources: Sources, job: Callable[[], None]) -> BlockingScheduler:
    """A scheduler that runs the job once a day; a late or doubled call runs it once."""
    scheduler = BlockingScheduler(timezone=sources.zone)
    scheduler.add_job(
        job,
        CronTrigger(hour=at.hour, minute=at.minute, timezone=sources.zone),
        id="night",
        coalesce=True,
        max_instances=1,
        misfire_grace_time=MISFIRE_GRACE,
    )
    logger.info("scoring the day before at %s every night, %s", at.strftime("%H:%M"), sources.zone)
    return scheduler


def score_yesterday(sources: Sources) -> None:
    """Score the day that ended last on the shop's clock; a failure is logged, no more."""
    day = day_before(datetime.now(sources.zone))
    try:
        run = run_night(day, sources)
    except Exception:
        logger.exception("the night of %s failed and can be run again", day)
        return
    done = "was already scored" if run.already_scored else "is scored"
    logger.info("the night of %s %s: %d purchases", day, done, run.purchases)


def day_before(now: datetime) -> date:
    """The last whole day before a moment on the shop's clock."""
    return now.date() - timedelta(days=1)
