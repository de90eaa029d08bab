"""A table of figures, beside what they are held to.

    python -m tests.bench.table FILE

prints all that a file holds. So does `make bench` in the end, whose parts add theirs to one file.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TypeAlias

from rich.console import Console
from rich.table import Table

from tests.bench.goals import goal_of
from tests.bench.timing import processor

WIDTH = 120
"""Of the table, at least, where it is written to a file."""
Column: TypeAlias = Callable[[Sequence[float]], float]
"""What it tells of a figure's values."""
OF_ROUNDS: dict[str, Column] = {"median": median, "least": min, "greatest": max}


def print_table(
    title: str, columns: Mapping[str, Column], figures: Mapping[str, Sequence[float]]
) -> None:
    """A row for each figure; its goal is for what the first column tells.

    A figure without values has a dash for each.
    """
    table = Table(title=title, title_justify="left")
    table.add_column("figure", min_width=max(map(len, figures), default=0))
    for heading in columns:
        table.add_column(heading, justify="right")
    table.add_column("goal")
    for name, values in figures.items():
        told = [of(values) for of in columns.values()] if values else []
        shown = [f"{value:.3f}" for value in told] or ["-"] * len(columns)
        table.add_row(name, *shown, goal_of(name, told[0]) if told else "")
    console = Console(soft_wrap=True)
    console.width = max(console.width, WIDTH)
    console.print(table)


def main() -> None:
    """Print what the file that is named holds."""
    held: dict[str, float | None] = json.loads(Path(sys.argv[1]).read_text())
    figures = {name: [] if value is None else [value] for name, value in held.items()}
    print_table(processor(), {"value": max}, figures)


if __name__ == "__main__":
    main()
