"""Photos that came late: rows of a night that may fare better now."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from checkout_age.batch.outcome import Status
from checkout_age.batch.photos import PhotoError, PhotoRoot
from checkout_age.batch.plan import Plan, RowIn

UNFINISHED = frozenset({Status.MISSING_PHOTO, Status.UNANSWERED})
"""Statuses that the next run looks into whenever the photo is there."""
PERHAPS_CUT_SHORT = frozenset({Status.EMPTY_PHOTO, Status.DAMAGED_PHOTO, Status.NOT_A_PHOTO})
"""Statuses of a photo that was perhaps read while it was still being written."""


def doubtful(rows: pa.Table) -> Iterator[tuple[str, str | None]]:
    """Of a night's rows the ids whose photo may have come or changed, with its digest if known."""
    statuses = rows["status"].to_pylist()
    if not (UNFINISHED | PERHAPS_CUT_SHORT).intersection(statuses):
        return
    ids, digests = rows["purchase_id"].to_pylist(), rows["photo_sha256"].to_pylist()
    for purchase, status, digest in zip(ids, statuses, digests, strict=True):
        if status in UNFINISHED:
            yield purchase, None
        elif status in PERHAPS_CUT_SHORT:
            yield purchase, digest


def reopen(plan: Plan, photos: PhotoRoot, readers: int) -> None:
    """Have those scored whose photo is there now, or is another than the night's row saw."""

    def came(entry: tuple[str, str | None, str]) -> bool:
        _, digest, photo = entry
        if digest is None:
            return photos.has(photo)
        try:
            return hashlib.sha256(photos.read(photo)).hexdigest() != digest
        except PhotoError:
            return False

    with ThreadPoolExecutor(readers) as pool:
        for piece in plan.doubtful():
            found = zip(piece, pool.map(came, piece), strict=True)
            plan.put([entry[0] for entry, has_come in found if has_come], RowIn.NOWHERE)
