"""checkout-age-batch rescore: nights through the model that is served now."""

from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from rich.console import Console

from checkout_age.batch.commands.arguments import (
    add_lake,
    add_photos,
    add_range,
    add_scorer,
    add_watch,
    alarm_of,
    log_lines,
    range_of,
    scorer_of,
)
from checkout_age.batch.commands.exits import EXITS, telling_failures
from checkout_age.batch.lake import Lake
from checkout_age.batch.photos import photo_root
from checkout_age.batch.progress import watching
from checkout_age.batch.rescore import rescore_night
from checkout_age.batch.scoring import Scoring


def add(commands: Any) -> None:
    """Add the verb to the parser's commands."""
    parser = commands.add_parser(
        "rescore",
        help="score nights anew where another model gave their rows",
        description="Each night is replaced at once. Rows whose photo is gone stay as they are.",
        epilog=EXITS,
    )
    add_range(parser, required=True)
    add_photos(parser)
    add_lake(parser)
    add_scorer(parser)
    add_watch(parser)
    parser.set_defaults(carry_out=partial(carry_out, parser))


def carry_out(parser: ArgumentParser, given: Namespace) -> None:
    """Score them, oldest first."""
    log_lines()
    first, last = range_of(parser, given, datetime.now(UTC).date(), back=0)
    scorer = scorer_of(parser, given)
    console = Console(soft_wrap=True, markup=False)
    with telling_failures(given.out, alarm_of(parser, given).tell):
        lake, photos = Lake(given.out), photo_root(given.photos)
        days = [day for day in lake.days() if first <= day <= last]
        if not days:
            console.print(f"No night from {first} to {last} is in the lake: nothing to score anew.")
            return
        with watching(given.log_every) as watch, scorer.reached(watch) as server:
            for day in days:
                scoring = Scoring(server, scorer.patience, scorer.readers, say=watch.say)
                run = rescore_night(day, lake, photos, scoring, watch)
                console.print(
                    f"{day}: {run.rows_new + run.rows_resumed} rows by {run.model_version}, "
                    f"{run.rows_kept} as they were"
                )
