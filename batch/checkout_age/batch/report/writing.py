"""The report on disk: the page, and each table as Parquet beside it."""

import shutil
import uuid
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from checkout_age.batch.report.page import render
from checkout_age.batch.report.report import Report

PAGE = "index.html"
WORDS = {"by", "value", "age_group", "measure", "level", "product", "category", "store", "status"}
WORDS |= {"sign", "model", "name", "first", "last"}
COUNTS = {"purchases", "rank", "baskets", "matched", "matched_and_scored", "hour"}
TRUTHS = {"suppressed", "sure", "changed", "corrected"}


def write_report(report: Report, out: Path) -> Path:
    """Write the folder whole or not at all, in place of an older one; the page's path.

    Raises:
        OSError: it cannot be written; an older report stays.
        FileExistsError: something that is no report stands there.
    """
    if out.exists() and not (out / PAGE).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"{out} is there and is no report")
    out.parent.mkdir(parents=True, exist_ok=True)
    written = out.parent / f".{out.name}.{uuid.uuid4().hex}"
    old = written.with_name(f"{written.name}.old")
    try:
        written.mkdir()
        (written / PAGE).write_text(render(report), encoding="utf-8")
        write_tables(report, written)
        try:
            if out.exists():
                out.rename(old)
            written.rename(out)
        except BaseException:
            if old.exists() and not out.exists():
                old.rename(out)
            raise
    finally:
        shutil.rmtree(written, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return out / PAGE


def write_tables(report: Report, folder: Path) -> None:
    """Write each table as Parquet into a folder that is there."""
    for name, table in report.tables.items():
        pq.write_table(
            pa.Table.from_pandas(table, schema=schema_of(table), preserve_index=False),
            folder / f"{name}.parquet",
            compression="zstd",
        )


def schema_of(table: pd.DataFrame) -> pa.Schema:
    """The columns' types by their names, so that an empty table has them too."""
    return pa.schema([(str(column), _type(str(column))) for column in table.columns])


def _type(column: str) -> pa.DataType:
    if column in WORDS:
        return pa.string()
    if column in COUNTS:
        return pa.int64()
    return pa.bool_() if column in TRUTHS else pa.float64()
