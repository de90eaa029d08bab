"""checkout-age-batch run: score one day."""

from argparse import Namespace
from typing import Any

from rich.console import Console

from checkout_age.batch.commands.arguments import add_sources, day, sources_of
from checkout_age.batch.commands.exits import EXITS, telling_failures
from checkout_age.batch.lake import Lake
from checkout_age.batch.night import run_night
from checkout_age.batch.summary import print_summary, shown


def add(commands: Any) -> None:
    """Add the verb to the parser's commands."""
    parser = commands.add_parser("run", help="score one day", epilog=EXITS)
    parser.add_argument("--date", type=day, required=True, help="the day, as 2026-11-21")
    add_sources(parser)
    parser.set_defaults(carry_out=carry_out)


def carry_out(given: Namespace) -> None:
    """Score the day and tell what came of it."""
    sources = sources_of(given)
    with telling_failures(shown(sources.out)):
        run = run_night(given.date, sources)
    print_summary(run, Lake(sources.out), Console(soft_wrap=True, markup=False))
