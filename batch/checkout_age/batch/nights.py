"""How nights stand: what the purchases ask for against what the lake holds."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

import pyarrow.compute as pc

from checkout_age.batch.lake import Lake
from checkout_age.batch.late import PERHAPS_CUT_SHORT, UNFINISHED
from checkout_age.batch.night import purchases_in
from checkout_age.batch.outcome import Status
from checkout_age.batch.place import Place
from checkout_age.batch.plan import RowIn, fresh_plan
from checkout_age.batch.progress_store import progress_folder
from checkout_age.batch.purchases import LeftOut, Shop, days_counted, purchases_of
from checkout_age.batch.run_record import FOLDER as RUNS
from checkout_age.batch.schema import ORDER


class Standing(StrEnum):
    """How one night stands."""

    SCORED = "scored"
    """Every purchase has its row."""
    PARTIAL = "partial"
    """A run broke off, or purchases came late."""
    MISSING = "missing"
    """There are purchases and no row."""
    RESCORING = "rescoring"
    """The night is whole, and a `rescore` of it broke off."""


@dataclass(frozen=True)
class NightStanding:
    """One night, as `status` shows it."""

    day: date
    standing: Standing
    purchases: int | None
    """Rows of the purchases table; None where it was not looked at."""
    rows: int = 0
    rows_by_status: Counter[str] = field(default_factory=Counter)
    models: tuple[str, ...] = ()
    """Versions, the one of most rows first."""
    failed_runs: int = 0
    """Since the last one that ended well."""
    last_error: str | None = None

    @property
    def not_scored(self) -> int:
        """Rows without an age."""
        return self.rows - self.rows_by_status[Status.SCORED]

    @property
    def may_improve(self) -> int:
        """Rows whose photo may still come."""
        return sum(self.rows_by_status[status] for status in UNFINISHED | PERHAPS_CUT_SHORT)


def standings(
    lake: Lake, shop: Shop | None, first: date, last: date, left_out: LeftOut | None = None
) -> list[NightStanding]:
    """Every night of a range of days that has purchases or rows, oldest first.

    Without a shop, of the nights that the lake knows alone. Rows of the purchases that belong to no
    night are noted as left out.

    Raises:
        PurchasesError: the purchases cannot be read.
        OSError: the lake cannot.
    """
    wanted = (
        {}
        if shop is None
        else days_counted(shop, first, last, LeftOut() if left_out is None else left_out)
    )
    there = {day for day in lake.days() if first <= day <= last}
    begun = {day for day in _begun(lake) if first <= day <= last}
    failures = _failures(lake, first)
    return [
        _standing(lake, day, None if shop is None else wanted.get(day, 0), failures)
        for day in sorted(wanted.keys() | there | begun)
    ]


def unfinished(
    lake: Lake, shop: Shop, first: date, last: date, *, late_from: date, left_out: LeftOut
) -> list[date]:
    """The days that a run would do something for, oldest first.

    Nights from `late_from` on count too where a photo may still come, or purchases were corrected
    or exchanged for others without their number telling.
    """
    return [
        night.day
        for night in standings(lake, shop, first, last, left_out)
        if night.standing in (Standing.MISSING, Standing.PARTIAL)
        or (night.day >= late_from and (night.may_improve or _changed(lake, shop, night)))
    ]


def _changed(lake: Lake, shop: Shop, night: NightStanding) -> bool:
    """Whether the table has a purchase that the night has not, or has otherwise."""
    if not night.purchases:
        return False
    with fresh_plan() as plan:
        for purchases in purchases_of(shop, night.day, LeftOut()):
            plan.add(purchases)
        for rows in lake.groups(night.day, [*ORDER, "photo"]):
            plan.claim(purchases_in(rows), RowIn.NIGHT)
        return plan.count_in(RowIn.NOWHERE) > 0


def _standing(
    lake: Lake, day: date, purchases: int | None, failures: dict[date, list[str]]
) -> NightStanding:
    work = {place.name.rpartition("-")[0].partition("@")[0] for place in _progress(lake, day)}
    failed = failures.get(day, [])
    told = {"failed_runs": len(failed), "last_error": failed[-1] if failed else None}
    facts = lake.facts(day)
    if facts is None:
        standing = Standing.PARTIAL if "run" in work else Standing.MISSING
        return NightStanding(day, standing, purchases, **told)  # type: ignore[arg-type]
    statuses: Counter[str] = Counter()
    models: Counter[str] = Counter()
    for rows in lake.groups(day, ["status", "model_version"]):
        for counts, column in ((statuses, "status"), (models, "model_version")):
            for entry in pc.value_counts(rows[column]).to_pylist():
                counts[entry["values"]] += entry["counts"]
    count = statuses.total()
    if "run" in work or (purchases is not None and purchases > (facts.table_rows or count)):
        standing = Standing.PARTIAL
    else:
        standing = Standing.RESCORING if "rescore" in work else Standing.SCORED
    by_rows = tuple(version for version, _ in models.most_common())
    return NightStanding(day, standing, purchases, count, statuses, by_rows, **told)  # type: ignore[arg-type]


def _progress(lake: Lake, day: date) -> Iterator[Place]:
    """Work that broke off on the night as it is; what was left for an older one does not count."""
    facts = lake.facts(day)
    revision = 0 if facts is None else facts.revision
    for place in progress_folder(lake, day).children():
        if place.name.endswith(f"-{revision}") and place.children():
            yield place


def _begun(lake: Lake) -> Iterator[date]:
    for place in (lake.folder / ".progress").children():
        try:
            yield date.fromisoformat(place.name.partition("=")[2])
        except ValueError:  # not ours
            continue


def _failures(lake: Lake, first: date) -> dict[date, list[str]]:
    """The errors of each day's runs since the last that ended well, by the kept records."""
    found: dict[date, list[str]] = {}
    for place in (lake.folder / RUNS).children():
        if not place.name.endswith(".json") or place.name[:8] < f"{first:%Y%m%d}":
            continue
        try:
            told = json.loads(place.read_bytes())
            day, result, error = told["purchase_date"], told["result"], told["error"]
        except (OSError, ValueError, KeyError):  # a record says nothing about the rows
            continue
        errors = found.setdefault(date.fromisoformat(day), [])
        if result == "failed":
            errors.append(str(error))
        else:
            errors.clear()
    return found
