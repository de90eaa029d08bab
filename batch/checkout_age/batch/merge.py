"""The making of a night: sorted pieces become one sorted file, a few at a time in memory."""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial
from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq

from checkout_age.batch.lake import Lake
from checkout_age.batch.plan import Plan
from checkout_age.batch.progress_store import Piece, before
from checkout_age.batch.schema import ORDER


def merged(pieces: Sequence[Piece]) -> Iterator[pa.Table]:
    """The rows of all pieces in the night's order.

    In memory is what may still be preceded by a row of a piece not yet looked at; pieces of one run
    hardly overlap, so that is little.
    """
    ordered = sorted(pieces, key=lambda piece: piece.first)
    waiting: list[pa.Table] = []
    for piece, following in pairwise([*ordered, None]):
        assert piece is not None
        waiting.append(piece.counted())
        rows = pa.concat_tables(waiting)
        if len(waiting) > 1:
            rows = rows.sort_by([(name, "ascending") for name in ORDER])
        ready = len(rows) if following is None else before(rows, following.first)
        if ready:
            yield rows.slice(0, ready)
        waiting = [rows.slice(ready)] if ready < len(rows) else []


def pieces_of_night(lake: Lake, day: date, plan: Plan) -> list[Piece]:
    """The row groups of a night as it is, less the rows that a plan has others for."""
    if not lake.has(day):
        return []
    file = lake.file(day)
    with file.filesystem.open_input_file(file.path) as source:
        metadata = pq.ParquetFile(source).metadata
        groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
        return [
            Piece(_lower_bound(group), partial(_group, lake, day, index, plan), group.num_rows)
            for index, group in enumerate(groups)
        ]


def _group(lake: Lake, day: date, index: int, plan: Plan) -> pa.Table:
    rows = lake.group(day, index).sort_by([(name, "ascending") for name in ORDER])
    stays = plan.stays(rows["purchase_id"].to_pylist())
    return rows if all(stays) else rows.filter(pa.array(stays, pa.bool_()))


def _lower_bound(group: pq.RowGroupMetaData) -> tuple[str, int, str]:
    """A key that no row of the group comes before; the statistics of two columns tell it."""
    least: dict[str, object] = {}
    for index in range(group.num_columns):
        column = group.column(index)
        if column.path_in_schema in ORDER and column.statistics is not None:
            least[column.path_in_schema] = column.statistics.min_raw
    store, at = least.get("store_id"), least.get("purchased_at")
    if isinstance(store, bytes):
        store = store.decode()
    return (store if isinstance(store, str) else "", at if isinstance(at, int) else -(2**62), "")
