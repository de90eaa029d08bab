"""The lake: the table `purchase_ages`, one file a night, there whole or not at all."""

import posixpath
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from checkout_age.batch.place import Place, staged
from checkout_age.batch.schema import ROW_GROUP, SCHEMA, writer_options

TABLE = "purchase_ages"
PART = "part-0.parquet"
KEY = "purchase_date="
FACTS = "checkout_age."


@dataclass(frozen=True)
class NightFacts:
    """What a night's file tells of itself in its metadata."""

    revision: int = 1
    """How often the night was written; rows that were added or scored anew make it grow."""
    table_rows: int = 0
    """Rows that the purchases table had of the day, repeated ids among them."""
    age_groups: str | None = None
    """Youngest ages of the groups, as 0,18,65, where `regroup` drew them; None: the server's."""

    def metadata(self) -> dict[bytes, bytes]:
        """As the file holds it."""
        told = {"revision": str(self.revision), "table_rows": str(self.table_rows)}
        if self.age_groups is not None:
            told["age_groups"] = self.age_groups
        return {f"{FACTS}{name}".encode(): text.encode() for name, text in told.items()}

    @classmethod
    def of(cls, metadata: dict[bytes, bytes] | None) -> "NightFacts":
        """Out of a file's metadata; nights of older schemas tell nothing."""
        told = {key.decode(): value.decode() for key, value in (metadata or {}).items()}
        return cls(
            revision=int(told.get(f"{FACTS}revision", 0)),
            table_rows=int(told.get(f"{FACTS}table_rows", 0)),
            age_groups=told.get(f"{FACTS}age_groups"),
        )


class Lake:
    """The table below one folder, partitioned by `purchase_date`; on any file system."""

    def __init__(self, folder: str | Path | Place) -> None:
        """Raises PlaceError where the URI names no file system."""
        self.folder = Place.of(folder)
        self.table = self.folder / TABLE
        self.staging = self.folder / ".staging"

    def night(self, day: date) -> Place:
        """The folder where the rows of a day are or will be."""
        return self.table / f"{KEY}{day.isoformat()}"

    def file(self, day: date) -> Place:
        """The file of a day."""
        return self.night(day) / PART

    def staging_of(self, day: date) -> Place:
        """Where a day's files are while they are written; what a dead run left is here alone."""
        return self.staging / f"{KEY}{day.isoformat()}"

    def has(self, day: date) -> bool:
        """Whether the day's night is there; a half-written one is never seen here."""
        return self.file(day).exists()

    def days(self) -> list[date]:
        """The days that have a night, oldest first."""
        found = []
        for place in self.table.children():
            text = posixpath.basename(place.path).removeprefix(KEY)
            try:
                day = date.fromisoformat(text)
            except ValueError:  # not ours
                continue
            if self.has(day):
                found.append(day)
        return sorted(found)

    def facts(self, day: date) -> NightFacts | None:
        """What the day's file tells of itself; None where there is none."""
        if not self.has(day):
            return None
        with self.file(day).filesystem.open_input_file(self.file(day).path) as file:
            return NightFacts.of(pq.read_schema(file).metadata)

    def read(self, day: date, columns: Sequence[str] | None = None) -> pa.Table:
        """The rows of a night in memory; of nights in older schemas, absent columns are null."""
        wanted = SCHEMA if columns is None else _part(columns)
        groups = [wanted.empty_table().replace_schema_metadata(), *self.groups(day, columns)]
        return pa.concat_tables(groups).replace_schema_metadata(wanted.metadata)

    def groups(self, day: date, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The rows of a night in their order, one row group after the other."""
        with self.file(day).filesystem.open_input_file(self.file(day).path) as source:
            file = pq.ParquetFile(source, pre_buffer=False)
            for group in range(file.num_row_groups):
                yield _group(file, group, columns)

    def group(self, day: date, number: int) -> pa.Table:
        """One row group of a night."""
        with self.file(day).filesystem.open_input_file(self.file(day).path) as source:
            return _group(pq.ParquetFile(source, pre_buffer=False), number, None)

    def age_groups(self, day: date) -> list[str]:
        """The labels of a night's age groups, youngest first; none where no row is scored."""
        for rows in self.groups(day, ["age_group_probabilities"]):
            there = rows["age_group_probabilities"].drop_null()
            if len(there):
                return [entry["age_group"] for entry in there[0].as_py()]
        return []

    @contextmanager
    def writing(self, day: date, facts: NightFacts) -> Iterator["NightWriter"]:
        """A writer of the day's rows, in their order; the night appears when the block ends well.

        Raises:
            OSError: the rows cannot be written; the night is as it was.
        """
        with staged(self.file(day), self.staging_of(day)) as path:
            try:
                writer = NightWriter(self.folder.filesystem, path, facts)
                yield writer
                writer.close()
            except pa.ArrowException as error:
                raise OSError(str(error)) from error


class NightWriter:
    """Writes row groups of even size, so that the same rows make the same bytes."""

    def __init__(self, filesystem: object, path: str, facts: NightFacts) -> None:
        metadata = {**(SCHEMA.metadata or {}), **facts.metadata()}
        self._file = pq.ParquetWriter(
            path, SCHEMA.with_metadata(metadata), filesystem=filesystem, **writer_options()
        )
        self._waiting: list[pa.Table] = []
        self.rows = 0

    def write(self, rows: pa.Table) -> None:
        """Take in rows that follow those before."""
        self._waiting.append(rows)
        self.rows += len(rows)
        if sum(map(len, self._waiting)) >= ROW_GROUP:
            self._write_groups(whole=True)

    def close(self) -> None:
        """Write what is left and end the file."""
        self._write_groups(whole=False)
        self._file.close()

    def _write_groups(self, *, whole: bool) -> None:
        rows = pa.concat_tables(self._waiting) if self._waiting else SCHEMA.empty_table()
        at = 0
        while len(rows) - at >= ROW_GROUP or (at < len(rows) and not whole):
            group = rows.slice(at, ROW_GROUP).combine_chunks()
            self._file.write_table(group.cast(SCHEMA), row_group_size=ROW_GROUP)
            at += len(group)
        self._waiting = [rows.slice(at)] if at < len(rows) else []


def _part(columns: Sequence[str]) -> pa.Schema:
    return pa.schema([SCHEMA.field(name) for name in columns])


def _group(file: pq.ParquetFile, number: int, columns: Sequence[str] | None) -> pa.Table:
    """The columns of a row group that are asked for; null where an older schema lacks them."""
    wanted = SCHEMA if columns is None else _part(columns)
    there = [name for name in wanted.names if name in file.schema_arrow.names]
    rows = file.read_row_group(number, columns=there)
    arrays = [
        rows[field.name].cast(field.type)
        if field.name in there
        else pa.nulls(len(rows), field.type)
        for field in wanted
    ]
    return pa.Table.from_arrays(arrays, schema=wanted.remove_metadata())
