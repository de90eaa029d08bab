"""The table `purchase_ages`: its columns, its order, and what a night's file tells of itself."""

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

SCHEMA_VERSION = "3"
SHARE = 65535
"""What a probability of 1 is stored as in `age_distribution`."""
ORDER = ("store_id", "purchased_at", "purchase_id")
"""What the rows of a night are sorted by."""
ROW_GROUP = 10_000
"""Rows that are read or skipped together."""

SCHEMA = pa.schema(
    [
        pa.field("purchase_id", pa.string(), nullable=False),
        pa.field("store_id", pa.string(), nullable=False),
        pa.field("purchased_at", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("photo", pa.string()),
        pa.field("photo_sha256", pa.string()),
        pa.field("status", pa.string(), nullable=False),
        pa.field("reason", pa.string()),
        pa.field("measured", pa.float64()),
        pa.field("threshold", pa.float64()),
        pa.field("faces_found", pa.int32()),
        pa.field("age", pa.float64()),
        pa.field("age_low", pa.float64()),
        pa.field("age_high", pa.float64()),
        pa.field("age_group", pa.string()),
        pa.field(
            "age_group_probabilities",
            pa.list_(pa.struct([("age_group", pa.string()), ("probability", pa.float64())])),
        ),
        pa.field("age_distribution", pa.list_(pa.uint16())),
        pa.field("model_version", pa.string(), nullable=False),
    ],
    metadata={"checkout_age.schema": SCHEMA_VERSION},
)

_WITHOUT_STATISTICS = {
    "photo",
    "photo_sha256",
    "reason",
    "age_group_probabilities",
    "age_distribution",
}
"""Columns that nobody filters by; their statistics would make every footer larger."""
_REPEATING = [
    "store_id",
    "status",
    "reason",
    "threshold",
    "age_group",
    "model_version",
    "age_group_probabilities.list.element.age_group",
]


def writer_options() -> dict[str, Any]:
    """How a night is written: sorted, with statistics on what is filtered by, small."""
    return {
        "compression": "zstd",
        "use_dictionary": _REPEATING,
        "write_statistics": [n for n in SCHEMA.names if n not in _WITHOUT_STATISTICS],
        "write_page_index": True,
        "sorting_columns": pq.SortingColumn.from_ordering(
            SCHEMA, [(name, "ascending") for name in ORDER]
        ),
    }
