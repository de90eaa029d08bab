"""Options that several verbs share, and what their values mean."""

import logging
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from datetime import date, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from checkout_age.batch.age_groups import AgeGroups
from checkout_age.batch.alarm import Alarm
from checkout_age.batch.progress import LOGGED_EVERY
from checkout_age.batch.scoring import Patience
from checkout_age.batch.sources import READERS, Scorer, Sources
from checkout_age.client.access import Access, AccessError, access_of, add_access

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def add_lake(parser: ArgumentParser) -> None:
    """Where the lake is."""
    parser.add_argument("--out", required=True, help="folder of the lake, or its URI")


def add_inputs(parser: ArgumentParser) -> None:
    """Where purchases are read from, and the shop's clock."""
    parser.add_argument(
        "--purchases",
        required=True,
        help="Parquet or .csv with purchase_id, store_id, purchased_at, photo: a file, a folder "
        "of them (hive-partitioned or not), or a URI such as s3://bucket/purchases/",
    )
    parser.add_argument(
        "--time-zone",
        type=zone,
        default=ZoneInfo("UTC"),
        help="the shop's, as Europe/Berlin (UTC)",
    )


def add_photos(parser: ArgumentParser) -> None:
    """Where photos are."""
    parser.add_argument(
        "--photos", required=True, help="folder or URI that the photo column starts from"
    )


def add_scorer(parser: ArgumentParser) -> None:
    """Who scores, and how long to wait for them."""
    usual = Patience()
    parser.add_argument(
        "--server", help="HOST:PORT of a running server (one is started for the run)"
    )
    parser.add_argument("--model", type=Path, help="model to start a server with (its shipped one)")
    parser.add_argument(
        "--deadline",
        type=seconds,
        default=usual.deadline,
        help="time for one photo's answer, as 30s; those before it not counted (30s)",
    )
    parser.add_argument(
        "--patience",
        type=seconds,
        default=usual.away,
        help="time that a server may stay away before the run ends, as 5m (5m)",
    )
    parser.add_argument(
        "--readers", type=int, default=READERS, help="threads that read photos (%(default)s)"
    )
    add_access(parser)


def add_watch(parser: ArgumentParser) -> None:
    """What is seen of a run, and who is told of its failure."""
    parser.add_argument(
        "--log-every",
        type=seconds,
        default=LOGGED_EVERY,
        help="time between two lines of progress where there is no terminal (30s)",
    )
    parser.add_argument(
        "--on-failure-command",
        metavar="COMMAND",
        help="run by the shell after a failure, which it finds as JSON on its standard input",
    )
    parser.add_argument(
        "--on-failure-url", metavar="URL", help="posted the same JSON after a failure"
    )


def add_retention(parser: ArgumentParser) -> None:
    """Whether photos that have served are removed."""
    parser.add_argument(
        "--delete-photos-after",
        type=age,
        metavar="AGE",
        help="remove photos of scored rows that long after their day, as 7d (never)",
    )
    parser.add_argument(
        "--delete-photos-dry-run",
        action="store_true",
        help="only count the photos that would be removed",
    )


def add_range(parser: ArgumentParser, *, required: bool) -> None:
    """The first and the last day."""
    parser.add_argument(
        "--from", dest="first", type=day, required=required, help="the first day, as 2026-11-01"
    )
    parser.add_argument("--to", dest="last", type=day, help="the last day (the first, or today)")


def range_of(parser: ArgumentParser, given: Namespace, today: date, back: int) -> tuple[date, date]:
    """What those options say; without a first day, that many days back."""
    first = given.first or (given.last or today) - timedelta(days=back)
    last = given.last or (today if given.first is None else first)
    if last < first:
        parser.error(f"--to {last} lies before --from {first}")
    return first, last


def add_sources(parser: ArgumentParser) -> None:
    """All that scoring a night needs."""
    add_inputs(parser)
    add_photos(parser)
    add_lake(parser)
    add_scorer(parser)
    add_watch(parser)


def sources_of(parser: ArgumentParser, given: Namespace) -> Sources:
    """What those options say; a wrong value ends the process with status 2."""
    return Sources(
        given.purchases, given.photos, given.out, given.time_zone, scorer_of(parser, given)
    )


def scorer_of(parser: ArgumentParser, given: Namespace) -> Scorer:
    """Who scores, as those options say; a wrong value ends the process with status 2."""
    try:
        access = access_of(given)
        if access != Access() and given.server is None:
            raise ValueError("access to a server needs --server; one of our own needs none")
        patience = Patience(given.deadline, given.patience)
        return Scorer(given.server, given.model, access, patience, given.readers)
    except (AccessError, ValueError) as error:
        parser.error(str(error))


def alarm_of(parser: ArgumentParser, given: Namespace) -> Alarm:
    """Who is told of a failure; a wrong value ends the process with status 2."""
    try:
        return Alarm(given.verb, given.on_failure_command, given.on_failure_url)
    except ValueError as error:
        parser.error(str(error))


def log_lines() -> None:
    """Have what is logged be read on standard error."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)


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


def seconds(text: str) -> float:
    """A length of time as 7d, 12h, 30m, 90s or 90, in seconds."""
    try:
        unit = UNITS[text[-1]] if text[-1:] in UNITS else 1
        length = float(text.rstrip("".join(UNITS))) * unit
    except (ValueError, IndexError):
        length = -1.0
    if not length >= 0:
        raise ArgumentTypeError(f"{text!r} is no length of time; write it as 7d, 12h, 30m or 90s")
    return length


def age(text: str) -> timedelta:
    """A length of time as `seconds` reads it."""
    return timedelta(seconds=seconds(text))


def age_groups(text: str) -> AgeGroups:
    """Youngest ages of groups, as 0,18,65."""
    try:
        return AgeGroups.of(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
