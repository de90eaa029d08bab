"""The page's sections on shares by age group."""

import pandas as pd

from checkout_age.batch.report import figures
from checkout_age.batch.report.cells import DIMENSIONS, MEASURES, WHOLE
from checkout_age.batch.report.parts import (
    Part,
    Section,
    percent,
    shares_rows,
    table_part,
    with_figure,
    with_spans,
    word,
)
from checkout_age.batch.report.report import Report

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def shares_section(report: Report) -> Section:
    """The shares of each measure in the whole range."""
    shares = report.tables["shares"]
    parts = [
        _whole(shares[(shares["by"] == WHOLE) & (shares["measure"] == measure)], measure, report)
        for measure in MEASURES
        if (shares["measure"] == measure).any()
    ]
    return Section(
        "shares",
        "Shares by age group",
        [
            "The plain count adds up the likeliest group of each purchase and is pulled towards "
            "what the model saw in training; the corrected share is what to go by. A dot stands "
            "for what is not told, since too few people are behind it."
        ],
        parts,
    )


def _whole(told: pd.DataFrame, measure: str, report: Report) -> Part:
    part = table_part(
        told.pipe(with_spans),
        f"Shares of {measure} by age group",
        {
            "age_group": ("age group", word),
            "plain_share": ("plain count", percent),
            "share": ("corrected", percent),
            "span": ("95 % interval", word),
        },
    )
    if measure != MEASURES[0]:
        return part
    return with_figure(
        part,
        f"Shares of {measure} by age group",
        "A bar for each corrected share with its 95 % interval; the mark is the plain count. The "
        "table below has the figures.",
        lambda width: figures.shares_by_group(told, report.groups, width),
    )


def over_time_section(report: Report) -> Section:
    """The shares by day, hour, weekday and store."""
    shares, groups = report.tables["shares"], report.groups
    parts = []
    for by in DIMENSIONS:
        for measure in MEASURES:
            told = shares[(shares["by"] == by) & (shares["measure"] == measure)]
            if by == "weekday":
                told = told.assign(value=told["value"].map(lambda n: WEEKDAYS[int(n) - 1]))
            if len(told):
                parts.append(_side_by_side(told, groups, by, measure))
    return Section(
        "over-time",
        "By day, hour, weekday and store",
        [
            "Each figure is a corrected share with its interval; a plain one where nothing could "
            "be corrected."
        ],
        parts,
    )


def _side_by_side(told: pd.DataFrame, groups: tuple[str, ...], by: str, measure: str) -> Part:
    part = table_part(
        pd.DataFrame(shares_rows(told, groups)),
        f"Shares of {measure} by {by}",
        {
            "value": (by, word),
            "purchases": ("scored purchases", word),
            **{group: (group, word) for group in groups},
        },
        folded=f"Table: shares of {measure} by {by}",
    )
    if (by, measure) != ("day", "purchases"):
        return part
    return with_figure(
        part,
        "Shares of purchases over time",
        "A chart for each age group: the corrected share of each day in its 95 % band, the plain "
        "count dotted. The table below has the figures.",
        lambda width: figures.shares_over_time(told, groups, width),
    )
