"""checkout-age-batch delete-photos: remove photos that have served."""

from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console

from checkout_age.batch.commands.arguments import add_lake, add_photos, age, zone
from checkout_age.batch.commands.exits import EXITS, telling_failures
from checkout_age.batch.lake import Lake
from checkout_age.batch.photos import photo_root
from checkout_age.batch.retention import Deletion, delete_photos


def add(commands: Any) -> None:
    """Add the verb to the parser's commands."""
    parser = commands.add_parser(
        "delete-photos", help="remove photos whose row is durable and scored", epilog=EXITS
    )
    add_photos(parser)
    add_lake(parser)
    parser.add_argument(
        "--older-than", type=age, required=True, help="only of days over that long ago, as 7d"
    )
    parser.add_argument(
        "--time-zone", type=zone, default=ZoneInfo("UTC"), help="the shop's, as Europe/Berlin (UTC)"
    )
    parser.add_argument("--dry-run", action="store_true", help="only count them")
    parser.set_defaults(carry_out=partial(carry_out, parser))


def carry_out(_parser: ArgumentParser, given: Namespace) -> None:
    """Remove them, or count them."""
    console = Console(soft_wrap=True, markup=False)
    with telling_failures(given.out):
        deletions = delete_photos(
            Lake(given.out),
            photo_root(given.photos),
            given.older_than,
            given.time_zone,
            datetime.now(UTC),
            dry_run=given.dry_run,
        )
        total = 0
        for done in deletions:
            print_deletion(done, console, dry_run=given.dry_run)
            total += done.deleted
        console.print(f"{total} photos {'would be removed' if given.dry_run else 'removed'}")


def print_deletion(done: Deletion, console: Console, *, dry_run: bool) -> None:
    """Tell what became of one night's photos."""
    would = "would be removed" if dry_run else "removed"
    console.print(
        f"{done.day}: {done.deleted} photos {would}, "
        f"{done.needed} kept for other rows, {done.changed} kept for they have changed"
    )
