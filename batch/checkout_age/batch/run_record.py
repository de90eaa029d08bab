"""Run records: what each run found, did and took, as JSON and as Parquet beside the data.

runs/<moment>-<id>.json     for people and scripts
runs/<moment>-<id>.parquet  the same row for `read_parquet('runs/*.parquet')`
"""

import importlib.metadata
import json
import logging
import os
import platform
import socket
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import grpc
import pyarrow as pa
import pyarrow.parquet as pq

from checkout_age.batch.lake import Lake
from checkout_age.batch.place import write_whole
from checkout_age.batch.purchases import LeftOut

logger = logging.getLogger(__name__)

FOLDER = "runs"
RUN_SCHEMA = pa.schema(
    [
        pa.field("run_id", pa.string(), nullable=False),
        pa.field("verb", pa.string(), nullable=False),
        pa.field("purchase_date", pa.date32(), nullable=False),
        pa.field("started_at", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("ended_at", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("result", pa.string(), nullable=False),
        pa.field("error", pa.string()),
        pa.field("purchases", pa.int64()),
        pa.field("repeated_rows", pa.int64()),
        pa.field("rows_left_out", pa.int64()),
        pa.field("rows_kept", pa.int64()),
        pa.field("rows_carried", pa.int64()),
        pa.field("rows_resumed", pa.int64()),
        pa.field("rows_new", pa.int64()),
        pa.field("rows_by_status", pa.map_(pa.string(), pa.int64())),
        pa.field("photos_sent", pa.int64()),
        pa.field("retries", pa.int64()),
        pa.field("seconds_by_stage", pa.map_(pa.string(), pa.float64())),
        pa.field("model_name", pa.string()),
        pa.field("model_version", pa.string()),
        pa.field("versions", pa.map_(pa.string(), pa.string())),
        pa.field("host", pa.string()),
        pa.field("process", pa.int64()),
    ],
    metadata={"checkout_age.run_schema": "2"},
)


@dataclass
class RunRecord:
    """One run of a verb over one night; filled in as the run goes."""

    verb: str
    day: date
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    result: str = "failed"
    """done, nothing_to_do or failed."""
    error: str | None = None
    purchases: int = 0
    repeated_rows: int = 0
    """Rows left out because their purchase_id had come before."""
    repeated_ids: list[str] = field(default_factory=list)
    """Some of those ids; in the JSON only."""
    left_out: LeftOut = field(default_factory=LeftOut)
    """Rows of the table that belong to no night; their words in the JSON only."""
    rows_kept: int = 0
    """Rows that stand as they were."""
    rows_carried: int = 0
    """Rows whose purchase got another store or time after its photo went; the age stays."""
    rows_resumed: int = 0
    """Rows that a broken run had left."""
    rows_new: int = 0
    rows_by_status: Counter[str] = field(default_factory=Counter)
    """Of the whole night, as it is now."""
    photos_sent: int = 0
    retries: int = 0
    seconds_by_stage: dict[str, float] = field(default_factory=dict)
    model_name: str | None = None
    model_version: str | None = None

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the block's seconds toward a stage."""
        begun = time.monotonic()
        try:
            yield
        finally:
            seconds = time.monotonic() - begun
            self.seconds_by_stage[name] = self.seconds_by_stage.get(name, 0) + seconds

    def row(self) -> dict[str, object]:
        """As the table of runs has it."""
        return {
            "run_id": self.run_id,
            "verb": self.verb,
            "purchase_date": self.day,
            "started_at": self.started_at,
            "ended_at": datetime.now(UTC),
            "result": self.result,
            "error": self.error,
            "purchases": self.purchases,
            "repeated_rows": self.repeated_rows,
            "rows_left_out": self.left_out.rows,
            "rows_kept": self.rows_kept,
            "rows_carried": self.rows_carried,
            "rows_resumed": self.rows_resumed,
            "rows_new": self.rows_new,
            "rows_by_status": dict(sorted(self.rows_by_status.items())),
            "photos_sent": self.photos_sent,
            "retries": self.retries,
            "seconds_by_stage": {k: round(v, 3) for k, v in self.seconds_by_stage.items()},
            "model_name": self.model_name,
            "model_version": self.model_version,
            "versions": versions(),
            "host": socket.gethostname(),
            "process": os.getpid(),
        }


def keep_run(lake: Lake, record: RunRecord) -> None:
    """Write the record beside the data; where that fails, the log says so and the run goes on."""
    row = record.row()
    name = f"{record.started_at:%Y%m%dT%H%M%S.%f}-{record.run_id}"
    examples = {"repeated_ids": record.repeated_ids, "left_out": record.left_out.words}
    text = json.dumps(row | examples, default=str, indent=1)
    as_pairs = {k: list(v.items()) if isinstance(v, dict) else v for k, v in row.items()}
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist([as_pairs], RUN_SCHEMA), sink)
    folder, staging = lake.folder / FOLDER, lake.staging_of(record.day)
    try:
        write_whole(folder / f"{name}.json", staging, f"{text}\n".encode())
        write_whole(folder / f"{name}.parquet", staging, bytes(sink.getvalue()))
    except OSError as error:
        logger.warning("the record of this run could not be kept: %s", error)


def versions() -> dict[str, str]:
    """Of what the rows depend on, besides the model."""
    return {
        "checkout-age": importlib.metadata.version("checkout-age"),
        "grpcio": grpc.__version__,
        "pyarrow": pa.__version__,
        "python": platform.python_version(),
    }


@contextmanager
def recorded(lake: Lake, record: RunRecord) -> Iterator[RunRecord]:
    """Keep the record when the block ends, also where it fails; a day without a row leaves none."""
    try:
        yield record
    except BaseException as error:
        record.error = f"{type(error).__name__}: {error}"
        keep_run(lake, record)
        raise
    if record.result != "nothing_to_do" or record.rows_kept or record.left_out.rows:
        keep_run(lake, record)
