"""checkout-age-batch run: score one day."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from rich.console import Console

from checkout_age.batch.commands.arguments import (
    add_retention,
    add_sources,
    alarm_of,
    day,
    log_lines,
    sources_of,
)
from checkout_age.batch.commands.delete_photos import print_deletion
from checkout_age.batch.commands.exits import EXITS, telling_failures
from checkout_age.batch.lake import Lake
from checkout_age.batch.photos import photo_root
from checkout_age.batch.progress import watching
from checkout_age.batch.purchases import PurchasesError
from checkout_age.batch.retention import Deletion, delete_photos
from checkout_age.batch.run import run_night
from checkout_age.batch.sources import Sources
from checkout_age.batch.summary import print_summary


def add(commands: Any) -> None:
    """Add the verb to the parser's commands."""
    parser = commands.add_parser("run", help="score one day", epilog=EXITS)
    parser.add_argument("--date", type=day, required=True, help="the day, as 2026-11-21")
    add_sources(parser)
    add_retention(parser)
    parser.set_defaults(carry_out=partial(carry_out, parser))


def carry_out(parser: ArgumentParser, given: Namespace) -> None:
    """Score the day and tell what came of it."""
    log_lines()
    sources = sources_of(parser, given)
    alarm = partial(alarm_of(parser, given).tell, day=given.date)
    console = Console(soft_wrap=True, markup=False)
    with telling_failures(given.out, alarm):
        with watching(given.log_every) as watch:
            run = run_night(given.date, sources, watch)
        lake = Lake(sources.out)
        print_summary(run, lake, console)
        for done in _deleted(lake, sources, given):
            print_deletion(done, console, dry_run=given.delete_photos_dry_run)
        if run.left_out.rows:
            raise PurchasesError(run.left_out.told())


def _deleted(lake: Lake, sources: Sources, given: Namespace) -> Iterator[Deletion]:
    if given.delete_photos_after is not None:
        yield from delete_photos(
            lake,
            photo_root(sources.photos),
            given.delete_photos_after,
            sources.zone,
            datetime.now(UTC),
            dry_run=given.delete_photos_dry_run,
        )
