"""Chapters about labels: the table, its ages, its splits, and who is in it."""

import pandas as pd

from checkout_age.server.age import OLDEST
from checkout_age.training.dataset.faces import AUDITED, audit
from checkout_age.training.exploration.account import Account
from checkout_age.training.exploration.age_counts import (
    ROUNDED,
    SPIKE,
    SPIKE_SHARE,
    THIN,
    WHIPPLE,
    age_groups,
    counts_by_digit,
    counts_by_group,
    counts_by_year,
    ranges,
    whipple_index,
)
from checkout_age.training.exploration.exploration import Exploration
from checkout_age.training.exploration.exploration_figures import (
    ages_figure,
    apparent_figure,
    groups_figure,
)

DESCRIBED = ("real_age", "apparent_age", "apparent_age_std", "num_ratings", "age_conflict")


def labels_chapter(account: Account, given: Exploration) -> None:
    """The head of the table, its columns and its statistics."""
    labels = given.labels
    account.heading("Labels")
    account.say(f"{len(labels)} photos are labelled, in {given.layout} layout.")
    for remark in given.remarks:
        account.say(remark)
    account.table("head", labels.drop(columns="photo").head(), "The first rows")
    columns = pd.DataFrame(
        {
            "column": labels.columns,
            "type": [str(kind) for kind in labels.dtypes],
            "not empty": labels.notna().sum().to_numpy(),
            "different": labels.nunique().to_numpy(),
        }
    )
    account.table("columns", columns, "Columns")
    described = labels[[name for name in DESCRIBED if name in labels]].describe()
    account.table("statistics", described.T.reset_index(names="years"), "Statistics")


def ages_chapter(account: Account, given: Exploration) -> None:
    """How many photos each year of age has, and which years have none."""
    account.heading("Ages")
    by_year = counts_by_year(given.ages)
    account.figure(ages_figure(by_year), "Photos by year of age; the numbers are in ages.csv.")
    account.table("ages", by_year, "Photos by year of age", aside=True)
    by_group = counts_by_group(given.ages)
    account.table("age_groups", by_group, "Photos by age group")
    thin = by_group.loc[by_group["thin"], "age group"]
    if len(thin):
        account.say(f"Thin, with less than {THIN:.0%} of the photos: {', '.join(thin)}.")
    empty = ranges(by_year.loc[by_year["photos"] == 0, "age"].tolist())
    account.say(f"Years without any photo: {empty}." if empty else "Every year has photos.")


def suspicions_chapter(account: Account, given: Exploration) -> None:
    """Years that hold more photos than their neighbours, and ages that look rounded."""
    account.heading("Suspicious ages")
    for count, where in (
        (int((given.ages > OLDEST).sum()), f"above {OLDEST}, which training takes for {OLDEST}"),
        (int((given.ages < 0).sum()), "below 0, which training refuses"),
    ):
        if count:
            account.say(f"Photos labelled {where}: {count}.")
    by_year = counts_by_year(given.ages)
    spikes = by_year[by_year["spike"]]
    for row in spikes.to_dict("records"):
        times = f"{row['times']:.1f} times as many as its neighbours" if row["neighbours"] else ""
        account.say(
            f"Age {row['age']} holds {row['share']:.1%} of all photos, "
            f"{times or 'and its neighbours none'}: an artefact of labelling?"
        )
    if spikes.empty:
        account.say(
            f"No year has more than {SPIKE:g} times its neighbours' photos "
            f"and {SPIKE_SHARE:.0%} of all."
        )
    index = whipple_index(given.ages)
    if pd.isna(index):
        return
    verdict = "ages look rounded" if index >= ROUNDED else "ages do not look rounded"
    account.say(
        f"Whipple's index over {WHIPPLE[0]} to {WHIPPLE[1]} years is {index:.0f} "
        f"(100: none are rounded to 0 and 5; 500: all are): {verdict}."
    )
    digits = counts_by_digit(given.ages)
    account.table("last_digits", digits, f"Last digits of {WHIPPLE[0]} to {WHIPPLE[1]} years")


def splits_chapter(account: Account, given: Exploration) -> None:
    """How many photos of each age group each split has."""
    account.heading("Splits")
    if given.split_was_drawn:
        account.say(
            "The folder names no split; this is the one that training would draw, with "
            "near-duplicates kept on one side."
        )
    table = given.table[given.table["split"].notna()]
    if table.empty:
        account.say("No photo can be read, so none is in a split.")
        return
    labels = age_groups(table["real_age"]).rename("age group")
    counts = pd.crosstab(labels, table["split"], dropna=False)
    order: list[str] = sorted((str(split) for split in counts), key=_place)
    counts = counts[order]
    shares = counts / counts.sum()
    told = pd.concat([counts, shares.add_prefix("share of ")], axis=1)
    account.table("splits", told.reset_index(), "Photos by age group and split")
    sizes = [f"{counts[split].sum()} {split}" for split in counts]
    account.say(f"Together: {', '.join(sizes)}.")
    account.figure(groups_figure(shares), "The share of each age group; numbers in splits.csv.")


def audit_chapter(account: Account, given: Exploration) -> None:
    """How many photos there are of whom, where the folder says."""
    words = audit(given.table)
    for column in map(str, words):
        account.heading(column.capitalize())
        values = words[column].fillna("not said").rename(column)
        grouped = given.table["real_age"].groupby(values)
        counts = pd.DataFrame({"photos": grouped.size(), "mean age": grouped.mean()})
        counts.insert(1, "share", counts["photos"] / len(given.table))
        order = [
            value for value in (*AUDITED[column].values(), "not said") if value in counts.index
        ]
        account.table(column, counts.loc[order].reset_index(), f"Photos by {column}")
    if len(words.columns):
        account.say("These columns are for telling errors apart, never for training on.")


def apparent_chapter(account: Account, given: Exploration) -> None:
    """How far the ages that people guessed lie from the real ones, where the folder says."""
    if "apparent_age" not in given.labels:
        return
    account.heading("Real and apparent ages")
    table = given.table[given.table["apparent_age"].notna()]
    gap = table["apparent_age"] - table["real_age"]
    account.say(
        f"People guess {abs(gap.mean()):.2f} years too {'old' if gap.mean() > 0 else 'young'} on "
        f"average and miss the real age by {gap.abs().mean():.2f}: about what photos can tell."
    )
    labels = age_groups(table["real_age"])
    counts = pd.DataFrame(
        {
            "photos": gap.groupby(labels, observed=True).size(),
            "too old by, years": gap.groupby(labels, observed=True).mean(),
            "apart by, years": gap.abs().groupby(labels, observed=True).mean(),
        }
    )
    account.table(
        "apparent_ages",
        counts.reset_index(names="age group"),
        "Apparent ages by the real age's group",
    )
    account.figure(
        apparent_figure(table["real_age"], table["apparent_age"]), "Apparent over real ages."
    )


def _place(split: str) -> tuple[int, str]:
    known = ("train", "valid", "test")
    return (known.index(split) if split in known else len(known), split)
