"""The parts of the page: figures and tables in words and numbers that people read."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from checkout_age.batch.report import figures

MOST_ROWS = 400
"""Rows of a table in the page; the Parquet beside it has all."""
HIDDEN = "·"
"""What stands for a figure that is suppressed or not known."""


@dataclass(frozen=True)
class Part:
    """A table, and the figure of it where there is one."""

    caption: str
    names: list[str]
    rows: list[list[str]]
    words: int = 1
    """So many columns from the left are words, not numbers."""
    folded: str = ""
    """What is said in place of the table until it is opened; empty: it is open."""
    left_out: str = ""
    title: str = ""
    says: str = ""
    wide: Markup | None = None
    narrow: Markup | None = None


@dataclass(frozen=True)
class Section:
    """A heading and what follows it."""

    anchor: str
    title: str
    texts: list[str] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)


def table_part(
    table: pd.DataFrame,
    caption: str,
    formats: Mapping[str, tuple[str, Callable[[Any], str]]],
    *,
    words: int = 1,
    folded: str = "",
) -> Part:
    """A table with the columns of `formats`: their names in the page and how values are written."""
    shown = table.head(MOST_ROWS)
    rows = [
        [write(row[column]) for column, (_, write) in formats.items()]
        for row in shown.to_dict("records")
    ]
    left_out = len(table) - len(shown)
    return Part(
        caption,
        [name for name, _ in formats.values()],
        rows,
        words,
        folded,
        f"{left_out:,} more rows are in the Parquet table." if left_out else "",
    )


def with_figure(part: Part, title: str, says: str, draw: Callable[[float], Figure]) -> Part:
    """The same table with a figure before it, drawn for a wide page and for a phone."""
    wide, narrow = (
        Markup(_hidden_from_readers(figures.drawn(draw(width))))  # noqa: S704  # drawn here
        for width in (figures.WIDE, figures.NARROW)
    )
    return Part(
        part.caption,
        part.names,
        part.rows,
        part.words,
        part.folded,
        part.left_out,
        title,
        says,
        wide,
        narrow,
    )


def _hidden_from_readers(svg: str) -> str:
    """The drawing without a name of its own: its frame has one."""
    return svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)


def percent(value: Any) -> str:
    """A share as 12.3%."""
    return HIDDEN if pd.isna(value) else f"{float(str(value)):.1%}"


def interval(row_low: Any, row_high: Any) -> str:
    """Two shares as 10.1% to 14.4%."""
    return HIDDEN if pd.isna(row_low) else f"{percent(row_low)} to {percent(row_high)}"


def number(value: Any) -> str:
    """A count as 1,234."""
    return HIDDEN if pd.isna(value) else f"{float(str(value)):,.0f}"


def decimal(value: Any) -> str:
    """A lift as 1.23."""
    return HIDDEN if pd.isna(value) else f"{float(str(value)):.2f}"


def word(value: Any) -> str:
    """A name as it is."""
    return HIDDEN if value is None or pd.isna(value) else str(value)


def shares_rows(shares: pd.DataFrame, groups: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """A row for each cell, its groups side by side: the corrected share, else the plain one."""
    for (value, purchases), told in shares.groupby(["value", "purchases"], sort=False):
        by_group = told.set_index("age_group")
        row = {"value": str(value), "purchases": number(purchases)}
        for group in groups:
            each: Any = by_group.loc[group]
            best = each["plain_share"] if pd.isna(each["share"]) else each["share"]
            span = "" if pd.isna(each["low"]) else f" ({each['low']:.0%} to {each['high']:.0%})"
            row[group] = HIDDEN if each["suppressed"] else f"{best:.1%}{span}"
        yield row


def with_spans(table: pd.DataFrame, write: Callable[[Any], str] = percent) -> pd.DataFrame:
    """The table with its interval in words, in the column `span`."""
    return table.assign(
        span=[
            HIDDEN if pd.isna(low) else f"{write(low)} to {write(high)}"
            for low, high in zip(table["low"], table["high"], strict=True)
        ]
    )
