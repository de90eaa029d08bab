"""checkout-age-batch schedule: score every day, the night after."""

import logging
from argparse import Namespace
from datetime import time
from typing import Any

from checkout_age.batch.commands.arguments import add_sources, hour, sources_of
from checkout_age.batch.schedule import run_schedule


def add(commands: Any) -> None:
    """Add the verb to the parser's commands."""
    parser = commands.add_parser("schedule", help="score the day before, every night")
    parser.add_argument(
        "--at", type=hour, default=time(2, 30), help="hour of the shop's clock (02:30)"
    )
    add_sources(parser)
    parser.set_defaults(carry_out=carry_out)


def carry_out(given: Namespace) -> None:
    """Run until SIGTERM."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    run_schedule(given.at, sources_of(given))
