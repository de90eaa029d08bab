"""The page's sections on coverage, drift and models."""

from checkout_age.batch.report import figures
from checkout_age.batch.report.coverage import MOVED
from checkout_age.batch.report.parts import (
    Section,
    number,
    percent,
    table_part,
    with_figure,
    word,
)
from checkout_age.batch.report.report import Report


def coverage_section(report: Report) -> Section:
    """What was scored and what not."""
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


def drift_section(report: Report) -> Section:
    """What changed against the weeks before."""
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
    texts += report.drift_caveats
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


def models_section(report: Report) -> Section:
    """Which models scored the range."""
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
