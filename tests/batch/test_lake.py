from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from checkout_age.batch.lake import Lake
from checkout_age.batch.outcome import Outcome, Status
from checkout_age.batch.purchases import Purchase
from checkout_age.batch.schema import SCHEMA, SHARE
from checkout_age.batch.scoring import ScoredDay
from checkout_age.v1 import age_estimation_pb2 as pb

DAY = date(2026, 11, 21)
GROUP = pb.AgeGroup(youngest=25, oldest=34, label="25-34")
ESTIMATE = pb.AgeEstimate(
    age=30.5,
    age_low=25,
    age_high=36,
    age_group=GROUP,
    age_group_probabilities=[pb.AgeGroupProbability(age_group=GROUP, probability=1)],
    age_distribution=[0.0] * 30 + [0.5, 0.5] + [0.0] * 69,
)
PURCHASES = (
    Purchase("p-1", "north", datetime(2026, 11, 21, 9, tzinfo=UTC), "1.jpg"),
    Purchase("p-2", "south", datetime(2026, 11, 21, 10, tzinfo=UTC), None),
)
SCORED = ScoredDay(
    (
        Outcome(Status.SCORED, None, "ab" * 32, ESTIMATE, faces_found=2),
        Outcome(Status.NO_PHOTO, "names none"),
    ),
    pb.GetModelResponse(version="v1"),
)


def test_a_night_is_one_row_for_each_purchase(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    folder = lake.write(DAY, PURCHASES, SCORED)
    assert folder == tmp_path / "purchase_ages" / "purchase_date=2026-11-21"
    scored, unscored = lake.read(DAY).to_pylist()
    assert scored["purchase_id"] == "p-1"
    assert scored["age"] == 30.5
    assert scored["age_group"] == "25-34"
    assert scored["age_group_probabilities"] == [{"age_group": "25-34", "probability": 1.0}]
    assert len(scored["age_distribution"]) == 101
    assert scored["age_distribution"][30] == round(SHARE / 2)
    assert (scored["faces_found"], scored["measured"]) == (2, None)
    assert unscored["status"] == "no_photo"
    assert unscored["faces_found"] is None
    assert unscored["reason"] == "names none"
    assert unscored["age"] is None
    assert {scored["model_version"], unscored["model_version"]} == {"v1"}


def test_the_schema_is_the_documented_one(tmp_path: Path, root: Path) -> None:
    lake = Lake(tmp_path)
    lake.write(DAY, PURCHASES, SCORED)
    written = lake.read(DAY).schema
    assert written.equals(SCHEMA)
    documented = (root / "batch" / "README.md").read_text()
    for field in SCHEMA:
        assert f"| `{field.name}` |" in documented


def test_a_night_that_fails_to_be_written_is_not_seen_and_leaves_nothing(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    broken = (Purchase("p-1", "n", datetime(2026, 11, 21, tzinfo=UTC), 5),)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        lake.write(DAY, broken, ScoredDay(SCORED.outcomes[:1], SCORED.model))
    assert not lake.has(DAY)
    assert list(tmp_path.rglob("*.parquet")) == []


def test_a_night_that_another_run_finished_meanwhile_stays_as_it_is(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.write(DAY, PURCHASES, SCORED)
    before = lake.read(DAY)
    with pytest.raises(FileExistsError, match="scored by another run"):
        lake.write(DAY, PURCHASES[:1], ScoredDay(SCORED.outcomes[:1], SCORED.model))
    assert lake.read(DAY).equals(before)


def test_nights_of_the_older_schema_are_read_together_with_newer_ones(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    new = lake.write(DAY, PURCHASES, SCORED) / "part-0.parquet"
    older = lake.night(date(2026, 11, 20)) / "part-0.parquet"
    older.parent.mkdir()
    kept = [name for name in SCHEMA.names if name not in ("measured", "threshold", "faces_found")]
    pq.write_table(pq.read_table(new, columns=kept, partitioning=None), older)
    files = f"{lake.table}/*/*.parquet"
    by_duckdb = duckdb.execute(
        f"SELECT faces_found FROM read_parquet('{files}', union_by_name = true) WHERE age > 0"
    ).fetchall()
    by_polars = pl.read_parquet([new, older], missing_columns="insert")["faces_found"]
    by_pandas = pd.read_parquet(lake.table, schema=pq.read_schema(new))["faces_found"]
    assert sorted(by_duckdb, key=str) == [(2,), (None,)]
    assert (by_polars.sum(), by_polars.null_count()) == (2, 3)
    assert (by_pandas.sum(), by_pandas.isna().sum()) == (2, 3)
    assert lake.read(date(2026, 11, 20))["faces_found"].null_count == 2
