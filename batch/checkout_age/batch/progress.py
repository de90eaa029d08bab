"""A progress bar on a terminal; elsewhere nothing, so that logs stay readable."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class WaitingBar:
    """Photos done out of all, and what is going on."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=total)

    def say(self, text: str) -> None:
        """Name what is going on."""
        self._progress.update(self._task, description=text)

    def advance_to(self, done: int) -> None:
        """Show how many photos are done."""
        self._progress.update(self._task, completed=done)


@contextmanager
def waiting_bar(total: int) -> Iterator[WaitingBar]:
    """Show the bar on standard error while the block runs."""
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as progress:
        yield WaitingBar(progress, total)
