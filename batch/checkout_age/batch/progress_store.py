"""Durable progress: what a run has scored so far, kept beside the lake in small files.

.progress/purchase_date=D/<work>/<number>.parquet     rows of purchase_ages, sorted
"""

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from checkout_age.batch.lake import KEY, Lake
from checkout_age.batch.outcome import Outcome
from checkout_age.batch.place import Place, write_whole
from checkout_age.batch.purchases import Purchase
from checkout_age.batch.rows import to_rows
from checkout_age.batch.schema import ORDER, SCHEMA

FOLDER = ".progress"
FIRST = b"checkout_age.first"
EVERY = 2.0
"""Seconds of work after which it is made durable."""
MOST = 2_000
"""Rows after which it is, even if they came faster."""


@dataclass
class Piece:
    """Some rows in their order, loaded when they are needed."""

    first: tuple[str, int, str]
    """Where they begin, or before it: store, microseconds since 1970, purchase."""
    load: Callable[[], pa.Table]
    rows: int
    counts: list[bool] | None = field(default=None, repr=False)
    """Which of the rows count; None: all."""

    def counted(self) -> pa.Table:
        """The rows that count."""
        rows = self.load()
        return rows if self.counts is None else rows.filter(pa.array(self.counts))


def progress_folder(lake: Lake, day: date) -> Place:
    """Where the progress of a day is kept, a folder for each kind of work."""
    return lake.folder / FOLDER / f"{KEY}{day.isoformat()}"


def kept_pieces(folder: Place) -> Iterator[tuple[Piece, pa.Table]]:
    """What broken runs have kept, and the keys of each piece's rows.

    Pieces that cannot be read, after a disk failed, say, are passed over: they are scored again.
    """
    for place in folder.children():
        try:
            with place.filesystem.open_input_file(place.path) as file:
                parquet = pq.ParquetFile(file)
                first = json.loads(parquet.schema_arrow.metadata[FIRST])
                keys = parquet.read([*ORDER, "photo", "status", "model_version"])
        except (pa.ArrowException, OSError, KeyError, ValueError):
            continue
        yield Piece((first[0], first[1], first[2]), _loading(place), len(keys)), keys


def keep_piece(folder: Place, staging: Place, rows: pa.Table) -> Piece:
    """Make sorted rows durable.

    Raises:
        OSError: they cannot be kept.
    """
    first = _first_key(rows)
    place = folder / f"{uuid.uuid4().hex}.parquet"
    write_whole(place, staging, _as_parquet(rows, first))
    return Piece(first, _loading(place), len(rows))


class ProgressStore:
    """Takes outcomes from any thread and makes them durable every few seconds of work."""

    def __init__(
        self,
        folder: Place,
        staging: Place,
        model_version: str,
        kept: Callable[[list[str]], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._staging = staging
        self._model_version = model_version
        self._kept = kept
        self._clock = clock
        self._lock = threading.Lock()
        self._purchases: list[Purchase] = []
        self._outcomes: list[Outcome] = []
        self._since: float | None = None
        self._writer = ThreadPoolExecutor(1, "progress")
        self._writing: Future[None] | None = None
        self.pieces: list[Piece] = []
        """What was kept or is at hand, for the night to be made of."""

    def take(self, purchase: Purchase, outcome: Outcome) -> None:
        """Keep an outcome; now and then waits until what came before is durable.

        Raises:
            OSError: it cannot be kept.
        """
        with self._lock:
            self._purchases.append(purchase)
            self._outcomes.append(outcome)
            now = self._clock()
            if self._since is None:
                self._since = now
            if len(self._purchases) < MOST and now - self._since < EVERY:
                return
            rows = self._gathered()
            if self._writing is not None:
                self._writing.result()
            self._writing = self._writer.submit(self._keep, *rows)

    def finish(self) -> None:
        """Take what is at hand into the pieces, without writing it: the night comes at once.

        Raises:
            OSError: what came before could not be kept.
        """
        with self._lock:
            if self._writing is not None:
                self._writing.result()
            if self._purchases:
                rows = _sorted_rows(*self._gathered(), self._model_version)
                self.pieces.append(Piece(_first_key(rows), lambda: rows, len(rows)))
                self._kept(rows["purchase_id"].to_pylist())

    def save(self) -> None:
        """Make what is at hand durable, where the run ends before the night is whole."""
        with self._lock:
            rows = self._gathered()
            if self._writing is not None:
                self._writing.result()
            if rows[0]:
                self._keep(*rows)

    def close(self) -> None:
        """End the writing thread."""
        self._writer.shutdown(wait=True)

    def _gathered(self) -> tuple[list[Purchase], list[Outcome]]:
        rows = self._purchases, self._outcomes
        self._purchases, self._outcomes, self._since = [], [], None
        return rows

    def _keep(self, purchases: list[Purchase], outcomes: list[Outcome]) -> None:
        rows = _sorted_rows(purchases, outcomes, self._model_version)
        self.pieces.append(keep_piece(self._folder, self._staging, rows))
        self._kept(rows["purchase_id"].to_pylist())


def _sorted_rows(
    purchases: list[Purchase], outcomes: list[Outcome], model_version: str
) -> pa.Table:
    order = sorted(range(len(purchases)), key=lambda index: purchases[index][:3])
    return to_rows([purchases[i] for i in order], [outcomes[i] for i in order], model_version)


def _first_key(rows: pa.Table) -> tuple[str, int, str]:
    at = rows["purchased_at"].slice(0, 1).cast(pa.int64())[0].as_py()
    return rows["store_id"][0].as_py(), at, rows["purchase_id"][0].as_py()


def _as_parquet(rows: pa.Table, first: tuple[str, int, str]) -> bytes:
    sink = pa.BufferOutputStream()
    metadata = {**(SCHEMA.metadata or {}), FIRST: json.dumps(first).encode()}
    pq.write_table(rows.replace_schema_metadata(metadata), sink, compression="zstd")
    return bytes(sink.getvalue())


def _loading(place: Place) -> Callable[[], pa.Table]:
    def load() -> pa.Table:
        with place.filesystem.open_input_file(place.path) as file:
            return pq.ParquetFile(file).read().cast(SCHEMA.remove_metadata())

    return load


def before(rows: pa.Table, first: tuple[str, int, str]) -> int:
    """How many of the sorted rows come before a key."""
    store, at, purchase = first
    moment = pa.scalar(at, pa.int64()).cast(SCHEMA.field("purchased_at").type)
    stores, times = rows["store_id"], rows["purchased_at"]
    earlier = pc.or_(
        pc.less(times, moment),
        pc.and_(pc.equal(times, moment), pc.less(rows["purchase_id"], purchase)),
    )
    told = pc.or_(pc.less(stores, store), pc.and_(pc.equal(stores, store), earlier))
    return int(pc.sum(told).as_py() or 0)
