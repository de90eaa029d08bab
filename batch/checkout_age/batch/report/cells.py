"""Cells: purchases, money and items by kind of answer, for each day, hour, weekday and store."""

from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from checkout_age.batch.age_groups import AgeGroups
from checkout_age.batch.report.nights import Kinds
from checkout_age.batch.report.quantification import Cells

WHOLE = "whole range"
MEASURES = ("purchases", "revenue", "items")
DIMENSIONS = {"day": "day", "hour": "hour", "weekday": "isodow(day)", "store": "store"}
"""What shares are told by, and how it is found in a purchase."""
SUMS = """
    count(*)::DOUBLE AS purchases, count(*)::DOUBLE AS purchases_squared, 1.0 AS purchases_largest,
    coalesce(sum(amount), 0) AS revenue, coalesce(sum(amount::DOUBLE ** 2), 0) AS revenue_squared,
    coalesce(max(abs(amount)), 0)::DOUBLE AS revenue_largest,
    coalesce(sum(items), 0) AS items, coalesce(sum(items::DOUBLE ** 2), 0) AS items_squared,
    coalesce(max(abs(items)), 0)::DOUBLE AS items_largest, sum(moment) AS moments"""


@dataclass(frozen=True)
class CellTable:
    """Cells with names, row by row, and what is in them."""

    names: pd.DataFrame
    """`by` and `value`, or whatever else names a cell."""
    sums: pd.DataFrame
    """A row for each cell, kind and told group: `cell`, `kind` and `group` as numbers, SUMS."""
    kinds: int
    groups: int

    def cells(self, measure: str) -> Cells:
        """The weights of one measure, for a quantifier."""
        weights = self._by_kind(measure)
        return Cells(weights, self._by_kind(f"{measure}_squared"))

    def by_group(self, measure: str) -> NDArray[np.float64]:
        """The plain sums of one measure by told group, shape (cells, groups)."""
        return self._spread_out(measure, "group", self.groups)

    def largest(self, measure: str) -> NDArray[np.float64]:
        """The largest single purchase of each cell, shape (cells,)."""
        found = self.sums.groupby("cell")[f"{measure}_largest"].max()
        return found.reindex(range(len(self.names)), fill_value=0.0).to_numpy(np.float64)

    def set_keys(self) -> list[list[str]]:
        """What names the purchases of each cell and group: their number and their moments."""
        keyed = [["0"] * self.groups for _ in range(len(self.names))]
        summed = self.sums.groupby(["cell", "group"])[["purchases", "moments"]].sum()
        for (cell, group), purchases, moments in summed.itertuples():
            keyed[cell][group] = f"{purchases:.0f} {moments}"
        return keyed

    def _by_kind(self, column: str) -> NDArray[np.float64]:
        return self._spread_out(column, "kind", self.kinds)

    def _spread_out(self, column: str, over: str, width: int) -> NDArray[np.float64]:
        table = np.zeros((len(self.names), width))
        places = (self.sums["cell"].to_numpy(), self.sums[over].to_numpy())
        np.add.at(table, places, self.sums[column].to_numpy(np.float64))
        return table


def share_cells(
    connection: duckdb.DuckDBPyConnection, groups: AgeGroups, kinds: Kinds
) -> CellTable:
    """The whole range, and each day, hour, weekday and store of it."""
    found = ", ".join(f"{how} AS by_{name}" for name, how in DIMENSIONS.items())
    sets = ", ".join(f"(by_{name}, model, kind, age_group)" for name in DIMENSIONS)
    name = " ".join(f"WHEN grouping(by_{name}) = 0 THEN '{name}'" for name in DIMENSIONS)
    value = ", ".join(f"by_{name}::VARCHAR" for name in DIMENSIONS)
    rows = connection.execute(f"""
        SELECT CASE {name} ELSE '{WHOLE}' END AS by, coalesce({value}, '') AS value,
            model, kind, age_group, {SUMS}
        FROM (SELECT *, {found} FROM purchase WHERE kind IS NOT NULL)
        GROUP BY GROUPING SETS ((model, kind, age_group), {sets})""").df()
    return cell_table(rows, ["by", "value"], groups, kinds)


def cell_table(rows: pd.DataFrame, naming: list[str], groups: AgeGroups, kinds: Kinds) -> CellTable:
    """The rows of a query, each cell and kind by its number; cells in order of their names."""
    order: Any = _sorting if naming == ["by", "value"] else None
    names = rows[naming].drop_duplicates().sort_values(naming, key=order, ignore_index=True)
    cell = rows.merge(names.reset_index(names="cell"), on=naming, how="left")["cell"]
    numbers = pd.DataFrame(
        {
            "model": [kinds.models[number] for number in kinds.numbers],
            "kind": kinds.codes,
            "number": range(len(kinds.codes)),
        }
    )
    number = rows[["model", "kind"]].merge(numbers, on=["model", "kind"], how="left")["number"]
    group = rows["age_group"].map({label: place for place, label in enumerate(groups.labels)})
    sums = rows.drop(columns=[*naming, "model", "kind", "age_group"]).assign(
        cell=cell.to_numpy(np.int64), kind=number.to_numpy(np.int64), group=group.to_numpy(np.int64)
    )
    return CellTable(names, sums, len(kinds.codes), len(groups.labels))


def _sorting(column: "pd.Series[str]") -> "pd.Series[Any]":
    """The whole first, then dimensions in their order; hours and weekdays by number."""
    if column.name == "by":
        return column.map({name: place for place, name in enumerate((WHOLE, *DIMENSIONS))})
    return column.map(lambda value: f"{int(value):04d}" if value.isdigit() else value)
