"""What all outputs of successive nights say of the counts behind them.

Unknown are counts of purchases by day and told group, and by hour and store or by what is in the
basket. What the tables say of them is linear in them, so that linear programming tells the least
and the most that a suppressed count can be. Left out is what is not linear in counts: corrected
shares, their intervals and the values of lifts, which are smooth functions of all of a cell's
answers in steps of the threshold, and money, whose steps are no finer than the largest purchase.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array, vstack

from tests.lakes import FIRST, LABELS

NIGHTS = 30
THRESHOLD = 10
STORES, HOURS = ("north", "south"), (9, 12, 17)
BOUGHT = (("milk", "dairy"), ("tea", "drinks"))
"""Products and their categories; a basket is numbered by which it holds, one bit each."""
ITEMS = np.array([0, 1, 1, 2])
"""Items of each basket."""

Places: TypeAlias = NDArray[np.int64]
Weights: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Published:
    """Thirty reports, each from the first day to one day more."""

    lake: Path
    reports: list[Path]
    ids: list[str]

    def tables(self, name: str) -> Iterator[tuple[date, pd.DataFrame]]:
        """A table of every report, and the report's last day."""
        for number, report in enumerate(self.reports):
            table = pq.read_table(report / f"{name}.parquet").to_pandas()
            yield FIRST + timedelta(days=number), table


class Target(NamedTuple):
    """A suppressed count."""

    by: str
    days: tuple[int, ...]
    chosen: dict[str, object]
    group: str


@dataclass
class Knowledge:
    """A polyhedron that the unknown counts lie in."""

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
        """Take in that a weighted sum of atoms lies between two numbers."""
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


def learn_counts(knowledge: Knowledge, published: Published) -> list[Target]:
    """What the shares of purchases say; the groups that they suppress."""
    targets = []
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
                by = next(iter(chosen), "day" if len(days) == 1 else "whole range")
                targets.append(Target(by, tuple(days), chosen, str(row.age_group)))
    return targets


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
