"""checkout-age-batch: score one night, or every night."""

import logging
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from datetime import date, time
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rich.console import Console

from checkout_age.batch.connection import NoServerError
from checkout_age.batch.lake import Lake
from checkout_age.batch.night import Sources, run_night
from checkout_age.batch.photos import PhotoRootError
from checkout_age.batch.purchases import PurchasesError
from checkout_age.batch.schedule import run_schedule
from checkout_age.batch.scoring import ServerGoneError
from checkout_age.batch.summary import print_summary, shown

BAD_INPUT, NO_SERVER, NOT_WRITTEN, INTERRUPTED = 1, 3, 4, 130
EXITS = """\
exit status: 0 done; 1 the purchases or photos cannot be used; 2 wrong arguments;
3 no server answered to the end; 4 the rows could not be written;
130 interrupted. After 3, 4 and 130 the same command can be run again: nothing was half written.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that the arguments name; see EXITS for the status."""
    given = _parser().parse_args(arguments)
    sources = Sources(
        given.purchases, given.photos, given.out, given.time_zone, given.server, given.model
    )
    if given.command == "schedule":
        logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
        run_schedule(given.at, sources)
    else:
        _run(given, sources)


def _run(given: Namespace, sources: Sources) -> None:
    try:
        run = run_night(given.date, sources)
    except (PurchasesError, PhotoRootError) as error:
        _fail(BAD_INPUT, error)
    except (NoServerError, ServerGoneError) as error:
        _fail(NO_SERVER, error)
    except OSError as error:
        _fail(NOT_WRITTEN, f"the night could not be written to {shown(sources.out)}: {error}")
    except KeyboardInterrupt:
        _fail(INTERRUPTED, "interrupted; nothing was written, the night can be run again")
    print_summary(run, Lake(sources.out), Console(soft_wrap=True, markup=False))


def _fail(status: int, error: object) -> None:
    print(f"checkout-age-batch: {error}", file=sys.stderr)
    sys.exit(status)


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="checkout-age-batch",
        description="Score the photos of a day and keep one row for each purchase.",
        epilog=EXITS,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="score one day", epilog=EXITS)
    run.add_argument("--date", type=_date, required=True, help="the day, as 2026-11-21")
    schedule = commands.add_parser("schedule", help="score the day before, every night")
    schedule.add_argument(
        "--at", type=_time, default=time(2, 30), help="hour of the shop's clock (02:30)"
    )
    for command in (run, schedule):
        command.add_argument(
            "--purchases",
            type=Path,
            required=True,
            help="Parquet or .csv with purchase_id, store_id, purchased_at, photo",
        )
        command.add_argument(
            "--photos", type=Path, required=True, help="folder that the photo column starts from"
        )
        command.add_argument("--out", type=Path, required=True, help="folder of the lake")
        command.add_argument(
            "--time-zone",
            type=_zone,
            default=ZoneInfo("UTC"),
            help="the shop's, as Europe/Berlin (UTC)",
        )
        command.add_argument(
            "--server", help="HOST:PORT of a running server (one is started for the run)"
        )
        command.add_argument(
            "--model", type=Path, help="model to start a server with (its shipped one)"
        )
    return parser


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no day; write it as 2026-11-21") from None


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no hour; write it as 02:30") from None


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError):
        raise ArgumentTypeError(f"{text!r} is no time zone; write it as Europe/Berlin") from None


if __name__ == "__main__":
    main()
