"""The lake: one folder of Parquet a night, there whole or not at all."""

import os
import shutil
import uuid
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from checkout_age.batch.outcome import Outcome
from checkout_age.batch.purchases import Purchase
from checkout_age.batch.schema import SCHEMA, SHARE
from checkout_age.batch.scoring import ScoredDay
from checkout_age.v1 import age_estimation_pb2 as pb

TABLE = "purchase_ages"


class Lake:
    """The table `purchase_ages` below one folder, partitioned by `purchase_date`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.table = folder / TABLE
        self._staging = folder / ".staging"

    def night(self, day: date) -> Path:
        """Where the rows of a day are or will be."""
        return self.table / f"purchase_date={day.isoformat()}"

    def has(self, day: date) -> bool:
        """Whether the day's night is finished; an unfinished one is never seen here."""
        return self.night(day).is_dir()

    def read(self, day: date) -> pa.Table:
        """The rows of a finished night."""
        return pq.read_table(sorted(self.night(day).glob("*.parquet"))[0], schema=SCHEMA)

    def prepare(self) -> None:
        """Make the folders that writing needs, so that a full night is not scored in vain.

        Raises:
            OSError: rows cannot be written here.
        """
        self._staging.mkdir(parents=True, exist_ok=True)

    def write(self, day: date, purchases: Sequence[Purchase], scored: ScoredDay) -> Path:
        """Write one row for each purchase and make the night appear at once.

        Raises:
            OSError: the rows cannot be written; the night does not appear.
            FileExistsError: another run finished this night meanwhile; its rows stay.
        """
        rows = [
            _row(purchase, outcome, outcome.model_version or scored.model.version)
            for purchase, outcome in zip(purchases, scored.outcomes, strict=True)
        ]
        self.prepare()
        self.table.mkdir(exist_ok=True)
        written = self._staging / uuid.uuid4().hex
        written.mkdir()
        try:
            _write_durably(pa.Table.from_pylist(rows, SCHEMA), written / "part-0.parquet")
            try:
                written.rename(self.night(day))
            except OSError as error:
                if self.has(day):
                    raise FileExistsError(f"{day} was scored by another run meanwhile") from error
                raise
            _sync(self.table)
        finally:
            shutil.rmtree(written, ignore_errors=True)
        return self.night(day)


def _row(purchase: Purchase, outcome: Outcome, model_version: str) -> dict[str, object]:
    row: dict[str, object] = {
        "purchase_id": purchase.purchase_id,
        "store_id": purchase.store_id,
        "purchased_at": purchase.purchased_at,
        "photo": purchase.photo,
        "photo_sha256": outcome.photo_sha256,
        "status": str(outcome.status),
        "reason": outcome.reason,
        "measured": outcome.measured,
        "threshold": outcome.threshold,
        "faces_found": outcome.faces_found,
        "model_version": model_version,
    }
    return row if outcome.estimate is None else row | _ages(outcome.estimate)


def _ages(estimate: pb.AgeEstimate) -> dict[str, object]:
    return {
        "age": estimate.age,
        "age_low": estimate.age_low,
        "age_high": estimate.age_high,
        "age_group": estimate.age_group.label,
        "age_group_probabilities": [
            {"age_group": entry.age_group.label, "probability": entry.probability}
            for entry in estimate.age_group_probabilities
        ],
        "age_distribution": [round(share * SHARE) for share in estimate.age_distribution],
    }


def _write_durably(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd")
    _sync(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
