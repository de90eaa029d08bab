"""Tables of purchases as shops keep them: Parquet or CSV, one file or a folder of them."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from checkout_age.batch.place import Place

COLUMNS = ("purchase_id", "store_id", "purchased_at", "photo")
PARQUET = (".parquet", ".pq", ".parq")
CSV = (".csv", ".csv.gz", ".csv.zst", ".csv.bz2")
ROWS = 16_384
"""Rows that are read at once."""
KEY = re.compile(r"(?:^|/)([^/=]+)=([^/]*)(?=/)")


class PurchasesError(ValueError):
    """The purchases table cannot be used; nothing was scored."""


@dataclass(frozen=True)
class TableFile:
    """One file of a table; `keys` are those of hive folders above it."""

    place: Place
    csv: bool
    keys: dict[str, str] = field(default_factory=dict)

    def batches(self, first: datetime, end: datetime) -> Iterator[tuple[pa.RecordBatch, int]]:
        """The four columns in pieces, with the number of each piece's first row, from 1.

        Pieces of Parquet whose statistics say that no row lies in the range of moments are left
        out; the range must be wide enough for every zone.

        Raises:
            PurchasesError: the file cannot be read, or lacks a column, or has one that is wrong.
        """
        try:
            yield from self._csv() if self.csv else self._parquet(first, end)
        except FileNotFoundError:
            raise PurchasesError(f"there is no purchases table at {self.place.shown}") from None
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise PurchasesError(
                f"{self.place.shown} cannot be read as purchases: {error}"
            ) from error

    def _parquet(self, first: datetime, end: datetime) -> Iterator[tuple[pa.RecordBatch, int]]:
        with self.place.filesystem.open_input_file(self.place.path) as source:
            file = pq.ParquetFile(source, pre_buffer=False)
            self._check(file.schema_arrow)
            wanted = [name for name in COLUMNS if name not in self.keys]
            row = 1
            for group in range(file.num_row_groups):
                if _may_lie_between(file.metadata.row_group(group), first, end):
                    start = row
                    for batch in file.iter_batches(ROWS, [group], wanted):
                        yield self._completed(batch), start
                        start += len(batch)
                row += file.metadata.row_group(group).num_rows

    def _csv(self) -> Iterator[tuple[pa.RecordBatch, int]]:
        with self._reader(pacsv.ConvertOptions()) as reader:
            header = reader.schema.names
        self._check(pa.schema([(name, pa.string()) for name in header]))
        wanted = [name for name in COLUMNS if name not in self.keys]
        as_text = pacsv.ConvertOptions(
            include_columns=wanted,
            column_types=dict.fromkeys(wanted, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
        )
        row = 1
        with self._reader(as_text) as reader:
            for batch in reader:
                yield self._completed(batch), row
                row += len(batch)

    def _reader(self, options: pacsv.ConvertOptions) -> pacsv.CSVStreamingReader:
        stream = self.place.filesystem.open_input_stream(self.place.path, compression="detect")
        return pacsv.open_csv(
            stream,
            pacsv.ReadOptions(block_size=1 << 20, use_threads=False),
            pacsv.ParseOptions(newlines_in_values=True),
            options,
        )

    def _completed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """With the columns that folders tell, ids and paths as text, times as they came."""
        columns = []
        for name in COLUMNS:
            if name in self.keys:
                column = pa.array([self.keys[name]] * len(batch), pa.string())
            else:
                column = batch[name]
            if pa.types.is_dictionary(column.type):
                column = column.dictionary_decode()
            as_is = name == "purchased_at" and pa.types.is_timestamp(column.type)
            columns.append(column if as_is else column.cast(pa.string()))
        return pa.RecordBatch.from_arrays(columns, names=list(COLUMNS))

    def _check(self, schema: pa.Schema) -> None:
        """Raise PurchasesError with all that is missing, wrong or doubled."""
        complaints = []
        counts = Counter(schema.names)
        absent = [n for n in COLUMNS if n not in counts and n not in self.keys]
        if absent:
            complaints.append(
                f"lacks the column {', '.join(absent)}; it has {', '.join(schema.names)}"
            )
        for name in COLUMNS:
            if counts[name] > 1:
                complaints.append(f"has the column {name} {counts[name]} times")
            elif counts[name] and not _fits(name, schema.field(name).type):
                complaints.append(
                    f"has {name} as {schema.field(name).type} where {_EXPECTED[name]} is expected"
                )
        if complaints:
            raise PurchasesError(f"{self.place.shown} {'; '.join(complaints)}")


@dataclass(frozen=True)
class Table:
    """All files of a table, in the order of their paths."""

    files: tuple[TableFile, ...]


def find_table(place: Place) -> Table:
    """The files at a place: itself, or those below it that are all Parquet or all CSV.

    Files and folders whose names begin with `.` or `_` are not looked at.

    Raises:
        PurchasesError: there is nothing, or no file of a kind that can be read.
    """
    try:
        if not place.exists():
            raise PurchasesError(f"there is no purchases table at {place.shown}")
        if not place.is_folder():
            return Table((TableFile(place, _is(place, CSV)),))
        found = [each for each in place.children(recursive=True) if not _hidden(place, each)]
    except OSError as error:
        raise PurchasesError(f"{place.shown} cannot be read as purchases: {error}") from error
    files = [each for each in found if _is(each, PARQUET)] or [e for e in found if _is(e, CSV)]
    if not files:
        raise PurchasesError(
            f"{place.shown} cannot be read as purchases: no file below it ends in .parquet or .csv"
        )
    return Table(tuple(TableFile(each, _is(each, CSV), _keys(place, each)) for each in files))


def _is(place: Place, endings: tuple[str, ...]) -> bool:
    return place.path.lower().endswith(endings)


def _hidden(folder: Place, file: Place) -> bool:
    below = file.path.removeprefix(folder.path).strip("/")
    return any(part.startswith((".", "_")) for part in below.split("/"))


def _keys(folder: Place, file: Place) -> dict[str, str]:
    return dict(KEY.findall(file.path.removeprefix(folder.path)))


_EXPECTED = {
    "purchase_id": "text or a whole number",
    "store_id": "text or a whole number",
    "purchased_at": "a timestamp or ISO 8601 text",
    "photo": "text",
}


def _fits(name: str, kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)
    if hasattr(pa.types, "is_string_view"):
        text = text or pa.types.is_string_view(kind)
    if name == "purchased_at":
        return text or bool(pa.types.is_timestamp(kind))
    return text or (name != "photo" and bool(pa.types.is_integer(kind)))


def _may_lie_between(group: pq.RowGroupMetaData, first: datetime, end: datetime) -> bool:
    for index in range(group.num_columns):
        column = group.column(index)
        told = column.statistics
        if column.path_in_schema != "purchased_at" or told is None or not told.has_min_max:
            continue
        if told.null_count != 0 or not isinstance(told.min, datetime):
            return True
        low, high = (
            t if t.tzinfo else t.replace(tzinfo=first.tzinfo) for t in (told.min, told.max)
        )
        return bool(low < end and high >= first)
    return True
