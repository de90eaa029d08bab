"""checkout-age-batch status: how each night stands."""

import json
import sys
from argparse import ArgumentParser, Namespace
from datetime import date, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from checkout_age.batch.commands.arguments import add_lake, add_range, range_of, zone
from checkout_age.batch.commands.exits import EXITS, telling_failures
from checkout_age.batch.lake import Lake
from checkout_age.batch.nights import NightStanding, standings
from checkout_age.batch.place import Place
from checkout_age.batch.purchases import LeftOut, Shop


def add(commands: Any) -> None:
    """Add the verb to the parser's commands."""
    parser = commands.add_parser(
        "status", help="how each night stands: scored, partial, missing", epilog=EXITS
    )
    add_lake(parser)
    parser.add_argument("--purchases", help="the table, to tell which nights lack purchases")
    parser.add_argument(
        "--time-zone", type=zone, default=ZoneInfo("UTC"), help="the shop's, as Europe/Berlin (UTC)"
    )
    add_range(parser, required=False)
    parser.add_argument("--json", action="store_true", help="one JSON object a night and line")
    parser.set_defaults(carry_out=partial(carry_out, parser))


def carry_out(parser: ArgumentParser, given: Namespace) -> None:
    """Print one line a night."""
    yesterday_or_today: date = datetime.now(given.time_zone).date()
    first, last = range_of(parser, given, yesterday_or_today, back=30)
    with telling_failures(given.out):
        purchases = given.purchases
        shop = None if purchases is None else Shop(Place.of(purchases), given.time_zone)
        left_out = LeftOut()
        nights = standings(Lake(given.out), shop, first, last, left_out)
        if given.json:
            for night in nights:
                print(json.dumps(_told(night)))
        else:
            Console(soft_wrap=True, markup=False).print(_table(nights, first, last))
        if left_out.rows:
            print(f"checkout-age-batch: {left_out.told()}", file=sys.stderr)


def _told(night: NightStanding) -> dict[str, object]:
    return {
        "purchase_date": night.day.isoformat(),
        "standing": str(night.standing),
        "purchases": night.purchases,
        "rows": night.rows,
        "not_scored": night.not_scored,
        "rows_by_status": dict(sorted(night.rows_by_status.items())),
        "model_versions": list(night.models),
        "failed_runs": night.failed_runs,
        "last_error": night.last_error,
    }


def _table(nights: list[NightStanding], first: date, last: date) -> Table:
    table = Table(title=f"Nights from {first} to {last}", title_justify="left")
    for name in ("night", "stands"):
        table.add_column(name, no_wrap=True)
    for name in ("purchases", "rows", "not scored", "failed runs"):
        table.add_column(name, justify="right", no_wrap=name in ("purchases", "rows"))
    table.add_column("model", overflow="fold")
    failed = any(night.last_error for night in nights)
    if failed:
        table.add_column("last error", overflow="fold")
    for night in nights:
        table.add_row(
            night.day.isoformat(),
            str(night.standing),
            "" if night.purchases is None else str(night.purchases),
            str(night.rows),
            str(night.not_scored),
            str(night.failed_runs),
            ", ".join(night.models),
            *((night.last_error or "",) if failed else ()),
        )
    return table
