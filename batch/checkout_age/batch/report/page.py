"""The page: the report's tables and figures as one HTML file that needs no network."""

from collections.abc import Callable, Iterator
from functools import partial
from importlib.resources import files
from typing import Any

import pandas as pd
from jinja2 import Environment, StrictUndefined

from checkout_age.batch.report import figures
from checkout_age.batch.report.cells import DIMENSIONS, MEASURES, WHOLE
from checkout_age.batch.report.coverage import MOVED
from checkout_age.batch.report.parts import (
    HIDDEN,
    Part,
    Section,
    decimal,
    number,
    percent,
    shares_rows,
    table_part,
    with_figure,
    word,
)
from checkout_age.batch.report.report import Report

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
METHOD = (
    "Corrected shares are not counts of guesses: what the model told is divided by how it errs. "
    "The shares at which its probabilities agree with themselves are found by EM (SLD; Saerens, "
    "Latinne and Decaestecker 2002); the probabilities at these shares are then adjusted by what "
    "was told of labelled photos of each true age (probabilistic adjusted counts; Bella et al. "
    "2010), whose answers are stored in the model's bundle. The 95 % interval holds the chance of "
    "these photos and of so many purchases under a flat prior (Ziegler and Czyz 2024). It does "
    "not hold what the labelled photos cannot show: that tills differ from them."
)
PRIVACY = (
    "Groups of fewer than {threshold} purchases are suppressed ({hidden}), and a second one with "
    "a group that would stand alone. Counts are rounded to multiples of {threshold}, up or down "
    "by a chance that hangs on the purchases counted, so that they are right on average, the same "
    "in every report, and no difference of two of them tells of fewer. Shares come in steps of as "
    "many purchases."
)


