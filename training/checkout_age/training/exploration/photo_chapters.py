"""Chapters about photos: files, sizes, colours, copies, and what alignment does to them."""

from dataclasses import replace

import numpy as np
import pandas as pd

from checkout_age.server.shopper import ShopperFinder
from checkout_age.training.exploration.account import Account
from checkout_age.training.exploration.age_counts import age_groups
from checkout_age.training.exploration.alignment import align
from checkout_age.training.exploration.duplicates import counts_by_spread, groups_of_copies
from checkout_age.training.exploration.exploration import Exploration
from checkout_age.training.exploration.exploration_figures import (
    alignment_figure,
    sizes_figure,
    spreads_figure,
)
from checkout_age.training.exploration.mosaic import in_rows, mosaic

NAMED = 5
"""So many files are named as examples."""
SHOWN, COLUMNS = 36, 9
WORST, COPIES = 8, 9
"""Groups of copies that are shown, and photos of each."""
ALIGNED = 200
"""Photos of the sample that faces are looked for in."""
PAIRS = 16
SIZES = 10


def files_chapter(account: Account, given: Exploration) -> None:
    """Photos that are missing or cannot be read."""
    account.heading("Files")
    faulty = given.table[given.table["fault"] != ""]
    if faulty.empty:
        account.say(f"All {len(given.table)} photos are there and can be read.")
        return
    rows = [
        (fault, len(those), ", ".join(those["photo"].head(NAMED)), those["detail"].iloc[0])
        for fault, those in faulty.groupby("fault")
    ]
    account.say(
        f"{len(faulty)} of {len(given.table)} photos are missing or cannot be read; "
        "training refuses them until they are mended or their labels are taken out."
    )
    counts = pd.DataFrame(rows, columns=["fault", "photos", "for example", "the first"])
    account.table("faults", counts, "Photos that cannot be used")
    account.keep("faulty_photos", faulty[["photo", "fault", "detail"]])


def photos_chapter(account: Account, given: Exploration) -> None:
    """Some photos with their ages, the youngest first."""
    some = given.some(SHOWN)
    if some.empty:
        return
    account.heading("Photos")
    account.say(f"The page shows {len(some)} photos from the youngest to the oldest.")
    account.picture(mosaic(in_rows(given.with_ages(some), COLUMNS)), "Photos with their ages.")


def sizes_chapter(account: Account, given: Exploration) -> None:
    """How large the photos are, in pixels."""
    readable = given.readable
    if readable.empty:
        return
    account.heading("Sizes")
    grouped = readable.groupby(["width", "height"]).size().sort_values(ascending=False)
    sizes = grouped.rename("photos").reset_index()
    sizes["share"] = sizes["photos"] / len(readable)
    if len(sizes) == 1:
        width, height = sizes["width"].iloc[0], sizes["height"].iloc[0]
        account.say(f"All photos are {width} x {height} pixels.")
        account.keep("sizes", sizes)
        return
    account.table("sizes", sizes.head(SIZES), f"The most common of {len(sizes)} sizes, in pixels")
    statistics = readable[["width", "height"]].describe().T.reset_index(names="pixels")
    account.table("size_statistics", statistics, "Width and height in pixels")
    account.figure(sizes_figure(readable["width"], readable["height"]), "Sizes of all photos.")


def colours_chapter(account: Account, given: Exploration) -> None:
    """How many photos are grey, in each age group."""
    readable = given.readable
    if readable.empty:
        return
    account.heading("Colour")
    labels = age_groups(readable["real_age"])
    grouped = readable.groupby(labels, observed=True)["grey"]
    counts = pd.DataFrame(
        {"photos": grouped.size(), "greyscale": grouped.sum(), "share greyscale": grouped.mean()}
    )
    grey = int(readable["grey"].sum())
    account.say(
        f"Greyscale photos: {grey}, {grey / len(readable):.1%}; in colour: {len(readable) - grey}."
    )
    account.table("colours", counts.reset_index(names="age group"), "Greyscale photos by age group")
    shares = counts["share greyscale"]
    if grey and shares.max() > 2 * grey / len(readable):
        account.say(
            f"Greyscale is most common at {shares.idxmax()}, {shares.max():.1%}: unless training "
            "varies colour, a network may take it for a sign of age."
        )


