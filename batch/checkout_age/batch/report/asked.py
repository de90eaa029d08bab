"""What a report is asked for, and what is wrong with the asking."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

UTC = ZoneInfo("UTC")


class ReportError(ValueError):
    """The report cannot be made of what was given; the message says what to change."""


@dataclass(frozen=True)
class Asked:
    """The nights, the baskets and the rules of one report."""

    lake: Path
    first: date
    last: date
    """Both days are in the report."""
    baskets: str | None = None
    """A Parquet or CSV file, a folder or a glob of Parquet files; None: no baskets."""
    zone: ZoneInfo = UTC
    """The shop's own clock, by which hours are told."""
    threshold: int = 10
    """Groups of fewer purchases are suppressed, and counts are rounded to multiples of it."""
    weeks_before: int = 4
    """What drift is held against: so many weeks before the first day."""
    memory: str = "1GB"
    """What DuckDB may hold in memory; beyond it spills to the temporary folder."""

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ReportError(f"--from {self.first} lies after --to {self.last}")
        if self.threshold < 2:  # noqa: PLR2004  # a group of one is a person
            raise ReportError(f"--threshold must be at least 2, got {self.threshold}")
        if self.weeks_before < 1:
            raise ReportError(f"--weeks-before must be at least 1, got {self.weeks_before}")

    @property
    def earliest(self) -> date:
        """The first day of the weeks that drift is held against."""
        return self.first - timedelta(weeks=self.weeks_before)

    @property
    def days(self) -> list[date]:
        """Every day that is read: of the report and of the weeks before."""
        count = (self.last - self.earliest).days + 1
        return [self.earliest + timedelta(number) for number in range(count)]
