"""Rows of `purchase_ages` out of purchases and their outcomes."""

from collections.abc import Sequence
from itertools import chain

import numpy as np
import pyarrow as pa

from checkout_age.batch.outcome import Outcome
from checkout_age.batch.purchases import Purchase
from checkout_age.batch.schema import SCHEMA, SHARE
from checkout_age.v1 import age_estimation_pb2 as pb

_GROUP = pa.struct([("age_group", pa.string()), ("probability", pa.float64())])


def to_rows(
    purchases: Sequence[Purchase], outcomes: Sequence[Outcome], model_version: str
) -> pa.Table:
    """One row for each purchase; the version is that of rows whose photo was never sent."""
    estimates = [outcome.estimate for outcome in outcomes]
    columns = {
        "purchase_id": [purchase.purchase_id for purchase in purchases],
        "store_id": [purchase.store_id for purchase in purchases],
        "purchased_at": [purchase.purchased_at for purchase in purchases],
        "photo": [purchase.photo for purchase in purchases],
        "photo_sha256": [outcome.photo_sha256 for outcome in outcomes],
        "status": [outcome.status for outcome in outcomes],
        "reason": [outcome.reason for outcome in outcomes],
        "measured": [outcome.measured for outcome in outcomes],
        "threshold": [outcome.threshold for outcome in outcomes],
        "faces_found": [outcome.faces_found for outcome in outcomes],
        "age": [estimate and estimate.age for estimate in estimates],
        "age_low": [estimate and estimate.age_low for estimate in estimates],
        "age_high": [estimate and estimate.age_high for estimate in estimates],
        "age_group": [estimate and estimate.age_group.label for estimate in estimates],
        "age_group_probabilities": _probabilities(estimates),
        "age_distribution": _distributions(estimates),
        "model_version": [outcome.model_version or model_version for outcome in outcomes],
    }
    arrays = [
        column if isinstance(column, pa.Array) else pa.array(column, SCHEMA.field(name).type)
        for name, column in columns.items()
    ]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _probabilities(estimates: Sequence[pb.AgeEstimate | None]) -> pa.Array:
    entries = [None if e is None else e.age_group_probabilities for e in estimates]
    every = list(chain.from_iterable(entry for entry in entries if entry is not None))
    values = pa.StructArray.from_arrays(
        [
            pa.array([entry.age_group.label for entry in every], pa.string()),
            pa.array([entry.probability for entry in every], pa.float64()),
        ],
        fields=list(_GROUP),
    )
    return _lists([None if entry is None else len(entry) for entry in entries], values)


def _distributions(estimates: Sequence[pb.AgeEstimate | None]) -> pa.Array:
    shares = [None if e is None else e.age_distribution for e in estimates]
    every = np.fromiter(chain.from_iterable(s for s in shares if s is not None), np.float64)
    stored = np.rint(every * SHARE).astype(np.uint16)
    return _lists([None if s is None else len(s) for s in shares], pa.array(stored))


def _lists(lengths: Sequence[int | None], values: pa.Array) -> pa.Array:
    """Lists of these lengths out of values that follow each other; None: no list."""
    ends = np.cumsum([0, *(length or 0 for length in lengths)]).astype(np.int32)
    absent = pa.array([length is None for length in lengths], pa.bool_())
    return pa.ListArray.from_arrays(pa.array(ends), values, mask=absent)
