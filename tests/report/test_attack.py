"""An attack with all outputs of thirty successive nights at hand; knowledge.py has its means."""

import shutil
from datetime import timedelta

import numpy as np
import pyarrow.parquet as pq
import pytest

from checkout_age.batch.report import quantification
from checkout_age.batch.report.asked import Asked
from checkout_age.batch.report.report import make_report
from checkout_age.batch.report.writing import write_report, write_tables
from tests.lakes import FIRST, LABELS, made_up_photos, write_lake
from tests.report.knowledge import (
    BOUGHT,
    HOURS,
    NIGHTS,
    STORES,
    THRESHOLD,
    Knowledge,
    Published,
    Target,
    learn_counts,
    learn_items,
    learn_lifts,
)

PURCHASES = 90
MIX = np.array([2, 4, 10, 25, 22, 17, 10, 10]) / 100
TARGETS = 4
"""Suppressed counts of each kind that are attacked, spread over the nights."""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Every night a report from the first day on, as a month that fills up."""
    lake = tmp_path_factory.mktemp("lake")
    generator = np.random.default_rng(0)
    nights = [generator.choice(8, PURCHASES, p=MIX) for _ in range(NIGHTS)]
    ids = write_lake(lake, made_up_photos(600, 1), made_up_photos(800, 2), nights)
    lines = [
        f"{purchase},{name},{kind},1,{generator.gamma(2, 2):.2f}\n"
        for purchase in ids
        for (name, kind), share in zip(BOUGHT, (0.6, 0.2), strict=True)
        if generator.random() < share
    ]
    baskets = lake / "baskets.csv"
    baskets.write_text("purchase_id,product,category,quantity,amount\n" + "".join(lines))
    reports = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            quantification, "DRAWS", 8
        )  # what is rounded does not matter, that it is does
        for number in range(NIGHTS):
            asked = Asked(lake, FIRST, FIRST + timedelta(days=number), str(baskets))
            reports.append(lake / f"report-{number}")
            reports[-1].mkdir()
            write_tables(make_report(asked), reports[-1])
        shutil.rmtree(reports[-1])
        write_report(make_report(asked), reports[-1])
    return Published(lake, reports, ids)


def test_no_table_of_any_night_lacks_just_one_group_so_that_none_is_what_is_missing(
    published: Published,
) -> None:
    for name, cell in (
        ("shares", ["by", "value", "measure"]),
        ("lift", ["level", "product", "category"]),
    ):
        for day, table in published.tables(name):
            missing = table.groupby(cell)["suppressed"].sum()
            assert not (missing == 1).any(), f"{name} of {day}: {missing[missing == 1]}"
    for _, mix in published.tables("age_drift"):
        assert mix["now"].isna().sum() != 1


def test_suppressed_rows_tell_nothing_and_others_only_in_steps_of_the_threshold(
    published: Published,
) -> None:
    told = 0
    for _, shares in published.tables("shares"):
        hidden = shares[shares["suppressed"]]
        figures = ["plain_purchases", "plain_share", "share", "low", "high"]
        assert hidden[figures].isna().all(axis=None)
        shown = shares[~shares["suppressed"]]
        steps = shown[["plain_share", "share"]].div(shown["step"], axis=0)
        inner = steps[(shown["share"] > 0) & (shown["share"] < 1)]
        assert np.allclose(inner, inner.round(), atol=1e-6)
        told += len(shown)
    for _, lifts in published.tables("lift"):
        assert (
            lifts.loc[lifts["suppressed"], ["lift", "low", "high", "support"]].isna().all(axis=None)
        )
        assert (lifts.loc[~lifts["suppressed"], "support"] % THRESHOLD == 0).all()
        assert (lifts["purchases"] % THRESHOLD == 0).all()
    for _, offers in published.tables("recommendations"):
        assert (offers["support"] % THRESHOLD == 0).all()
        assert (offers["support"] >= THRESHOLD).all()
    assert told > 1000


def test_differences_of_counts_within_and_across_nights_are_never_a_few_people(
    published: Published,
) -> None:
    counts = [
        shares.loc[~shares["suppressed"] & shares["plain_purchases"].notna(), "plain_purchases"]
        for _, shares in published.tables("shares")
    ]
    together = np.unique(np.concatenate(counts))
    assert len(together) > 20
    gaps = np.abs(together[:, None] - together)
    assert set(np.unique(gaps % THRESHOLD)) == {0.0}


def test_no_output_names_a_purchase_a_photo_or_a_person(published: Published) -> None:
    page = (published.reports[-1] / "index.html").read_text()
    assert not any(purchase in page for purchase in published.ids)
    for report in published.reports:
        for file in report.glob("*.parquet"):
            table = pq.read_table(file)
            assert "purchase_id" not in table.column_names
            for column in table.columns:
                values = {str(value) for value in column.to_pylist()}
                assert values.isdisjoint(published.ids)


def assert_nothing_comes_out(knowledge: Knowledge, targets: list[Target], kinds: set[str]) -> None:
    assert {target.by for target in targets} >= kinds
    for kind in sorted(kinds):
        of_kind = [target for target in targets if target.by == kind]
        assert len(of_kind) >= TARGETS
        for target in of_kind[:: max(len(of_kind) // TARGETS, 1)][:TARGETS]:
            group = LABELS.index(target.group)
            low, high = knowledge.bounds(knowledge.atoms(group, target.days, **target.chosen))
            assert high - low >= 5, f"{target} lies in {low} to {high}"


def test_with_thirty_nights_of_counts_by_day_hour_weekday_and_store_no_suppressed_cell_comes_out(
    published: Published,
) -> None:
    knowledge = Knowledge(HOURS, STORES)
    targets = learn_counts(knowledge, published)
    assert_nothing_comes_out(knowledge, targets, {"day", "hour", "weekday", "store"})


def test_with_thirty_nights_of_counts_items_and_lifts_no_suppressed_cell_comes_out(
    published: Published,
) -> None:
    knowledge = Knowledge(baskets=4)
    targets = learn_counts(knowledge, published)
    assert learn_items(knowledge, published) > 100
    assert learn_lifts(knowledge, published) > 100
    assert_nothing_comes_out(knowledge, targets, {"day", "weekday"})
