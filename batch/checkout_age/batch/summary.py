"""What a person sees after a night: groups, troubles, where the rows are, how to ask them."""

import os
import shlex
import sys
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

from checkout_age.batch.lake import TABLE, Lake
from checkout_age.batch.night import NightRun
from checkout_age.batch.outcome import Status

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


def print_summary(run: NightRun, lake: Lake, console: Console) -> None:
    """Tell what a run did and what its night holds."""
    if not run.purchases:
        console.print(f"No purchases on {run.day}: nothing to score, nothing written.")
        return
    if run.already_scored:
        console.print(f"The night of {run.day} was already scored; nothing was done.")
    if run.repeated:
        console.print(f"{run.repeated} rows repeat a purchase_id and were left out.")
    rows = lake.read(run.day).to_pandas()
    console.print(_groups(rows))
    console.print(_statuses(rows))
    console.print(f"{len(rows)} rows, one for each purchase: {shown(lake.night(run.day))}")
    for title, query in (("DuckDB", DUCKDB_QUERY), ("pandas", PANDAS_QUERY)):
        console.print(f"\nAsk with {title}, ready to paste:\n", highlight=False)
        console.out(command(query, lake, run), highlight=False)


def command(query: str, lake: Lake, run: NightRun) -> str:
    """A query as a shell command that runs in the folder where this one ran."""
    code = query.format(table=shown(lake.folder / TABLE), day=run.day)
    return f"{shlex.quote(shown(Path(sys.executable)))} - <<'END'\n{code}END"


def shown(path: Path) -> str:
    """The path as short as it can be said from the working folder."""
    absolute = Path(os.path.abspath(path))
    here = Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(absolute)


def _groups(rows: pd.DataFrame) -> Table:
    scored = rows[rows["status"] == Status.SCORED]
    counts = {
        entry["age_group"]: int((scored["age_group"] == entry["age_group"]).sum())
        for entry in (scored["age_group_probabilities"].iloc[0] if len(scored) else [])
    }
    table = Table(title=f"Purchases by age group, {len(scored)} scored", title_justify="left")
    table.add_column("age group")
    table.add_column("purchases", justify="right")
    table.add_column("share", justify="right")
    for group, count in counts.items():
        table.add_row(group, str(count), f"{count / len(scored):.1%}")
    return table


def _statuses(rows: pd.DataFrame) -> Table:
    troubled = rows[rows["status"] != Status.SCORED]
    table = Table(title=f"Not scored: {len(troubled)}", title_justify="left")
    table.add_column("status")
    table.add_column("purchases", justify="right")
    table.add_column("for example")
    for status, members in troubled.groupby("status"):
        table.add_row(str(status), str(len(members)), str(members["reason"].iloc[0]))
    return table
