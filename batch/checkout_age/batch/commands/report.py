"""checkout-age-batch report: shares, lifts and coverage of a range of nights."""

from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from checkout_age.batch.commands.arguments import day, zone
from checkout_age.batch.summary import shown

STATUSES = """\
exit status: 0 done; 1 the lake or the baskets cannot be used; 2 wrong arguments;
4 the report could not be written, an older one stays.
"""


def add(commands: Any) -> None:
    """Add the verb to the parser's commands."""
    parser = commands.add_parser(
        "report", help="shares by age group, what each buys, coverage: a page", epilog=STATUSES
    )
    parser.add_argument("--lake", required=True, help="what `run` was given as --out")
    parser.add_argument(
        "--baskets",
        metavar="LINES",
        help="Parquet, a folder of it, or .csv with purchase_id, product, category, quantity, "
        "amount (none: no revenue, items and lifts)",
    )
    parser.add_argument(
        "--from", dest="first", type=day, required=True, metavar="DAY", help="as 2026-11-01"
    )
    parser.add_argument("--to", dest="last", type=day, required=True, metavar="DAY")
    parser.add_argument("--out", type=Path, required=True, help="folder of the report")
    parser.add_argument(
        "--time-zone", type=zone, default=ZoneInfo("UTC"), help="whose hours are told (UTC)"
    )
    parser.add_argument(
        "--threshold",
        type=int,
        default=10,
        help="groups of fewer purchases are suppressed (%(default)s)",
    )
    parser.add_argument(
        "--weeks-before", type=int, default=4, help="what drift is held against (%(default)s)"
    )
    parser.add_argument(
        "--memory", default="1GB", help="what DuckDB may hold before it spills (%(default)s)"
    )
    parser.set_defaults(carry_out=carry_out)


def carry_out(given: Namespace) -> None:
    """Make the report and say where it is."""
    from checkout_age.batch.commands.asking import telling_what_is_wrong
    from checkout_age.batch.report.asked import Asked
    from checkout_age.batch.report.local_copy import local_copy
    from checkout_age.batch.report.report import make_report
    from checkout_age.batch.report.writing import write_report

    with telling_what_is_wrong(shown(given.out)):
        asked = Asked(
            lake=Path(given.lake),
            first=given.first,
            last=given.last,
            baskets=given.baskets,
            zone=given.time_zone,
            threshold=given.threshold,
            weeks_before=given.weeks_before,
            memory=given.memory,
        )
        with local_copy(given.lake, given.baskets, asked.days) as (lake, baskets):
            report = make_report(replace(asked, lake=lake, baskets=baskets))
        page = write_report(report, given.out)
    for note in report.notes:
        print(note)
    print(
        f"{report.scored:,} of {report.purchases:,} purchases scored; the report is {shown(page)}"
    )
