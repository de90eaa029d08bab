"""An account of what was found: on the terminal, on a page, and as CSV files."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from checkout_age.server.photo import Pixels
from checkout_age.training.report import Report


class Account:
    """Takes headings, sentences, tables and figures in the order in which they are told."""

    def __init__(self, title: str, folder: Path, console: Console) -> None:
        """The folder gets `index.html` and the tables; the console is printed to at once."""
        self.console = console
        self._folder = folder
        self._report = Report(title)
        folder.mkdir(parents=True, exist_ok=True)

    def heading(self, text: str) -> None:
        self.console.print(f"\n[bold]{escape(text)}[/bold]")
        self._report.heading(text)

    def say(self, sentence: str, *, aside: bool = False) -> None:
        """Tell a sentence; one told aside stands on the page alone."""
        if not aside:
            self.console.print(sentence, markup=False, highlight=False)
        self._report.text(sentence)

    def table(self, name: str, table: pd.DataFrame, caption: str, *, aside: bool = False) -> None:
        """Tell a table and keep it as `NAME.csv`; one told aside is long and is not printed.

        Columns whose name begins with `share` are shown in percent.
        """
        self.keep(name, table)
        words = _in_words(table)
        self._report.table(words, f"{caption} ({name}.csv)")
        if aside:
            return
        printed = Table(
            title=escape(caption), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
        )
        for column in words:
            number = pd.api.types.is_numeric_dtype(table[column])
            printed.add_column(
                escape(str(column)), overflow="fold", justify="right" if number else "left"
            )
        for row in words.itertuples(index=False, name=None):
            printed.add_row(*(escape(value) for value in row))
        self.console.print(printed)

    def keep(self, name: str, table: pd.DataFrame) -> None:
        """Keep a table as `NAME.csv` alone."""
        table.to_csv(self._folder / f"{name}.csv", index=False)

    def figure(self, figure: Figure, caption: str) -> None:
        """Put a drawing on the page."""
        self._report.figure(figure, caption)

    def picture(self, pixels: Pixels, caption: str) -> None:
        """Put an image on the page, shape (height, width, 3)."""
        self._report.picture(pixels, caption)

    def write(self) -> Path:
        """Write the page and return its path."""
        page = self._folder / "index.html"
        self._report.write(page)
        return page


def _in_words(table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            column: [_word(value, share=str(column).startswith("share")) for value in table[column]]
            for column in table
        }
    )


def _word(value: object, *, share: bool) -> str:
    if isinstance(value, float):
        if pd.isna(value):
            return ""
        return f"{value:.1%}" if share else f"{value:.2f}".rstrip("0").rstrip(".")
    if isinstance(value, bool):
        return "yes" if value else ""
    return str(value)
