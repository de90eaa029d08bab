"""Retention: photos that have served are removed, a while after their row is durable and scored."""

import json
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from checkout_age.batch.lake import KEY, Lake
from checkout_age.batch.lock import night_lock
from checkout_age.batch.outcome import Status
from checkout_age.batch.photos import PhotoError, PhotoRoot
from checkout_age.batch.place import write_whole

FOLDER = "deleted_photos"
"""deleted_photos/purchase_date=D/<moment>-<id>.jsonl: what goes, one JSON object a line."""


@dataclass
class Deletion:
    """What was removed of one night, or would be."""

    day: date
    deleted: int = 0
    changed: int = 0
    """Photos that are not those that were scored; they stay."""
    needed: int = 0
    """Photos that a row without an age, or of a younger night, names too; they stay."""


def delete_photos(
    lake: Lake,
    photos: PhotoRoot,
    older_than: timedelta,
    zone: ZoneInfo,
    now: datetime,
    *,
    dry_run: bool = False,
) -> Iterator[Deletion]:
    """Remove the photos of nights whose day was over that long ago, night by night.

    Only a photo whose bytes are those of a scored row in the lake goes, and only where no other row
    may need it: none without an age, none of a younger night.

    Raises:
        OSError: the lake or the photos' storage does not answer.
        NightTakenError: a run works on a night; those before it are done.
    """
    last = (now - older_than).astimezone(zone).date() - timedelta(days=1)
    nights = lake.days()
    due = [day for day in nights if day <= last and not _swept(lake, day)]
    if not due:
        return
    with _needed_photos(lake, nights, last) as needed:
        for day in due:
            with night_lock(lake, day, "delete-photos") as require:
                require()
                yield _sweep(lake, day, photos, needed, dry_run=dry_run)


def _sweep(
    lake: Lake, day: date, photos: PhotoRoot, needed: "_Needed", *, dry_run: bool
) -> Deletion:
    done = Deletion(day)
    for rows in lake.groups(day, ["purchase_id", "photo", "photo_sha256", "status"]):
        scored = rows.filter(pc.equal(rows["status"], str(Status.SCORED)))
        going = list(_going(scored.drop_columns("status"), photos, needed, done))
        done.deleted += len({photo for _, photo, _ in going})
        if going and not dry_run:
            _log(lake, day, going)  # first, so that nothing goes without a word
            for photo in {photo for _, photo, _ in going}:
                with suppress(PhotoError, FileNotFoundError):  # another run was faster
                    photos.delete(photo)
    if not dry_run:
        _mark_swept(lake, day)
    return done


def _going(
    scored: pa.Table, photos: PhotoRoot, needed: "_Needed", done: Deletion
) -> Iterator[tuple[str, str, str]]:
    for purchase, photo, digest in zip(*scored.to_pydict().values(), strict=True):
        if photo in needed:
            done.needed += 1
            continue
        try:
            same = sha256(photos.read(photo)).hexdigest() == digest
        except PhotoError:  # it went before
            continue
        if same:
            yield purchase, photo, digest
        else:
            done.changed += 1


def _log(lake: Lake, day: date, going: list[tuple[str, str, str]]) -> None:
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:12]}.jsonl"
    folder = lake.folder / FOLDER / f"{KEY}{day.isoformat()}"
    lines = "".join(_line(*each) for each in going)
    write_whole(folder / name, lake.staging_of(day), lines.encode())


def _line(purchase: str, photo: str, digest: str) -> str:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    entry = {"purchase_id": purchase, "photo": photo, "photo_sha256": digest, "deleted_at": at}
    return json.dumps(entry) + "\n"


def _mark(lake: Lake, day: date) -> str:
    facts = lake.facts(day)
    return json.dumps({"revision": None if facts is None else facts.revision})


def _swept(lake: Lake, day: date) -> bool:
    """Whether the night as it is was looked through before."""
    mark = lake.folder / FOLDER / f"{KEY}{day.isoformat()}" / "swept.json"
    return mark.exists() and mark.read_bytes().decode() == _mark(lake, day)


def _mark_swept(lake: Lake, day: date) -> None:
    mark = lake.folder / FOLDER / f"{KEY}{day.isoformat()}" / "swept.json"
    write_whole(mark, lake.staging_of(day), _mark(lake, day).encode())


class _Needed:
    """The photos that have to stay, on disk: a night of any size takes the same memory."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def add(self, photos: list[str]) -> None:
        self._db.executemany(
            "INSERT OR IGNORE INTO needed VALUES (?)", ((photo,) for photo in photos)
        )

    def __contains__(self, photo: str) -> bool:
        ask = "SELECT 1 FROM needed WHERE photo = ?"
        return self._db.execute(ask, (photo,)).fetchone() is not None


@contextmanager
def _needed_photos(lake: Lake, nights: list[date], last: date) -> Iterator[_Needed]:
    with (
        tempfile.TemporaryDirectory(prefix="checkout-age-retention-") as folder,
        closing(sqlite3.connect(Path(folder) / "needed.sqlite", isolation_level=None)) as db,
    ):
        db.execute("PRAGMA journal_mode = OFF")
        db.execute("CREATE TABLE needed (photo TEXT PRIMARY KEY) WITHOUT ROWID")
        needed = _Needed(db)
        for day in nights:
            for rows in lake.groups(day, ["photo", "status"]):
                named = rows.filter(pc.is_valid(rows["photo"]))
                if day <= last:
                    named = named.filter(pc.not_equal(named["status"], str(Status.SCORED)))
                needed.add(named["photo"].to_pylist())
        yield needed