def copies_chapter(account: Account, given: Exploration) -> None:
    """Near-duplicates: how many, how far their labels disagree, and whether splits part them."""
    account.heading("Near-duplicates")
    how = "found by difference hash" if given.groups_were_found else "as the folder names them"
    groups = groups_of_copies(given.table)
    if groups.empty:
        account.say(f"No photo has a near-duplicate, {how}.")
        return
    account.say(
        f"Photos in groups of near-duplicates: {groups['photos'].sum()} in {len(groups)} groups, "
        f"{how}. The labels of a group lie {groups['spread'].mean():.1f} years apart on average, "
        f"{groups['spread'].max():g} at most; {(groups['spread'] > 0).mean():.0%} of the groups "
        "disagree."
    )
    conflict = given.table["age_conflict"]
    if conflict.any():
        account.say(
            f"age_conflict is above 0 for {(conflict > 0).sum()} photos, {conflict.max():g} years "
            "at most; it may count copies that are not in this folder."
        )
    by_spread = counts_by_spread(groups)
    account.table("near_duplicates", by_spread, "Groups by the years between their labels")
    account.figure(spreads_figure(by_spread), "The numbers are in near_duplicates.csv.")
    account.table("groups", groups, "Groups of near-duplicates", aside=True)
    _show_groups(account, given, groups, "A row for each group whose labels lie farthest apart")
    _tell_crossings(account, given, groups, "groups")
    if not given.groups_were_found:
        table = given.table.assign(photo_group=given.table["hash_group"])
        anew, found = replace(given, table=table), groups_of_copies(table)
        _tell_crossings(account, anew, found, "groups found anew by difference hash")


def alignment_chapter(account: Account, given: Exploration, finder: ShopperFinder) -> None:
    """What finding and aligning faces does to a sample of photos."""
    some = given.some(ALIGNED)
    if some.empty:
        return
    account.heading("Alignment")
    alignment = align(given.photos(some), finder, account.console)
    found = len(alignment.found)
    account.say(f"A face was found in {found} of {alignment.looked_at} photos of all ages.")
    if not found:
        return
    table = alignment.table()
    account.table("alignment", table, "Where the eyes are, % of the side from the top left")
    before, after = _widest(table, "photos, sd"), _widest(table, "chips, sd")
    account.say(
        f"The eyes stray by up to {before:.1f} % of the side in the photos (standard deviation) "
        f"and by {after:.1f} % in the chips that are cut from them."
    )
    account.figure(alignment_figure(alignment), "Means of the same faces; the dots are their eyes.")
    shown = np.linspace(0, found - 1, min(PAIRS, found)).round().astype(np.int64)
    pairs = [
        (np.hstack([each.square, each.chip]), f"{some['real_age'].iloc[each.row]:g}")
        for each in (alignment.found[number] for number in shown)
    ]
    account.picture(
        mosaic(in_rows(pairs, PAIRS // 4), 2 * finder.chip_side, finder.chip_side),
        "Photos, each beside its chip, with ages.",
    )


def _tell_crossings(account: Account, given: Exploration, groups: pd.DataFrame, what: str) -> None:
    crossing = groups[groups["splits"] > 1]
    if crossing.empty:
        account.say(f"Of {len(groups)} {what} none crosses splits.")
        return
    account.say(
        f"Of {len(groups)} {what} {len(crossing)} cross splits, with {crossing['photos'].sum()} "
        "photos: where these are copies, errors on held-out photos come out too low."
    )
    _show_groups(account, given, crossing, "A row for each of the groups that cross splits")


def _show_groups(account: Account, given: Exploration, groups: pd.DataFrame, caption: str) -> None:
    """The photos of the first groups side by side; groups may hold photos that are but alike."""
    readable = given.readable
    members = [
        readable[readable["photo_group"] == group].head(COPIES)
        for group in groups["photo_group"].head(WORST)
    ]
    rows = [given.with_ages(each) for each in members if len(each)]
    if rows:
        account.picture(mosaic(rows), f"{caption}, with ages; some may hold photos but alike.")


def _widest(table: pd.DataFrame, column: str) -> float:
    return float(table.loc[table["measure"].str.contains("eye, "), column].max())
