"""The plan of a night: its purchases on disk, each id once, and what has yet to be done for each.

A night of any size takes the same memory: the plan is a SQLite file in the folder of temporary
files, which ends with the run.
"""

import sqlite3
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

from checkout_age.batch.purchases import Purchase

PAGES = 8_000
"""Kibibytes of the plan that are kept in memory."""
SCHEMA = """
CREATE TABLE purchase (
    purchase_id TEXT PRIMARY KEY, store_id TEXT, purchased_at INTEGER, photo TEXT,
    times INTEGER NOT NULL DEFAULT 1, row_in INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE doubtful (purchase_id TEXT PRIMARY KEY, photo_sha256 TEXT) WITHOUT ROWID;
"""
SETTINGS = ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{PAGES}", "temp_store = 1")


class RowIn(IntEnum):
    """Where the row of a purchase is."""

    NOWHERE = 0
    """It has yet to be scored."""
    NIGHT = 1
    """In the night as it was."""
    PROGRESS = 2
    """In the progress of this run or a broken one."""


class Correction(NamedTuple):
    """A purchase as the table has it now, where a row of the night has it otherwise."""

    purchase_id: str
    store_id: str
    purchased_at: int
    photo: str


class Plan:
    """Which purchases a night has, and which have their row already."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._lock = threading.Lock()

    def add(self, purchases: Iterable[Purchase]) -> None:
        """Take in rows of the table; of an id that comes again, the first row counts."""
        with self._talking():
            self._db.executemany(
                "INSERT INTO purchase (store_id, purchased_at, purchase_id, photo) "
                "VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET times = times + 1",
                purchases,
            )

    def count(self) -> int:
        """How many purchases there are."""
        return self._one("SELECT count(*) FROM purchase")

    def table_rows(self) -> int:
        """How many rows the table had, repeated ids among them."""
        return self._one("SELECT coalesce(sum(times), 0) FROM purchase")

    def repeated(self, most: int = 5) -> list[str]:
        """Some ids that come more than once."""
        found = self._db.execute(
            "SELECT purchase_id FROM purchase WHERE times > 1 LIMIT ?", (most,)
        )
        return [str(row[0]) for row in found]

    def claim(self, purchases: Iterable[Purchase], row_in: RowIn) -> list[bool]:
        """Say where rows are; for each whether it counts.

        A row counts where its purchase has none yet, and is in the same store, at the same time,
        with the same photo.
        """
        claim = (
            "UPDATE purchase SET row_in = ? WHERE store_id = ? AND purchased_at = ? "
            "AND purchase_id = ? AND photo IS ? AND row_in = 0"
        )
        with self._talking():
            return [
                self._db.execute(claim, (row_in, *purchase)).rowcount == 1 for purchase in purchases
            ]

    def corrections(self, rows: Iterable[tuple[str, str]]) -> list[Correction]:
        """For rows (id, photo) of the night that did not count, those with the same photo still."""
        ask = (
            "SELECT purchase_id, store_id, purchased_at, photo FROM purchase "
            "WHERE purchase_id = ? AND photo = ? AND row_in = 0"
        )
        with self._talking():
            found = (self._db.execute(ask, row).fetchone() for row in rows)
            return [Correction(*row) for row in found if row is not None]

    def doubt(self, rows: Iterable[tuple[str, str | None]]) -> None:
        """Remember rows (id, photo's digest) whose photo may have come or changed since."""
        with self._talking():
            self._db.executemany("INSERT OR REPLACE INTO doubtful VALUES (?, ?)", rows)

    def doubtful(self) -> Iterator[list[tuple[str, str | None, str]]]:
        """Those rows of the night and the path of each photo, in pieces; the plan may change."""
        ask = (
            "SELECT purchase_id, photo_sha256, photo FROM doubtful "
            "JOIN purchase USING (purchase_id) "
            "WHERE purchase_id > ? AND row_in = 1 AND photo IS NOT NULL "
            "ORDER BY purchase_id LIMIT 256"
        )
        last = ""
        while True:
            with self._talking():
                piece = self._db.execute(ask, (last,)).fetchall()
            if not piece:
                return
            yield piece
            last = piece[-1][0]

    def put(self, purchase_ids: Iterable[str], row_in: RowIn) -> None:
        """Say where the rows of these are, whatever was said before."""
        with self._talking():
            self._db.executemany(
                "UPDATE purchase SET row_in = ? WHERE purchase_id = ?",
                ((row_in, each) for each in purchase_ids),
            )

    def count_in(self, row_in: RowIn) -> int:
        """How many purchases have their row there."""
        return self._one(f"SELECT count(*) FROM purchase WHERE row_in = {row_in:d}")  # noqa: S608

    def open_purchases(self, piece: int) -> Iterator[list[Purchase]]:
        """Those that have yet to be scored, sorted as a night is, in pieces; for one thread."""
        found = self._db.execute(
            "SELECT store_id, purchased_at, purchase_id, photo FROM purchase WHERE row_in = 0 "
            "ORDER BY store_id, purchased_at, purchase_id"
        )
        while rows := self._next(found, piece):
            yield [Purchase(*row) for row in rows]

    def stays(self, purchase_ids: list[str]) -> list[bool]:
        """For rows of the night as it was, whether each stays: those unknown to the plan do."""
        ask = "SELECT row_in FROM purchase WHERE purchase_id = ?"
        with self._talking():
            found = (self._db.execute(ask, (each,)).fetchone() for each in purchase_ids)
            return [row is None or row[0] == RowIn.NIGHT for row in found]

    def _next(self, found: sqlite3.Cursor, piece: int) -> list[tuple[str, int, str, str | None]]:
        with self._talking():
            return found.fetchmany(piece)

    def _one(self, query: str) -> int:
        with self._talking():
            return int(self._db.execute(query).fetchone()[0])

    @contextmanager
    def _talking(self) -> Iterator[None]:
        """One thread at a time; a full disk is an OSError like any other."""
        try:
            with self._lock:
                yield
        except sqlite3.OperationalError as error:
            raise OSError(f"the folder of temporary files: {error}") from error


@contextmanager
def fresh_plan() -> Iterator[Plan]:
    """An empty plan in a file of its own, which goes with the block."""
    with tempfile.TemporaryDirectory(prefix="checkout-age-plan-") as folder:
        path = Path(folder) / "plan.sqlite"
        with closing(
            sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        ) as connection:
            for setting in SETTINGS:
                connection.execute(f"PRAGMA {setting}")
            connection.executescript(SCHEMA)
            yield Plan(connection)
