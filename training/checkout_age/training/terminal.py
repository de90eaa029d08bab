"""Tables as the terminal shows them."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from checkout_age.server.bundle import Metric
from checkout_age.training.evaluation.metric_table import metric_table


def print_metrics(metrics: Iterable[Metric], title: str | None = None) -> None:
    """A line for each figure, with its interval."""
    figures = metric_table(metrics)
    table = new_table(*figures.columns)
    table.title = title
    table.columns[1].justify = "left"
    for row in figures.itertuples(index=False, name=None):
        table.add_row(*row)
    Console(soft_wrap=True).print(table)


def new_table(first: str, *numbers: str) -> Table:
    """An empty table: a column of words, and others of numbers."""
    table = Table(title_justify="left")
    table.add_column(first)
    for column in numbers:
        table.add_column(column, justify="right")
    return table
