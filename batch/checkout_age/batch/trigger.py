"""When nights are due: a cron expression on the shop's clock, right when that clock is changed.

APScheduler's CronTrigger steps through the fields on a clock with a zone and, in some zones, skips
or doubles the hour that changes. Here the expression is worked out on a clock without a zone, and
what comes of it is then placed in the zone: an hour that comes twice counts as its first, one that
is skipped as the moment when it is over.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger

from checkout_age.batch.clock import moment_of

LONGEST_SKIP = timedelta(hours=25)
"""More than any clock was ever put forward."""


class ShopCron(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """Fires when the shop's clock matches five cron fields."""

    def __init__(self, expression: str, zone: ZoneInfo) -> None:
        """Raises ValueError where the expression is none."""
        self.expression = expression
        self.zone = zone
        self._cron = CronTrigger.from_crontab(expression, timezone=UTC)
        if self._cron.get_next_fire_time(None, datetime.now(UTC)) is None:
            raise ValueError(f"the cron expression {expression!r} never comes")

    @classmethod
    def daily(cls, at: time, zone: ZoneInfo) -> "ShopCron":
        """Once a day."""
        return cls(f"{at.minute} {at.hour} * * *", zone)

    def after(self, moment: datetime) -> datetime | None:
        """The first time after a moment, in the shop's zone; None where there is none."""
        wall = moment.astimezone(self.zone).replace(tzinfo=UTC) - LONGEST_SKIP
        while True:
            wall = self._cron.get_next_fire_time(None, wall)
            if wall is None:
                return None
            fires = moment_of(wall, self.zone)
            if fires > moment:
                return fires.astimezone(self.zone)
            wall += timedelta(microseconds=1)

    def get_next_fire_time(
        self, previous_fire_time: datetime | None, now: datetime
    ) -> datetime | None:
        """What APScheduler asks: the time after the one before, or from now on."""
        return self.after(previous_fire_time or now - timedelta(microseconds=1))

    def last_due(self, now: datetime) -> date:
        """The last day whose night is due: some time has come since the day was over."""
        day = now.astimezone(self.zone).date() - timedelta(days=1)
        while True:
            over = moment_of(datetime.combine(day + timedelta(days=1), time()), self.zone)
            due = self.after(over - timedelta(microseconds=1))
            if due is not None and due <= now:
                return day
            day -= timedelta(days=1)
