"""checkout-age-batch sql: DuckDB views over the lake, printed or asked."""

from argparse import Namespace
from typing import Any
from zoneinfo import ZoneInfo

from checkout_age.batch.commands.arguments import zone

EXAMPLES = """\
without a query the views are printed, to be read by any DuckDB:
  checkout-age-batch sql --lake lake/ | duckdb -init /dev/stdin
  checkout-age-batch sql --lake lake/ "FROM coverage WHERE status <> 'scored'"
"""


def add(commands: Any) -> None:
    """Add the verb to the parser's commands."""
    parser = commands.add_parser(
        "sql", help="DuckDB views purchases_by_age, lift, coverage: print or ask", epilog=EXAMPLES
    )
    parser.add_argument("query", nargs="?", help="SQL to run over the views")
    parser.add_argument("--lake", required=True, help="what `run` was given as --out")
    parser.add_argument("--baskets", metavar="LINES", help="as in `report`")
    parser.add_argument("--time-zone", type=zone, default=ZoneInfo("UTC"), help="of hours (UTC)")
    parser.add_argument("--csv", action="store_true", help="print the answer as CSV")
    parser.set_defaults(carry_out=carry_out)


def carry_out(given: Namespace) -> None:
    """Print the views, or what they answer."""
    from checkout_age.batch.commands.asking import telling_what_is_wrong
    from checkout_age.batch.report.local_copy import local_copy
    from checkout_age.batch.report.views import views

    with telling_what_is_wrong("standard output"):
        if given.query is None:
            print(views(given.lake, given.baskets, given.time_zone))
            return
        with local_copy(given.lake, given.baskets) as (lake, baskets):
            text = views(lake, baskets, given.time_zone)
            print(_answer(text, given.query, csv=given.csv))


def _answer(text: str, query: str, *, csv: bool) -> str:
    import duckdb

    from checkout_age.batch.report.asked import ReportError

    with duckdb.connect() as connection:
        try:
            connection.execute(text)
            answer = connection.sql(query)
            if answer is None:
                return ""
            if csv:
                return str(answer.df().to_csv(index=False)).rstrip()
            return str(answer)
        except duckdb.IOException as error:
            raise ReportError(f"the lake or the baskets cannot be read: {error}") from error
        except duckdb.Error as error:
            raise ReportError(f"the query cannot be answered: {error}") from error
