"""An attack with all outputs of thirty successive nights at hand.

Unknown are counts of purchases by day and told group, and by hour and store or by what is in the
basket. What the tables say of them is linear in them, so that linear programming tells the least
and the most that a suppressed count can be.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array, vstack

from checkout_age.batch.report import quantification
from checkout_age.batch.report.asked import Asked
from checkout_age.batch.report.report import make_report
from checkout_age.batch.report.writing import write_report, write_tables
from tests.lakes import FIRST, LABELS, made_up_photos, write_lake

NIGHTS = 30
PURCHASES = 90
THRESHOLD = 10
MIX = np.array([2, 4, 10, 25, 22, 17, 10, 10]) / 100
STORES, HOURS = ("north", "south"), (9, 12, 17)
TARGETS = 6
BOUGHT = (("milk", "dairy"), ("tea", "drinks"))
"""Products and their categories; a basket is numbered by which it holds, one bit each."""
ITEMS = np.array([0, 1, 1, 2])
"""Items of each basket."""

Places: TypeAlias = NDArray[np.int64]
Weights: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Published:
    lake: Path
    reports: list[Path]
    ids: list[str]

    def tables(self, name: str) -> Iterator[tuple[date, pd.DataFrame]]:
        for number, report in enumerate(self.reports):
            table = pq.read_table(report / f"{name}.parquet").to_pandas()
            yield FIRST + timedelta(days=number), table


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


@dataclass
class Knowledge:
    """What the outputs say of the unknown counts: a polyhedron."""

    hours: Sequence[int] = (0,)
    """Those that counts are told apart by; one: they are not."""
    stores: Sequence[str] = ("",)
    baskets: int = 1
    """4: baskets are told apart."""
    rows: list[Places] = field(default_factory=list)
    weights: list[Weights] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the unknown counts."""
        return NIGHTS, len(self.hours), len(self.stores), 8, self.baskets

    def learn(
        self, atoms: Places, low: float, high: float, *, weights: Weights | None = None
    ) -> None:
        self.rows.append(atoms)
        self.weights.append(np.ones(len(atoms)) if weights is None else weights)
        self.low.append(low)
        self.high.append(high)

    def bounds(self, target: Places) -> tuple[float, float]:
        """The least and the most that the target's atoms can sum to."""
        atoms = int(np.prod(self.shape))
        lengths = [len(row) for row in self.rows]
        matrix = csr_array(
            (
                np.concatenate(self.weights),
                (np.repeat(np.arange(len(self.rows)), lengths), np.concatenate(self.rows)),
            ),
            shape=(len(self.rows), atoms),
        )
        low, high = np.array(self.low), np.array(self.high)
        both: Any = vstack([matrix, -matrix]).tocsr()
        limits = np.concatenate([high, -low])
        both, limits = both[np.isfinite(limits)], limits[np.isfinite(limits)]
        wanted = np.zeros(atoms)
        wanted[target] = 1
        ends: list[Any] = [
            linprog(sign * wanted, A_ub=both, b_ub=limits, bounds=(0, None)) for sign in (1, -1)
        ]
        assert all(end.success for end in ends)
        return float(ends[0].fun), float(-ends[1].fun)

    def atoms(self, group: int | None, days: Sequence[int], **chosen: object) -> Places:
        """The numbers of the atoms of some days, a group (None: all) and what else is chosen."""
        groups = range(8) if group is None else [group]
        places: list[Sequence[int]] = [range(len(self.hours)), range(len(self.stores))]
        if "hour" in chosen:
            places[0] = [self.hours.index(int(str(chosen["hour"])))]
        if "store" in chosen:
            places[1] = [self.stores.index(str(chosen["store"]))]
        baskets: Sequence[int] = range(self.baskets)
        if "bought" in chosen:
            bit = next(bit for bit, names in enumerate(BOUGHT) if chosen["bought"] in names)
            baskets = [basket for basket in baskets if basket >> bit & 1]
        weekday = chosen.get("weekday")
        some = [
            day
            for day in days
            if weekday is None or (FIRST + timedelta(days=day)).isoweekday() == int(str(weekday))
        ]
        at = np.ix_(some, *places, groups, baskets)
        return np.arange(np.prod(self.shape)).reshape(self.shape)[at].ravel()

    def cells(
        self, published: Published, measure: str
    ) -> Iterator[tuple[Sequence[int], dict[str, object], pd.DataFrame]]:
        """Each cell of each night's shares: its days, what else names it, its rows."""
        for last, shares in published.tables("shares"):
            days = range((last - FIRST).days + 1)
            for (by, value), cell in shares[shares["measure"] == measure].groupby(["by", "value"]):
                if by == "whole range":
                    yield days, {}, cell
                elif by == "day":
                    day = (date.fromisoformat(str(value)) - FIRST).days
                    if day == days[-1]:  # days before were told by the reports of their nights
                        yield [day], {}, cell
                elif by == "weekday" or len(self.hours) > 1:
                    yield days, {str(by): value}, cell


