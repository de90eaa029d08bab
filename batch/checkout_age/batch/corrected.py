"""Purchases that the shop corrected after their photo was deleted: their rows go along."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.compute as pc

from checkout_age.batch.late import UNFINISHED
from checkout_age.batch.photos import PhotoRoot
from checkout_age.batch.plan import Correction, Plan
from checkout_age.batch.schema import ORDER


def corrections(
    plan: Plan, rows: pa.Table, claimed: Sequence[bool], photos: PhotoRoot, readers: int
) -> dict[str, Correction]:
    """Of a night's rows those to carry over: the purchase has another store or time, by id.

    The photo that the row saw is no longer there, so that scoring anew would lose the age.
    """
    statuses = rows["status"].to_pylist()
    ids = rows["purchase_id"].to_pylist()
    names = rows["photo"].to_pylist()
    candidates = [
        (purchase, photo)
        for purchase, photo, status, is_claimed in zip(ids, names, statuses, claimed, strict=True)
        if not is_claimed and photo is not None and status not in UNFINISHED
    ]
    if not candidates:
        return {}
    found = plan.corrections(candidates)
    with ThreadPoolExecutor(readers) as pool:
        there = list(pool.map(photos.has, (each.photo for each in found)))
    return {
        each.purchase_id: each for each, is_there in zip(found, there, strict=True) if not is_there
    }


def carried(rows: pa.Table, found: dict[str, Correction]) -> pa.Table:
    """The rows that have a correction, with it, sorted as a night is."""
    chosen = rows.filter(pc.is_in(rows["purchase_id"], pa.array(found, pa.string())))
    ids = chosen["purchase_id"].to_pylist()
    new = {
        "store_id": pa.array([found[each].store_id for each in ids], pa.string()),
        "purchased_at": pa.array([found[each].purchased_at for each in ids], pa.int64()).cast(
            chosen.schema.field("purchased_at").type
        ),
    }
    for name, column in new.items():
        index = chosen.schema.get_field_index(name)
        chosen = chosen.set_column(index, chosen.schema.field(name), column)
    return chosen.sort_by([(name, "ascending") for name in ORDER])
