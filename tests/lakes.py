"""Made-up lakes: shoppers whose true ages are known, told by a model that errs as models do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from checkout_age.batch.models import keep_model
from checkout_age.batch.report.model_error import LEVELS
from checkout_age.v1 import age_estimation_pb2 as pb

STARTS = (0, 13, 18, 25, 35, 45, 55, 65)
LABELS = ("0-12", "13-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65+")
YEARS = np.arange(101)
FIRST = date(2026, 11, 1)


@dataclass(frozen=True)
class Photos:
    """Photos of people of known ages, and what a model tells of each."""

    ages: NDArray[np.int64]
    by_year: NDArray[np.float64]
    """Shape (n, 101)."""

    @property
    def groups(self) -> NDArray[np.int64]:
        """Of the true ages, counted from the youngest."""
        return np.searchsorted(STARTS, self.ages, side="right") - 1

    @property
    def group_probabilities(self) -> NDArray[np.float64]:
        return np.asarray(np.add.reduceat(self.by_year, STARTS, axis=1))

    def quantiles(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shape (n, levels), in years."""
        cumulative = np.column_stack([np.zeros(len(self.ages)), self.by_year.cumsum(axis=1)])
        edges = np.arange(102) - 0.5
        found = [np.interp(levels, row, edges) for row in cumulative]
        return np.asarray(np.clip(np.array(found), 0, 100))

    @cached_property
    def columns(self) -> pa.Table:
        """What a scored row says of each photo."""
        low, age, high = self.quantiles(np.array([0.05, 0.5, 0.95])).T
        told = self.group_probabilities
        entries = pa.StructArray.from_arrays(
            [pa.array(np.tile(LABELS, len(told))), pa.array(told.ravel())],
            ["age_group", "probability"],
        )
        offsets = pa.array(np.arange(len(told) + 1) * len(LABELS), pa.int32())
        return pa.table(
            {
                "age": age,
                "age_low": low,
                "age_high": high,
                "age_group": np.array(LABELS)[told.argmax(axis=1)],
                "age_group_probabilities": pa.ListArray.from_arrays(offsets, entries),
                "faces_found": pa.array(np.ones(len(told)), pa.int32()),
            }
        )

    def model(self, version: str = "made-up") -> pb.GetModelResponse:
        """A model that has these photos for its error."""
        quantiles = np.rint(self.quantiles(LEVELS) * 10).astype(int)
        return pb.GetModelResponse(
            name="made up",
            version=version,
            told_ages=[
                pb.ToldAge(actual_age=age, told_quantiles=row)
                for age, row in zip(self.ages.tolist(), quantiles.tolist(), strict=True)
            ],
        )


def made_up_photos(count: int, seed: int) -> Photos:
    """Photos of all ages, told with errors that grow with age; calibrated but for a pull to 30."""
    generator = np.random.default_rng(seed)
    ages = generator.choice(90, count, p=_prior()[:90] / _prior()[:90].sum())
    spread = 1.5 + 0.11 * ages
    seen = ages + generator.normal(size=count) * spread
    likelihood = np.exp(-0.5 * ((seen[:, None] - YEARS) / (1.5 + 0.11 * YEARS)) ** 2) / (
        1.5 + 0.11 * YEARS
    )
    posterior = likelihood * _prior() + 1e-12
    return Photos(ages, posterior / posterior.sum(axis=1, keepdims=True))


def _prior() -> NDArray[np.float64]:
    return 0.4 + np.exp(-0.5 * ((YEARS - 30) / 14) ** 2)


def drawn(
    photos: Photos, groups: Sequence[int] | NDArray[np.int64], seed: int
) -> NDArray[np.int64]:
    """A photo of a shopper of each of these groups, by its row."""
    generator = np.random.default_rng(seed)
    rows = np.empty(len(groups), np.int64)
    for group in np.unique(groups):
        there = np.flatnonzero(photos.groups == group)
        rows[groups == group] = generator.choice(there, int((groups == group).sum()))
    return rows


def write_night(
    lake: Path,
    day: date,
    photos: Photos,
    rows: NDArray[np.int64],
    *,
    stores: Sequence[str] = ("north", "south"),
    hours: Sequence[int] = (9, 12, 17),
    statuses: Sequence[str] = (),
    version: str = "made-up",
) -> list[str]:
    """A night of purchases that show these photos, and one more for each other status; their ids.

    Stores and hours come in turns.
    """
    count = len(rows) + len(statuses)
    ids = [f"{day}-{number}" for number in range(count)]
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    places = np.arange(count)
    times = [
        midnight + timedelta(hours=hours[place // len(stores) % len(hours)], seconds=place)
        for place in places.tolist()
    ]
    scored = photos.columns.take(pa.array(rows))
    told = pa.concat_tables(
        [
            scored,
            pa.table(
                {
                    name: pa.nulls(len(statuses), field.type)
                    for name, field in zip(scored.column_names, scored.schema, strict=True)
                }
            ),
        ]
    )
    table = pa.table(
        {
            "purchase_id": ids,
            "store_id": [stores[place % len(stores)] for place in places.tolist()],
            "purchased_at": pa.array(times, pa.timestamp("us", "UTC")),
            "status": ["scored"] * len(rows) + list(statuses),
            "model_version": [version] * count,
        }
    )
    for name in told.column_names:
        table = table.append_column(name, told[name])
    folder = lake / "purchase_ages" / f"purchase_date={day.isoformat()}"
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, folder / "part-0.parquet", compression="zstd")
    return ids


def write_lake(
    lake: Path, labelled: Photos, photos: Photos, nights: Sequence[NDArray[np.int64]]
) -> list[str]:
    """A lake of nights from FIRST on, one for each array of true groups; the purchases' ids."""
    keep_model(lake, labelled.model())
    ids: list[str] = []
    for number, groups in enumerate(nights):
        rows = drawn(photos, groups, seed=number)
        ids += write_night(lake, FIRST + timedelta(days=number), photos, rows)
    return ids