def learn_counts(knowledge: Knowledge, published: Published) -> list[tuple[int, str]]:
    """What the shares of purchases say; the suppressed groups of single days."""
    targets = set()
    for days, chosen, cell in knowledge.cells(published, "purchases"):
        total = float(cell["purchases"].iloc[0])
        knowledge.learn(knowledge.atoms(None, days, **chosen), total, total)
        most = THRESHOLD - 1 if cell["suppressed"].sum() > 2 else total
        row: Any
        for row in cell.itertuples():
            atoms = knowledge.atoms(LABELS.index(row.age_group), days, **chosen)
            if not row.suppressed:
                count = float(row.plain_purchases)
                knowledge.learn(atoms, max(count - 9, THRESHOLD), count + 9)
            else:
                knowledge.learn(atoms, 0, most)
                if len(days) == 1 and not chosen:
                    targets.add((days[0], str(row.age_group)))
    return sorted(targets)


def learn_items(knowledge: Knowledge, published: Published) -> int:
    """What the shares of items say, each basket holding one of each product; how many figures."""
    told = 0
    for days, chosen, cell in knowledge.cells(published, "items"):
        together = knowledge.atoms(None, days, **chosen)
        items = ITEMS[together % 4]
        row: Any
        for row in cell[~cell["suppressed"]].itertuples():
            of_group = knowledge.atoms(LABELS.index(row.age_group), days, **chosen)
            group = np.isin(together, of_group)
            for sign, share in ((1, row.plain_share - row.step), (-1, row.plain_share + row.step)):
                # the group's items are at least, and at most, such a share of all
                knowledge.learn(together, 0, np.inf, weights=sign * items * (group - share))
            told += 1
    return told


def learn_lifts(knowledge: Knowledge, published: Published) -> int:
    """What the tables of lifts say of who bought what; how many figures."""
    told = 0
    for last, lifts in published.tables("lift"):
        days = range((last - FIRST).days + 1)
        for (level, product, category), cell in lifts.groupby(["level", "product", "category"]):
            bought = product if level == "product" else category
            total = float(cell["purchases"].iloc[0])
            everybody = knowledge.atoms(None, days, bought=bought)
            knowledge.learn(everybody, max(total - 9, 0), total + 9)
            row: Any
            for row in cell[~cell["suppressed"]].itertuples():
                atoms = knowledge.atoms(LABELS.index(row.age_group), days, bought=bought)
                knowledge.learn(atoms, THRESHOLD, total + 9)
                told += 1
    return told


def assert_nothing_comes_out(knowledge: Knowledge, targets: list[tuple[int, str]]) -> None:
    assert len(targets) > 60
    for day, group in targets[:: len(targets) // TARGETS]:
        low, high = knowledge.bounds(knowledge.atoms(LABELS.index(group), [day]))
        assert high - low >= 5, f"{group} on day {day} lies in {low} to {high}"


def test_with_thirty_nights_of_counts_by_day_hour_weekday_and_store_no_suppressed_cell_comes_out(
    published: Published,
) -> None:
    knowledge = Knowledge(HOURS, STORES)
    assert_nothing_comes_out(knowledge, learn_counts(knowledge, published))


def test_with_thirty_nights_of_counts_items_and_lifts_no_suppressed_cell_comes_out(
    published: Published,
) -> None:
    knowledge = Knowledge(baskets=4)
    targets = learn_counts(knowledge, published)
    assert learn_items(knowledge, published) > 100
    assert learn_lifts(knowledge, published) > 100
    assert_nothing_comes_out(knowledge, targets)
