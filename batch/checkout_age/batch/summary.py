"""What a person sees after a night: groups, troubles, where the rows are, how to ask them."""

import os
import shlex
import sys
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.table import Table

from checkout_age.batch.lake import TABLE, Lake
from checkout_age.batch.night import NOTHING_TO_DO
from checkout_age.batch.outcome import Status
from checkout_age.batch.place import Place
from checkout_age.batch.run_record import RunRecord

DUCKDB_QUERY = """\
import duckdb
duckdb.sql('''
    SELECT age_group, count(*) AS purchases, round(avg(age), 1) AS mean_age
    FROM read_parquet('{table}/*/*.parquet', hive_partitioning = true, union_by_name = true)
    WHERE purchase_date = '{day}' AND status = 'scored'
    GROUP BY age_group ORDER BY min(age)
''').show()
"""

PANDAS_QUERY = """\
import pandas as pd
night = pd.read_parquet('{table}', filters=[('purchase_date', '=', '{day}')])
print(night.groupby(['store_id', 'status']).size().unstack(fill_value=0))
"""


def print_summary(run: RunRecord, lake: Lake, console: Console) -> None:
    """Tell what a run did and what its night holds."""
    if not run.purchases and not run.rows_kept:
        console.print(f"No purchases on {run.day}: nothing to score, nothing written.")
        return
    if run.result == NOTHING_TO_DO:
        console.print(f"The night of {run.day} was already scored; nothing was done.")
    if run.repeated_rows:
        some = ", ".join(run.repeated_ids)
        console.print(
            f"{run.repeated_rows} rows repeat a purchase_id and were left out, those of {some}"
        )
    if run.rows_resumed:
        console.print(f"{run.rows_resumed} rows had been scored by a run that broke off.")
    if run.rows_carried:
        console.print(
            f"{run.rows_carried} rows keep the age of a photo that is gone; "
            "their store or time was corrected."
        )
    night = _Night(lake, run)
    console.print(night.groups())
    console.print(night.statuses())
    console.print(f"{night.rows} rows, one for each purchase: {shown(lake.night(run.day))}")
    for title, query in (("DuckDB", DUCKDB_QUERY), ("pandas", PANDAS_QUERY)):
        console.print(f"\nAsk with {title}, ready to paste:\n", highlight=False)
        console.out(command(query, lake, run), highlight=False)


def command(query: str, lake: Lake, run: RunRecord) -> str:
    """A query as a shell command that runs in the folder where this one ran."""
    code = query.format(table=shown(lake.folder / TABLE), day=run.day)
    return f"{shlex.quote(shown(Path(sys.executable)))} - <<'END'\n{code}END"


def shown(place: Place | Path) -> str:
    """The path as short as it can be said from the working folder; elsewhere the URI."""
    if isinstance(place, Place):
        if place.local is None:
            return place.shown
        place = place.local
    absolute = Path(os.path.abspath(place))
    here = Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(absolute)


class _Night:
    """Counts of a night's rows, read in pieces."""

    def __init__(self, lake: Lake, run: RunRecord) -> None:
        self.rows = 0
        self._labels = lake.age_groups(run.day)
        self._statuses: Counter[str] = Counter()
        self._examples: dict[str, str] = {}
        self._groups: Counter[str] = Counter()
        for rows in lake.groups(run.day, ["status", "reason", "age_group"]):
            self.rows += len(rows)
            self._groups.update(_counted(rows["age_group"]))
            self._statuses.update(_counted(rows["status"]))
            for status in self._statuses.keys() - self._examples.keys():
                of_status = pc.equal(rows["status"], status)
                self._examples[status] = rows["reason"].filter(of_status)[0].as_py()

    def groups(self) -> Table:
        """How many purchases each age group made, youngest first."""
        scored = self._statuses[Status.SCORED]
        table = Table(title=f"Purchases by age group, {scored} scored", title_justify="left")
        table.add_column("age group")
        table.add_column("purchases", justify="right")
        table.add_column("share", justify="right")
        for group in self._labels:
            table.add_row(group, str(self._groups[group]), f"{self._groups[group] / scored:.1%}")
        return table

    def statuses(self) -> Table:
        """How many were not scored for which reason, with one for example."""
        not_scored = self.rows - self._statuses[Status.SCORED]
        table = Table(title=f"Not scored: {not_scored}", title_justify="left")
        table.add_column("status")
        table.add_column("purchases", justify="right")
        table.add_column("for example")
        for status, count in sorted(self._statuses.items()):
            if status != Status.SCORED:
                table.add_row(status, str(count), self._examples[status])
        return table


def _counted(values: pa.ChunkedArray) -> dict[str, int]:
    entries = pc.value_counts(values.drop_null()).to_pylist()
    return {entry["values"]: entry["counts"] for entry in entries}
