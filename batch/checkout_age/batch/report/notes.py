"""The notes of a report: what a reader must know of the nights and the baskets it was made of."""

from datetime import timedelta

import duckdb
import pandas as pd

from checkout_age.batch.age_groups import AgeGroups
from checkout_age.batch.report.asked import Asked
from checkout_age.batch.report.nights import Repeated, night_files

NAMED = 7
"""Days and ids that a note names, at most."""


def absent_nights(asked: Asked) -> list[str]:
    """A note where days of the range have no night in the lake."""
    days = [asked.first + timedelta(n) for n in range((asked.last - asked.first).days + 1)]
    absent = [str(day) for day in days if not night_files(asked.lake, day, day)]
    if not absent:
        return []
    return [
        f"{len(absent)} of {len(days)} days have no night in the lake: {_named(absent)}. Either "
        "nothing was sold or the day was not scored; `checkout-age-batch status` tells which."
    ]


def repeated_ids(repeated: Repeated, *, baskets: bool) -> list[str]:
    """A note where a purchase_id stands in several nights."""
    if not repeated.ids:
        return []
    left_out = " They are left out of revenue, items and lifts." if baskets else ""
    return [
        f"{repeated.rows:,} purchases have one of {repeated.ids:,} ids that several nights of the "
        "lake have, so that a basket cannot be told to be of one of them."
        f"{left_out} Give each purchase an id that no other day has, such as one with the date in "
        "it; of a purchase that was moved to another day both rows are counted."
    ]


def matched(asked: Asked, baskets: pd.DataFrame, notes: list[str]) -> bool:
    """Whether there are baskets to tell products by; notes where there are not or few are."""
    if asked.baskets is None:
        notes.append(
            "No basket lines were given (--baskets), so there is no revenue, no items, no lift."
        )
        return False
    found = baskets.iloc[0]
    if not found["matched"]:
        notes.append(
            f"None of the {found['baskets']:,} baskets belongs to a purchase of this range: the "
            "ids in the column purchase_id do not match those of the nights. Shares of purchases "
            "are told all the same."
        )
        return False
    if found["matched"] < found["purchases"]:
        notes.append(
            f"{found['purchases'] - found['matched']:,} of {found['purchases']:,} purchases have "
            "no basket lines of their own; they count among purchases, not in revenue, items and "
            "lifts."
        )
    return bool(found["matched_and_scored"])


def drift_caveats(connection: duckdb.DuckDBPyConnection, groups: AgeGroups) -> list[str]:
    """Why ages of the weeks before are not, or not quite, what this range can be held against."""
    before = _answers(connection, "before WHERE status = 'scored'", "age_group")
    if not before <= set(groups.labels):
        return [
            "The weeks before were scored in other age groups "
            f"({_named(sorted(before - set(groups.labels)))}), so the age mix cannot be held "
            "against them; `regroup` draws them anew."
        ]
    now, then = (
        _answers(connection, source, "model")
        for source in ("purchase WHERE kind IS NOT NULL", "before WHERE status = 'scored'")
    )
    if then and now != then:
        return [
            f"Other models scored the weeks before ({_named(sorted(then))} against "
            f"{_named(sorted(now))}): a change of the plain age mix may be theirs and not the "
            "shoppers'. `rescore` has one model score all."
        ]
    return []


def _answers(connection: duckdb.DuckDBPyConnection, source: str, column: str) -> set[str]:
    rows = connection.execute(f"SELECT DISTINCT {column} FROM {source}").fetchall()
    return {str(value) for (value,) in rows}


def _named(some: list[str]) -> str:
    more = len(some) - NAMED
    return ", ".join(some[:NAMED]) + (f" and {more} more" if more > 0 else "")
