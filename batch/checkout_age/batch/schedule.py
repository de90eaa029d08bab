"""The schedule: at its hour of the shop's own clock, every night that is due and not whole."""

import logging
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import FrameType

import grpc
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from checkout_age.batch.alarm import Alarm
from checkout_age.batch.connection import NoServerError
from checkout_age.batch.failures import BAD_INPUT, status_of
from checkout_age.batch.lake import Lake
from checkout_age.batch.lock import NightTakenError
from checkout_age.batch.metrics import NightMetrics
from checkout_age.batch.nights import unfinished
from checkout_age.batch.photos import photo_root
from checkout_age.batch.progress import watching
from checkout_age.batch.purchases import LeftOut, PurchasesError
from checkout_age.batch.retention import delete_photos
from checkout_age.batch.run import run_night
from checkout_age.batch.scoring import ServerGoneError
from checkout_age.batch.sources import Sources
from checkout_age.batch.trigger import ShopCron

logger = logging.getLogger(__name__)

LOOKS_AT_CLOCK = 20
"""Seconds between two looks at the clock: it may be set, or the machine may have slept."""
TOLD_AGAIN = timedelta(hours=23)
"""After which a failure that goes on is told again; rounds come every quarter of an hour then."""


@dataclass(frozen=True)
class Schedule:
    """When nights are scored, how far back is looked, and who is told."""

    sources: Sources
    cron: ShopCron
    alarm: Alarm
    back: int = 30
    """Days before the last that is due in which missed nights are looked for."""
    late: int = 7
    """Days in which photos that came late are looked for."""
    again: timedelta = timedelta(minutes=15)
    """After a round that left nights behind, when the next one begins."""
    delete_after: timedelta | None = None
    """Age at which photos that were scored are removed; None: never."""
    log_every: float = 30.0
    metrics: NightMetrics = field(default_factory=NightMetrics)
    told: "dict[object, tuple[object, datetime]]" = field(default_factory=dict)
    """What was told last of each night, of the looking for nights and of deleting, and when."""

    def __post_init__(self) -> None:
        if self.back < 0 or self.late < 0:
            raise ValueError(f"days to look back are 0 or more, got {self.back} and {self.late}")


def run_schedule(schedule: Schedule) -> None:
    """Score what is due now and whenever the hour comes, until SIGTERM or SIGINT."""
    scheduler = make_scheduler(schedule, lambda: datetime.now(UTC))

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        logger.info("stopping once a running night is done; a second signal stops at once")
        threading.Thread(target=scheduler.shutdown, kwargs={"wait": False}).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    scheduler.start()


def make_scheduler(schedule: Schedule, now: Callable[[], datetime]) -> BlockingScheduler:
    """A scheduler that holds one round at a time; a late or doubled call is held once."""
    scheduler = BlockingScheduler(timezone=schedule.cron.zone)

    def job() -> None:
        if hold_round(schedule, now()):
            at = now() + schedule.again
            logger.info("trying again at %s", at.astimezone(schedule.cron.zone))
            scheduler.add_job(
                job, DateTrigger(at), id="again", replace_existing=True, misfire_grace_time=None
            )
        schedule.metrics.next_round(schedule.cron.after(now()))

    usual = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    scheduler.add_job(job, schedule.cron, id="night", **usual)
    scheduler.add_job(job, DateTrigger(now()), id="begin", **usual)
    # APScheduler sleeps until the next job by a clock that cannot be set; this looks at the other
    scheduler.add_job(
        lambda: None, IntervalTrigger(seconds=LOOKS_AT_CLOCK, start_date=now()), id="clock", **usual
    )
    logger.info(
        "scoring nights at `%s` on the clock of %s, next at %s",
        schedule.cron.expression,
        schedule.cron.zone,
        schedule.cron.after(now()),
    )
    return scheduler


ROUND = threading.Lock()


def hold_round(schedule: Schedule, now: datetime) -> list[date]:
    """Score every night that is due and not whole, oldest first; gives those that were left behind.

    A night that fails is logged and told, and does not keep the next from being scored; where the
    server is away, though, the rest wait for the next round.
    """
    if not ROUND.acquire(blocking=False):
        logger.info("a round is under way already")
        return []
    try:
        return _round(schedule, now)
    finally:
        ROUND.release()


def _round(schedule: Schedule, now: datetime) -> list[date]:
    last = schedule.cron.last_due(now)
    lake, left_out = Lake(schedule.sources.out), LeftOut()
    try:
        nights = unfinished(
            lake,
            schedule.sources.shop(),
            last - timedelta(days=schedule.back),
            last,
            late_from=last - timedelta(days=schedule.late),
            left_out=left_out,
        )
    except Exception as error:  # whatever it is, the schedule goes on
        logger.exception("the nights that are due cannot be told")
        _tell(schedule, error, None, now, about="nights")
        return [last]
    schedule.told.pop("nights", None)
    if left_out.rows:
        logger.error("%s", left_out.told())
        _tell(schedule, PurchasesError(left_out.told()), None, now, about="left out")
    else:
        schedule.told.pop("left out", None)
    schedule.metrics.round_begins(len(nights))
    behind: list[date] = []
    for index, day in enumerate(nights):
        try:
            _score(schedule, day)
        except NightTakenError as error:  # nobody is told: it is scored, or left by who dies
            logger.info("%s", error)
            behind.append(day)
        except (NoServerError, ServerGoneError) as error:
            logger.error("the night of %s and those after it wait for a server: %s", day, error)
            _tell(schedule, error, day, now)
            behind += nights[index:]
            break
        except Exception as error:
            logger.exception("the night of %s failed and will be tried again", day)
            _tell(schedule, error, day, now)
            behind.append(day)
    _delete(schedule, lake, now)
    schedule.metrics.round_ends(len(behind), now)
    return behind


def _score(schedule: Schedule, day: date) -> None:
    with watching(schedule.log_every) as watch:
        run = run_night(day, schedule.sources, watch)
    schedule.metrics.ran(run)
    done = "was already scored" if run.result == "nothing_to_do" else "is scored"
    logger.info(
        "the night of %s %s: %d purchases, %s",
        day,
        done,
        run.purchases,
        ", ".join(f"{count} {status}" for status, count in sorted(run.rows_by_status.items())),
    )
    schedule.told.pop(day, None)


def _delete(schedule: Schedule, lake: Lake, now: datetime) -> None:
    if schedule.delete_after is None:
        return
    try:
        photos = photo_root(schedule.sources.photos)
        for done in delete_photos(lake, photos, schedule.delete_after, schedule.cron.zone, now):
            schedule.metrics.deleted(done.deleted)
            logger.info("removed %d photos of %s", done.deleted, done.day)
    except Exception as error:
        logger.exception("photos could not be removed")
        _tell(schedule, error, None, now, about="deleting")
    else:
        schedule.told.pop("deleting", None)


def _tell(
    schedule: Schedule,
    error: Exception,
    day: date | None,
    now: datetime,
    about: str | None = None,
) -> None:
    """Tell of a failure; of one of the same kind about the same thing again only after a day."""
    schedule.metrics.failed()
    cause = error.__cause__
    code = cause.code() if isinstance(cause, grpc.RpcError) else getattr(error, "errno", None)
    kind, (before, at) = (type(error), code), schedule.told.get(about or day, (None, now))
    if kind == before and now - at < TOLD_AGAIN:
        return
    if schedule.alarm.tell(str(error), status_of(error) or BAD_INPUT, day):
        schedule.told[about or day] = kind, now
