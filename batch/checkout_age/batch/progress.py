"""What is seen of a run: a bar with rate and time left on a terminal, elsewhere a line at times."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

logger = logging.getLogger(__name__)

SHOWN_EVERY = 0.2
"""Seconds between two looks of the bar."""
LOGGED_EVERY = 30.0


class Watch:
    """Counts the purchases that are done and shows it, not too often."""

    def __init__(self, show: Callable[[str, int, int, float], None], every: float) -> None:
        self._show = show
        self._every = every
        self._begun = self._shown = time.monotonic()
        self._total = self._done = self._before = 0
        self._doing = ""

    def say(self, text: str) -> None:
        """Name what is going on."""
        self._doing = text
        self._tell()

    def begin(self, total: int, done: int) -> None:
        """Say how many there are and how many need nothing more."""
        self._total, self._done, self._before = total, done, done
        self._begun = time.monotonic()

    def advance(self) -> None:
        """One more is done."""
        self._done += 1
        if time.monotonic() - self._shown >= self._every:
            self._tell()

    def _tell(self) -> None:
        self._shown = time.monotonic()
        rate = (self._done - self._before) / max(self._shown - self._begun, 1e-9)
        self._show(self._doing, self._done, self._total, rate)


@contextmanager
def watching(log_every: float = LOGGED_EVERY) -> Iterator[Watch]:
    """Show what goes on in the block on standard error."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Watch(_log, log_every)
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:.0f}/s"),
        TimeRemainingColumn(),
        console=console,
    ) as progress:
        yield Watch(_drawing_on(progress, progress.add_task("", total=None, rate=0.0)), SHOWN_EVERY)


def _drawing_on(progress: Progress, task: TaskID) -> Callable[[str, int, int, float], None]:
    def draw(doing: str, done: int, total: int, rate: float) -> None:
        progress.update(task, description=doing, completed=done, total=total or None, rate=rate)

    return draw


def _log(doing: str, done: int, total: int, rate: float) -> None:
    if not total:
        logger.info("%s", doing)
        return
    left = f", {timedelta(seconds=round((total - done) / rate))} left" if rate else ""
    logger.info("%s: %d of %d purchases, %.1f a second%s", doing, done, total, rate, left)
