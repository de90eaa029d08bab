"""Options that several verbs share, and what their values mean."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from datetime import date, time
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from checkout_age.batch.night import Sources


def add_sources(parser: ArgumentParser) -> None:
    """Where nights are read from, scored and written to."""
    parser.add_argument(
        "--purchases",
        type=Path,
        required=True,
        help="Parquet or .csv with purchase_id, store_id, purchased_at, photo",
    )
    parser.add_argument(
        "--photos", type=Path, required=True, help="folder that the photo column starts from"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the lake")
    parser.add_argument(
        "--time-zone",
        type=zone,
        default=ZoneInfo("UTC"),
        help="the shop's, as Europe/Berlin (UTC)",
    )
    parser.add_argument(
        "--server", help="HOST:PORT of a running server (one is started for the run)"
    )
    parser.add_argument("--model", type=Path, help="model to start a server with (its shipped one)")


def sources_of(given: Namespace) -> Sources:
    """What those options say."""
    return Sources(
        given.purchases, given.photos, given.out, given.time_zone, given.server, given.model
    )


def day(text: str) -> date:
    """A day as 2026-11-21."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no day; write it as 2026-11-21") from None


def hour(text: str) -> time:
    """A time of day as 02:30."""
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no hour; write it as 02:30") from None


def zone(text: str) -> ZoneInfo:
    """A time zone as Europe/Berlin."""
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError):
        raise ArgumentTypeError(f"{text!r} is no time zone; write it as Europe/Berlin") from None