def render(report: Report) -> str:
    """The page as HTML."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = files("checkout_age.batch.report").joinpath("page.html").read_text("utf-8")
    asked = report.asked
    days = str(asked.first) if asked.first == asked.last else f"{asked.first} to {asked.last}"
    return environment.from_string(template).render(
        title=f"What each age group buys, {days}",
        subtitle="Of all purchases whose photo could be scored. Days and hours are told by the "
        f"clock of {asked.zone.key}.",
        notes=report.notes,
        facts=_facts(report),
        sections=list(_sections(report)) if report.purchases else [],
    )


def _facts(report: Report) -> list[tuple[str, str]]:
    coverage = report.scored / report.purchases if report.purchases else None
    return [
        ("purchases", number(report.purchases)),
        ("scored", number(report.scored)),
        ("coverage", percent(coverage)),
    ]


def _sections(report: Report) -> Iterator[Section]:
    if report.groups and len(report.tables["shares"]):
        yield _shares(report)
        yield _over_time(report)
    if len(report.tables["lift"]):
        yield _offers(report)
        yield _lifts(report)
    yield _coverage(report)
    yield _drift(report)
    yield _models(report)
    texts = [METHOD] if report.groups else []
    yield Section(
        "method",
        "How this was made",
        [*texts, PRIVACY.format(threshold=report.asked.threshold, hidden=HIDDEN)],
    )


def _shares(report: Report) -> Section:
    shares = report.tables["shares"]
    parts = [
        table_part(
            shares[(shares["by"] == WHOLE) & (shares["measure"] == measure)].pipe(_spans),
            f"Shares of {measure} by age group",
            {
                "age_group": ("age group", word),
                "plain_share": ("plain count", percent),
                "share": ("corrected", percent),
                "span": ("95 % interval", word),
            },
        )
        for measure in MEASURES
        if (shares["measure"] == measure).any()
    ]
    return Section(
        "shares",
        "Shares by age group",
        [
            "The plain count adds up the likeliest group of each purchase and is pulled towards "
            "what the model saw in training; the corrected share is what to go by."
        ],
        parts,
    )


def _over_time(report: Report) -> Section:
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


def _offers(report: Report) -> Section:
    offers = report.tables["recommendations"]
    texts = [
        "Products that a group buys more often than everybody does, beyond chance: of all that "
        "are listed, at most one in twenty is expected to be noise (Benjamini and Hochberg "
        "1995). Surest first. The same table lies beside this page for a CRM or a till."
    ]
    if offers.empty:
        return Section(
            "offers",
            "What to offer each group",
            [*texts, "Nothing stands out from chance in this range."],
        )
    part = table_part(
        _spans(offers, decimal),
        "Recommendations",
        {
            "age_group": ("age group", word),
            "rank": ("rank", number),
            "product": ("product", word),
            "category": ("category", word),
            "lift": ("lift", decimal),
            "span": ("95 % interval", word),
            "support": ("purchases of the group", number),
        },
    )
    return Section("offers", "What to offer each group", texts, [part])


def _lifts(report: Report) -> Section:
    lifts = report.tables["lift"]
    parts = []
    for level in ("product", "category"):
        told = lifts[lifts["level"] == level]
        most = told.groupby(level)["purchases"].first().nlargest(figures.MOST_PRODUCTS).index
        shown = told[told[level].isin(most)]
        shown = shown.assign(product=shown[level])
        part = table_part(
            _spans(told.sort_values(["purchases", level], ascending=[False, True]), decimal),
            f"Lift by {level} and age group",
            {
                level: (level, word),
                "age_group": ("age group", word),
                "purchases": ("purchases", number),
                "lift": ("lift", decimal),
                "span": ("95 % interval", word),
                "support": ("of the group", number),
            },
            words=2,
            folded=f"Table: lift by {level} and age group",
        )
        parts.append(
            with_figure(
                part,
                f"Lift by {level} and age group",
                f"The {len(most)} most bought, by share of the group's purchases that hold them "
                "over that of everybody's; 1 is like everybody. Bold stands out from chance, "
                "empty is suppressed. The table below has the figures.",
                partial(figures.lift_map, shown, report.groups),
            )
        )
    return Section(
        "lift",
        "What each group buys",
        [
            "Lift is a product's share within the group's purchases over its share of all "
            "purchases, corrected for the model's error."
        ],
        parts,
    )


def _coverage(report: Report) -> Section:
    coverage = report.tables["coverage"]
    whole = coverage[coverage["store"].isna() & coverage["hour"].isna()]
    stores = coverage[coverage["store"].notna() & coverage["hour"].isna()]
    hours = coverage[coverage["store"].isna() & coverage["hour"].notna()]
    both = coverage[coverage["store"].notna() & coverage["hour"].notna()]
    columns = {
        "status": ("status", word),
        "purchases": ("purchases", number),
        "share": ("share", percent),
    }
    by_store = {"store": ("store", word)}
    by_hour = {"hour": ("hour", number)}
    lines = both.pivot_table(
        index=["store", "hour"], columns="status", values="share", aggfunc="sum", fill_value=0.0
    )
    scored = lines.reindex(columns=["scored"], fill_value=0.0)["scored"]
    drawn_of = scored.rename("share").reset_index()
    busiest = both.groupby("store")["purchases"].sum().nlargest(len(figures.COLOURS)).index
    drawn_of = drawn_of[drawn_of["store"].isin(busiest)]
    detail = table_part(
        both,
        "Coverage by store and hour",
        {**by_store, **by_hour, **columns},
        words=1,
        folded="Table: coverage by store and hour",
    )
    return Section(
        "coverage",
        "Coverage",
        [
            "Purchases that could not be scored are missing from the shares above. If one group is "
            "missed more often than others, shares cannot show it."
        ],
        [
            table_part(whole, "All purchases by status", columns),
            with_figure(
                detail,
                "Coverage by hour",
                "The share of purchases scored in each hour, a line for each of the busiest "
                "stores. The table below has the figures and the reasons.",
                lambda width: figures.coverage_by_hour(drawn_of, width),
            ),
            table_part(
                stores,
                "Coverage by store",
                {**by_store, **columns},
                folded="Table: coverage by store",
            ),
            table_part(
                hours,
                "Coverage by hour of all stores",
                {**by_hour, **columns},
                folded="Table: coverage by hour of all stores",
            ),
        ],
    )


def _drift(report: Report) -> Section:
    photos, ages = report.tables["photo_drift"], report.tables["age_drift"]
    weeks = f"the {report.asked.weeks_before} weeks before"
    if photos.empty:
        return Section(
            "drift",
            "Against the weeks before",
            [f"There are no nights of {weeks} in the lake to hold this range against."],
        )
    texts = [
        f"This range against {weeks}. Signs of worse photos are marked where the interval of "
        "the change leaves 0 out."
    ]
    index = report.stability
    if index is not None:
        verdict = "a real shift" if index >= MOVED else "no shift to speak of"
        texts.append(
            f"The age mix has a population stability index of {index:.3f}: {verdict} "
            f"({MOVED} and up is read as one)."
        )
    span = photos.assign(
        span=[
            f"{low:+.2%} to {high:+.2%}"
            for low, high in zip(photos["low"], photos["high"], strict=True)
        ],
        mark=photos["changed"].map({True: "changed", False: ""}),
    )
    parts = [
        table_part(
            span,
            "Photo quality",
            {
                "sign": ("sign", word),
                "before": ("before", percent),
                "now": ("now", percent),
                "span": ("change, 95 % interval", word),
                "mark": ("note", word),
            },
        ),
    ]
    if len(ages):
        parts.append(
            table_part(
                ages,
                "Age mix, plain counts",
                {
                    "age_group": ("age group", word),
                    "before": ("before", percent),
                    "now": ("now", percent),
                    "change": ("change", percent),
                },
            )
        )
    return Section("drift", "Against the weeks before", texts, parts)


def _models(report: Report) -> Section:
    models = report.tables["models"]
    if models.empty:
        return Section("models", "Models", ["No model has scored a purchase of this range."])
    comparable = bool(models["corrected"].all())
    said = (
        "One model scored this range."
        if len(models) == 1
        else f"{len(models)} models scored this range; their corrected shares are comparable."
        if comparable
        else f"{len(models)} models scored this range; not all state their error, so nights of "
        "different models are not comparable."
    )
    told = models.assign(states=models["corrected"].map({True: "yes", False: "no"}))
    part = table_part(
        told,
        "Model versions",
        {
            "model": ("version", word),
            "name": ("name", word),
            "first": ("first day", word),
            "last": ("last day", word),
            "purchases": ("scored", number),
            "states": ("states its error", word),
        },
        words=4,
    )
    return Section("models", "Models", [said], [part])


def _spans(table: pd.DataFrame, write: Callable[[Any], str] = percent) -> pd.DataFrame:
    """The table with its interval in words, in the column `span`."""
    return table.assign(
        span=[
            HIDDEN if pd.isna(low) else f"{write(low)} to {write(high)}"
            for low, high in zip(table["low"], table["high"], strict=True)
        ]
    )
