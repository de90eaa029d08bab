"""The page's sections on what each group buys and what to offer it."""

from functools import partial

from checkout_age.batch.report import figures
from checkout_age.batch.report.parts import (
    Section,
    decimal,
    number,
    table_part,
    with_figure,
    with_spans,
    word,
)
from checkout_age.batch.report.report import Report


def offers_section(report: Report) -> Section:
    """What to offer each group."""
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
        with_spans(offers, decimal),
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


def lifts_section(report: Report) -> Section:
    """What each group buys, as a map and a table."""
    lifts = report.tables["lift"]
    parts = []
    for level in ("product", "category"):
        told = lifts[lifts["level"] == level]
        most = told.groupby(level)["purchases"].first().nlargest(figures.MOST_PRODUCTS).index
        shown = told[told[level].isin(most)]
        shown = shown.assign(product=shown[level])
        part = table_part(
            with_spans(told.sort_values(["purchases", level], ascending=[False, True]), decimal),
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
                "over that of everybody's; 1 is like everybody. Bold is more beyond chance, "
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
