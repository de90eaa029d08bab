"""The table on disk: documented, sorted, small to filter, readable with what analysts have."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from checkout_age.batch.lake import Lake, NightFacts
from checkout_age.batch.outcome import Outcome, Status
from checkout_age.batch.purchases import Purchase
from checkout_age.batch.rows import to_rows
from checkout_age.batch.run_record import RUN_SCHEMA
from checkout_age.batch.schema import ROW_GROUP, SCHEMA, SCHEMA_VERSION, SHARE
from checkout_age.v1 import age_estimation_pb2 as pb
from tests.standin import estimate_of

DAY = date(2026, 11, 21)
NINE = round(datetime(2026, 11, 21, 9, tzinfo=UTC).timestamp() * 1e6)
PURCHASES = [Purchase("north", NINE, "p-1", "1.jpg"), Purchase("south", NINE + 5, "p-2", None)]
ESTIMATE = estimate_of(b"a face").estimate
OUTCOMES = [
    Outcome(Status.SCORED, None, "ab" * 32, ESTIMATE, "v2", faces_found=2),
    Outcome(Status.NO_PHOTO, "names none"),
]


GROUP = "struct<age_group: string, probability: double>"


def write(lake: Lake, rows: pa.Table, day: date = DAY) -> None:
    with lake.writing(day, NightFacts(table_rows=len(rows))) as writer:
        writer.write(rows)


def test_a_night_is_one_row_for_each_purchase(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    write(lake, to_rows(PURCHASES, OUTCOMES, "v1"))
    assert (tmp_path / "purchase_ages/purchase_date=2026-11-21/part-0.parquet").is_file()
    scored, unscored = lake.read(DAY).to_pylist()
    assert scored["purchase_id"] == "p-1"
    assert scored["purchased_at"] == datetime(2026, 11, 21, 9, tzinfo=UTC)
    assert scored["age"] == ESTIMATE.age
    assert scored["age_group"] == ESTIMATE.age_group.label
    assert scored["age_group_probabilities"] == [
        {"age_group": each.age_group.label, "probability": each.probability}
        for each in ESTIMATE.age_group_probabilities
    ]
    assert scored["age_distribution"] == [round(x * SHARE) for x in ESTIMATE.age_distribution]
    assert (scored["faces_found"], scored["measured"], scored["model_version"]) == (2, None, "v2")
    assert (unscored["status"], unscored["reason"]) == ("no_photo", "names none")
    assert unscored["model_version"] == "v1"
    assert {unscored[name] for name in ("faces_found", "age", "age_distribution")} == {None}


@pytest.mark.parametrize(
    ("schema", "heading"),
    [(SCHEMA, f"The table `purchase_ages`, schema {SCHEMA_VERSION}"), (RUN_SCHEMA, "Run records")],
)
def test_the_schema_is_the_documented_one_column_by_column(
    root: Path, schema: pa.Schema, heading: str
) -> None:
    chapter = (root / "batch/README.md").read_text().partition(f"## {heading}")[2]
    table = chapter.partition("\n## ")[0]
    documented = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", table, re.M)
    names = [name for name, _ in documented]
    assert names[: len(schema.names)] == schema.names
    told = {
        "string": "string",
        "timestamp[us, tz=UTC]": "timestamp, µs, UTC",
        "double": "double",
        "int32": "int32",
        "int64": "int64",
        "date32[day]": "date",
        "list<element: uint16>": "list of uint16",
        "list<item: uint16>": "list of uint16",
        f"list<item: {GROUP}>": "list of (age_group, probability)",
        "map<string, int64>": "map string → int64",
        "map<string, double>": "map string → double",
        "map<string, string>": "map string → string",
    }
    kinds = {field.name: told[str(field.type)] for field in schema}
    assert {name: kind for name, kind in documented if name in kinds} == kinds


def test_the_written_file_has_the_schema_its_version_and_its_facts(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    write(lake, to_rows(PURCHASES, OUTCOMES, "v1"))
    written = pq.read_schema(tmp_path / "purchase_ages/purchase_date=2026-11-21/part-0.parquet")
    assert written.remove_metadata().equals(SCHEMA.remove_metadata())
    assert written.metadata[b"checkout_age.schema"] == SCHEMA_VERSION.encode()
    assert lake.facts(DAY) == NightFacts(revision=1, table_rows=2)
    assert lake.days() == [DAY]


def test_a_filter_on_a_store_reads_its_row_groups_alone(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    rows = to_rows(PURCHASES[1:], OUTCOMES[1:], "v1")
    big = pa.concat_tables([rows] * (3 * ROW_GROUP)).combine_chunks()
    stores = pa.array([f"store-{n // (ROW_GROUP // 2)}" for n in range(len(big))])
    write(lake, big.set_column(1, SCHEMA.field("store_id"), stores).cast(SCHEMA))
    file = pq.ParquetFile(lake.file(DAY).path)
    assert file.num_row_groups == 3
    assert [c.column_index for c in file.metadata.row_group(0).sorting_columns] == [1, 2, 0]
    ranges = [file.metadata.row_group(n).column(1).statistics for n in range(3)]
    assert [(r.min, r.max) for r in ranges] == [
        ("store-0", "store-1"),
        ("store-2", "store-3"),
        ("store-4", "store-5"),
    ]
    assert file.metadata.row_group(0).column(1).has_column_index


def test_a_night_that_fails_to_be_written_is_not_seen_and_leaves_the_old_one(
    tmp_path: Path,
) -> None:
    lake = Lake(tmp_path)
    rows = to_rows(PURCHASES, OUTCOMES, "v1")
    write(lake, rows)

    def half() -> None:
        with lake.writing(DAY, NightFacts()) as writer:
            writer.write(rows.slice(0, 1))
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        half()
    assert lake.read(DAY).num_rows == 2
    assert [path.name for path in tmp_path.rglob("*.par*")] == ["part-0.parquet"]


def test_nights_of_the_older_schema_are_read_together_with_newer_ones(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    rows = to_rows(PURCHASES, OUTCOMES, "v1")
    write(lake, rows)
    new = Path(lake.file(DAY).path)
    older = Path(lake.file(date(2026, 11, 20)).path)
    older.parent.mkdir()
    pq.write_table(rows.drop_columns(["measured", "threshold", "faces_found"]), older)
    files = f"{lake.table.path}/*/*.parquet"
    by_duckdb = duckdb.execute(
        f"SELECT faces_found FROM read_parquet('{files}', union_by_name = true) WHERE age > 0"
    ).fetchall()
    by_polars = pl.read_parquet([new, older], missing_columns="insert")["faces_found"]
    by_pandas = pd.read_parquet(lake.table.path, schema=pq.read_schema(new))["faces_found"]
    assert sorted(by_duckdb, key=str) == [(2,), (None,)]
    assert (by_polars.sum(), by_polars.null_count()) == (2, 3)
    assert (by_pandas.sum(), by_pandas.isna().sum()) == (2, 3)
    assert lake.read(date(2026, 11, 20))["faces_found"].null_count == 2
    assert lake.facts(date(2026, 11, 20)) == NightFacts(revision=0)
    assert pc.sum(lake.read(DAY)["faces_found"]).as_py() == 2


def test_an_unknown_answer_is_no_row_of_a_known_group() -> None:
    problem = pb.EstimateAgesResponse(problem=pb.PhotoProblem(problem=pb.PROBLEM_NO_FACE))
    row = to_rows(PURCHASES[:1], [Outcome.answered(problem, "digest")], "v1").to_pylist()[0]
    assert (row["status"], row["age_group"], row["age_group_probabilities"]) == (
        "no_face",
        None,
        None,
    )
