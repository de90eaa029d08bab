"""checkout-age-batch schedule: score every day, the night after."""

from argparse import ArgumentParser, Namespace
from datetime import time, timedelta
from functools import partial
from typing import Any

from checkout_age.batch.commands.arguments import (
    add_retention,
    add_sources,
    alarm_of,
    hour,
    log_lines,
    seconds,
    sources_of,
)
from checkout_age.batch.commands.exits import EXITS, telling_failures
from checkout_age.batch.place import Place
from checkout_age.batch.schedule import Schedule, run_schedule
from checkout_age.batch.trigger import ShopCron


def add(commands: Any) -> None:
    """Add the verb to the parser's commands."""
    parser = commands.add_parser(
        "schedule", help="score every night, and those that were missed", epilog=EXITS
    )
    when = parser.add_mutually_exclusive_group()
    when.add_argument(
        "--at", type=hour, default=time(2, 30), help="hour of the shop's clock (02:30)"
    )
    when.add_argument("--cron", help="five cron fields on the shop's clock, as '30 2 * * *'")
    add_sources(parser)
    add_retention(parser)
    parser.add_argument(
        "--days-back",
        type=int,
        default=30,
        help="days in which missed and unfinished nights are looked for (%(default)s)",
    )
    parser.add_argument(
        "--late-days",
        type=int,
        default=7,
        help="days in which photos that came late are looked for (%(default)s)",
    )
    parser.add_argument(
        "--again",
        type=seconds,
        default=900.0,
        help="time after which a round that left nights behind is tried again, as 15m (15m)",
    )
    parser.add_argument("--metrics-port", type=int, help="port that answers Prometheus (none)")
    parser.add_argument("--metrics-host", default="127.0.0.1", help="address for it (%(default)s)")
    parser.set_defaults(carry_out=partial(carry_out, parser))


def carry_out(parser: ArgumentParser, given: Namespace) -> None:
    """Run until SIGTERM."""
    log_lines()
    sources = sources_of(parser, given)
    if given.delete_photos_dry_run:
        parser.error("--delete-photos-dry-run is for run and for delete-photos")
    try:
        cron = (
            ShopCron.daily(given.at, sources.zone)
            if given.cron is None
            else ShopCron(given.cron, sources.zone)
        )
        schedule = Schedule(
            sources,
            cron,
            alarm_of(parser, given),
            given.days_back,
            given.late_days,
            timedelta(seconds=given.again),
            given.delete_photos_after,
            given.log_every,
        )
    except ValueError as error:
        parser.error(str(error))
    with telling_failures(given.out):
        for place in (sources.purchases, sources.photos, sources.out):
            Place.of(place)  # a wrong URI is told now, not at night
        if given.metrics_port is not None:
            schedule.metrics.serve(given.metrics_host, given.metrics_port)
        run_schedule(schedule)
