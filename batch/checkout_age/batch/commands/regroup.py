"""checkout-age-batch regroup: nights drawn into other age groups."""

from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from rich.console import Console

from checkout_age.batch.commands.arguments import add_lake, add_range, age_groups, range_of
from checkout_age.batch.commands.exits import EXITS, telling_failures
from checkout_age.batch.lake import Lake
from checkout_age.batch.regroup import regroup_night


def add(commands: Any) -> None:
    """Add the verb to the parser's commands."""
    parser = commands.add_parser(
        "regroup",
        help="draw nights into other age groups, without photos",
        description="From the age distribution that each row stores; each night is replaced at "
        "once, and rows that come late are drawn into the same groups.",
        epilog=EXITS,
    )
    parser.add_argument(
        "--age-groups",
        type=age_groups,
        required=True,
        metavar="STARTS",
        help="youngest age of each group, as 0,18,65",
    )
    add_range(parser, required=True)
    add_lake(parser)
    parser.set_defaults(carry_out=partial(carry_out, parser))


def carry_out(parser: ArgumentParser, given: Namespace) -> None:
    """Draw them, oldest first."""
    first, last = range_of(parser, given, datetime.now(UTC).date(), back=0)
    console = Console(soft_wrap=True, markup=False)
    with telling_failures(given.out):
        lake = Lake(given.out)
        days = [day for day in lake.days() if first <= day <= last]
        for day in days:
            run = regroup_night(day, lake, given.age_groups)
            words = f"{run.rows_new} rows drawn into" if run.rows_new else "already drawn into"
            console.print(f"{day}: {words} {', '.join(given.age_groups.labels)}")
        if not days:
            console.print(f"No night from {first} to {last} is in the lake: nothing to draw.")
